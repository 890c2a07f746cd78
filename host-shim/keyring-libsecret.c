/* What keyring.h promises, through libsecret. */
#include "failure.h"
#include "interrupt.h"
#include "keyring.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <libsecret/secret.h>
#include <signal.h>
#include <string.h>

static const int enders[] = {SIGINT, SIGTERM, SIGHUP};

/* A loop of our own: the driver that asks stands in the other one. */
typedef struct {
    GMainContext *context;
    GCancellable *cancellable;
    GSource *signals[G_N_ELEMENTS(enders)];
    GAsyncResult *result;
} Wait;

gboolean
keyring_check(GError **error G_GNUC_UNUSED)
{
    return TRUE;
}

/* ---- waiting ---- */

static gboolean
on_signal(gpointer data)
{
    g_cancellable_cancel(data);
    return G_SOURCE_CONTINUE;
}

static void
wait_begin(Wait *wait)
{
    *wait = (Wait){.context = g_main_context_new(), .cancellable = g_cancellable_new()};
    g_main_context_push_thread_default(wait->context);
    for (gsize i = 0; i < G_N_ELEMENTS(enders); i++) {
        if (interrupt_is_ignored(enders[i]))
            continue;
        wait->signals[i] = g_unix_signal_source_new(enders[i]);
        g_source_set_callback(wait->signals[i], on_signal, wait->cancellable, NULL);
        g_source_attach(wait->signals[i], wait->context);
    }
}

static void
wait_end(Wait *wait)
{
    for (gsize i = 0; i < G_N_ELEMENTS(enders); i++) {
        if (wait->signals[i] != NULL)
            g_source_destroy(wait->signals[i]);
        g_clear_pointer(&wait->signals[i], g_source_unref);
    }
    g_clear_object(&wait->result);
    /* subscriptions end in the loop that they were made in */
    while (g_main_context_iteration(wait->context, FALSE))
        ;
    g_main_context_pop_thread_default(wait->context);
    g_main_context_unref(wait->context);
    g_object_unref(wait->cancellable);
}

static void
on_answer(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Wait *wait = data;

    wait->result = g_object_ref(result);
}

/* Until on_answer() was called. */
static GAsyncResult *
wait_for(Wait *wait)
{
    g_clear_object(&wait->result);
    while (wait->result == NULL)
        g_main_context_iteration(wait->context, TRUE);
    return wait->result;
}

/* ---- items ---- */

/* Takes @cause. */
static void
explain(GError *cause, GError **error)
{
    g_autoptr(GError) owned = cause;

    if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        g_propagate_error(error, g_steal_pointer(&owned));
        return;
    }
    g_dbus_error_strip_remote_error(cause);
    failure_set(error, HVD_ERROR_SECRET,
                _("start a Secret Service (GNOME Keyring, KWallet, KeePassXC) in this session, or "
                  "use file:PATH"),
                _("the Secret Service cannot be asked: %s"), cause->message);
}

/* Not exactly one, or not to be had. */
static void
refuse(const GList *items, const char *names, GError **error)
{
    if (items == NULL)
        failure_set(error, HVD_ERROR_SECRET,
                    _("look with \"secret-tool search ATTRIBUTE VALUE\", or store it with "
                      "\"secret-tool store\""),
                    _("the Secret Service has no item with such values of: %s"), names);
    else if (items->next != NULL)
        failure_set(error, HVD_ERROR_SECRET, _("name an attribute that only one of them has"),
                    _("the Secret Service has several items with such values of: %s"), names);
    else
        failure_set(error, HVD_ERROR_SECRET, _("unlock the keyring, and try again"),
                    _("the Secret Service has the item locked that has such values of: %s"), names);
}

/* (nullable): the one that is meant */
static SecretItem *
find_item(Wait *wait, GHashTable *attributes, GError **error)
{
    g_autofree char *names = keyring_print_names(attributes);
    GError *cause = NULL;
    SecretItem *item = NULL;
    GList *items;

    secret_service_search(NULL, NULL, attributes, SECRET_SEARCH_ALL, wait->cancellable, on_answer,
                          wait);
    items = secret_service_search_finish(NULL, wait_for(wait), &cause);
    if (cause != NULL)
        explain(cause, error);
    else if (g_list_length(items) != 1 || secret_item_get_locked(items->data))
        refuse(items, names, error);
    else
        item = g_object_ref(items->data);
    g_list_free_full(items, g_object_unref);
    return item;
}

static SecretValue *
load(Wait *wait, SecretItem *item, GError **error)
{
    GError *cause = NULL;

    secret_item_load_secret(item, wait->cancellable, on_answer, wait);
    if (secret_item_load_secret_finish(item, wait_for(wait), &cause))
        return secret_item_get_secret(item);
    explain(cause, error);
    return NULL;
}

/* ---- the secret ---- */

static gssize
copy_secret(SecretValue *value, char *buffer, gsize size, GError **error)
{
    gsize length = 0;
    const char *secret = value != NULL ? secret_value_get(value, &length) : NULL;

    if (secret != NULL && length > 0 && length <= size && memchr(secret, '\0', length) == NULL) {
        memcpy(buffer, secret, length);
        return (gssize) length;
    }
    failure_set(error, HVD_ERROR_SECRET, _("store the password there again"), "%s",
                length > size ? _("the secret of the Secret Service is too long")
                              : _("the secret of the Secret Service is empty, or no text"));
    return -1;
}

gssize
keyring_read(GHashTable *attributes, char *buffer, gsize size, GError **error)
{
    g_autoptr(SecretItem) item = NULL;
    SecretValue *value = NULL;
    gssize length = -1;
    Wait wait;

    wait_begin(&wait);
    item = find_item(&wait, attributes, error);
    if (item != NULL)
        value = load(&wait, item, error);
    if (value != NULL) {
        length = copy_secret(value, buffer, size, error);
        secret_value_unref(value);
    }
    g_clear_object(&item);
    wait_end(&wait);
    return length;
}
