#include "credential.h"

#include "failure.h"
#include "keyring.h"
#include "locked.h"
#include "terminal.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>

#define VARIABLE     "HVD_CREDENTIAL"
#define FROM_US      "environment"    /* "host:environment" */
#define FROM_KEYRING "secret-service" /* "host:secret-service" */
#define KEYRING      "secret-service:"
#define MAX_SECRET   4096
#define HOST_SCHEME  "host:"
#define FILE_SCHEME  "file:"

struct _Credential {
    char *reference;
    char *page; /* (nullable): MAX_SECRET bytes, locked_new() */
    gsize length;
    GHashTable *keyring; /* (nullable): attributes of an item of the Secret Service */
    GError *problem;     /* (nullable): with that */
    GError *fault;       /* (nullable): of the variable */
    gboolean cancelled;
};

void
credential_free(Credential *credential)
{
    locked_free(credential->page, MAX_SECRET);
    g_clear_pointer(&credential->keyring, g_hash_table_unref);
    g_clear_error(&credential->problem);
    g_clear_error(&credential->fault);
    g_free(credential->reference);
    g_free(credential);
}

/* What the kernel shows as our environment is this very memory. */
static void
wipe_variable(const char *name)
{
    char *value = getenv(name);

    if (value != NULL)
        explicit_bzero(value, strlen(value));
    unsetenv(name);
}

static gboolean
take_variable(Credential *credential, const char *name, GError **error)
{
    const char *value = name[0] != '\0' ? getenv(name) : NULL;
    gsize length = value != NULL ? strlen(value) : 0;

    if (length == 0 || length > MAX_SECRET) {
        failure_set(error, HVD_ERROR_SECRET, NULL,
                    length == 0 ? _("%s names the variable %s, which is not set")
                                : _("%s names the variable %s, which is too long"),
                    VARIABLE, name);
        wipe_variable(name);
        return FALSE;
    }
    credential->page = locked_new(MAX_SECRET);
    if (credential->page == NULL) {
        failure_set(error, HVD_ERROR_SECRET, NULL, "%s", _("no memory to keep a secret in"));
        return FALSE;
    }
    memcpy(credential->page, value, length);
    credential->length = length;
    wipe_variable(name);
    return TRUE;
}

static gboolean
has_scheme(const char *reference)
{
    static const char *const schemes[] = {"file:", "credential:", "fd:", "env:", "secret-service:"};

    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        if (g_str_has_prefix(reference, schemes[i]))
            return TRUE;
    }
    return FALSE;
}

static gboolean
take_keyring(Credential *credential, const char *attributes, GError **error)
{
    if (!keyring_check(error))
        return FALSE;
    credential->keyring = keyring_parse(attributes, error);
    credential->reference = g_strdup(HOST_SCHEME FROM_KEYRING);
    return credential->keyring != NULL;
}

/* The driver takes absolute names alone: it knows no directory of an operator's. */
static char *
make_absolute(const char *reference)
{
    g_autofree char *path =
        g_str_has_prefix(reference, FILE_SCHEME) && reference[strlen(FILE_SCHEME)] != '\0'
            ? g_canonicalize_filename(reference + strlen(FILE_SCHEME), NULL)
            : NULL;

    return path != NULL ? g_strconcat(FILE_SCHEME, path, NULL) : g_strdup(reference);
}

/* It may be the password itself: no message has it, and no child. */
static gboolean
refuse_literal(GError **error)
{
    wipe_variable(VARIABLE);
    failure_set(error, HVD_ERROR_SECRET_LITERAL,
                _("put the password into a file that only you can read, and its name there"),
                _("%s takes a reference to a password (file:, credential:, fd:, env:, "
                  "secret-service:), not the password"),
                VARIABLE);
    return FALSE;
}

static gboolean
take_reference(Credential *credential, const char *reference, GError **error)
{
    if (reference[0] == '\0') {
        failure_set(error, HVD_ERROR_SECRET,
                    _("set it to a reference, e.g. file:PATH, or unset it"), _("%s is empty"),
                    VARIABLE);
        return FALSE;
    }
    if (!has_scheme(reference))
        return refuse_literal(error);
    if (g_str_has_prefix(reference, KEYRING))
        return take_keyring(credential, reference + strlen(KEYRING), error);
    if (!g_str_has_prefix(reference, "env:")) {
        credential->reference = make_absolute(reference);
        return TRUE;
    }
    credential->reference = g_strdup(HOST_SCHEME FROM_US);
    return take_variable(credential, reference + strlen("env:"), error);
}

Credential *
credential_take(void)
{
    Credential *credential = g_new0(Credential, 1);
    const char *reference = getenv(VARIABLE);

    if (reference != NULL)
        take_reference(credential, reference, &credential->fault);
    return credential;
}

gboolean
credential_check(const Credential *credential, GError **error)
{
    if (credential->fault == NULL)
        return TRUE;
    g_propagate_error(error, g_error_copy(credential->fault));
    return FALSE;
}

const char *
credential_get_reference(const Credential *credential)
{
    return credential->reference;
}

gboolean
credential_is_from_environment(const Credential *credential)
{
    return credential->page != NULL;
}

gboolean
credential_is_from_keyring(const Credential *credential)
{
    return credential->keyring != NULL;
}

GError *
credential_take_problem(Credential *credential)
{
    return g_steal_pointer(&credential->problem);
}

gboolean
credential_was_cancelled(const Credential *credential)
{
    return credential->cancelled;
}

static gssize
ask(Credential *credential, const char *name, char *buffer, gsize size, GError **error)
{
    g_autofree char *safe = text_escape(name);
    g_autofree char *prompt = g_strdup_printf(_("Password for %s: "), safe);
    g_autoptr(GError) cause = NULL;
    gssize length;

    if (!terminal_is_there()) {
        failure_set(error, HVD_ERROR_SECRET, NULL,
                    _("%s is not set, and there is no terminal to ask at"), VARIABLE);
        return -1;
    }
    length = terminal_read_secret(prompt, buffer, size, &cause);
    if (length < 0) {
        credential->cancelled = g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_CANCELLED);
        g_propagate_error(error, g_steal_pointer(&cause));
    }
    return length;
}

static gssize
look_up(Credential *credential, char *buffer, gsize size, GError **error)
{
    g_autoptr(GError) cause = NULL;
    gssize length = keyring_read(credential->keyring, buffer, size, &cause);

    if (length >= 0)
        return length;
    credential->cancelled = g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_clear_error(&credential->problem);
    if (!credential->cancelled)
        credential->problem = g_error_copy(cause);
    g_propagate_error(error, g_steal_pointer(&cause));
    return -1;
}

gssize
credential_read(Credential *credential, const char *name, char *buffer, gsize size, GError **error)
{
    if (credential->keyring != NULL && strcmp(name, FROM_KEYRING) == 0)
        return look_up(credential, buffer, size, error);
    if (credential->page == NULL || strcmp(name, FROM_US) != 0)
        return ask(credential, name, buffer, size, error);
    if (credential->length > size) {
        failure_set(error, HVD_ERROR_SECRET, NULL, "%s", _("the password is too long"));
        return -1;
    }
    memcpy(buffer, credential->page, credential->length);
    return (gssize) credential->length;
}
