#include "manners.h"

#include <curl/curl.h>
#include <fenv.h>
#include <libxml/globals.h>
#include <libxml/parser.h>
#include <libxml/xmlIO.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A function's address as text. */
#define ADDRESS(pointer) ((gpointer) (gsize) (pointer))

extern char **environ;

static void
on_log(const char *domain G_GNUC_UNUSED, GLogLevelFlags level G_GNUC_UNUSED,
       const char *message G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
}

static void
on_print(const char *text G_GNUC_UNUSED)
{
}

/* GLib tells who wrote a record only by writing one. */
static GLogWriterOutput
on_write(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    for (gsize i = 0; i < n; i++) {
        if (strcmp(fields[i].key, "MANNERS") == 0) {
            (*(guint *) data)++;
            return G_LOG_WRITER_HANDLED;
        }
    }
    return g_log_writer_standard_streams(level, fields, n, NULL);
}

static guint *
written(void)
{
    static guint count;

    return &count;
}

static void
on_signal(int number G_GNUC_UNUSED)
{
}

void
manners_prepare(void)
{
    g_log_set_writer_func(on_write, written(), NULL);
    g_log_set_default_handler(on_log, NULL);
    g_set_print_handler(on_print);
    g_set_printerr_handler(on_print);
    signal(SIGUSR1, on_signal);
    signal(SIGPIPE, SIG_DFL); /* a library that writes to sockets may be tempted */
    umask(027);
    setlocale(LC_ALL, "C.UTF-8");
    xmlInitParser();
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void
add_signals(GString *out)
{
    sigset_t blocked;

    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int i = 1; i < NSIG; i++) {
        struct sigaction action;

        if (sigaction(i, NULL, &action) == 0)
            g_string_append_printf(out, "signal %d: %p %x %s\n", i, ADDRESS(action.sa_handler),
                                   (guint) action.sa_flags,
                                   sigismember(&blocked, i) ? "blocked" : "open");
    }
}

static void
add_process(GString *out)
{
    g_autofree char *directory = g_get_current_dir();
    char name[16] = "";
    mode_t mask = umask(0);

    umask(mask);
    prctl(PR_GET_NAME, name);
    g_string_append_printf(out, "umask %o\ndirectory %s\nname %s\n", mask, directory, name);
    g_string_append_printf(out, "prctl %d %d %d\n", prctl(PR_GET_DUMPABLE),
                           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_TIMERSLACK));
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit limit;

        getrlimit((__rlimit_resource_t) i, &limit);
        g_string_append_printf(out, "limit %d: %ju %ju\n", i, (uintmax_t) limit.rlim_cur,
                               (uintmax_t) limit.rlim_max);
    }
    g_string_append_printf(out, "rounding %d, traps %d\n", fegetround(), fegetexcept());
    g_string_append_printf(out, "locale %s\n", setlocale(LC_ALL, NULL));
    for (char **variable = environ; *variable != NULL; variable++)
        g_string_append_printf(out, "environment %p %s\n", (gpointer) *variable, *variable);
}

static void
add_glib(GString *out)
{
    GLogFunc log = g_log_set_default_handler(on_log, NULL);
    GPrintFunc print = g_set_print_handler(on_print);
    GPrintFunc print_error = g_set_printerr_handler(on_print);
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_FATAL_MASK);
    guint before = *written();

    g_log_set_default_handler(log, NULL);
    g_set_print_handler(print);
    g_set_printerr_handler(print_error);
    g_log_set_always_fatal(fatal);
    g_log_structured("abi", G_LOG_LEVEL_MESSAGE, "MANNERS", "1", "MESSAGE", "x");
    g_string_append_printf(out, "glib %p %p %p %x writer %s\n", ADDRESS(log), ADDRESS(print),
                           ADDRESS(print_error), (guint) fatal,
                           *written() == before + 1 ? "ours" : "another's");
    g_string_append_printf(out, "glib name %s, %s\n", g_get_prgname(), g_get_application_name());
}

static void
add_libxml(GString *out)
{
    xmlFreeFunc free_func;
    xmlMallocFunc malloc_func;
    xmlReallocFunc realloc_func;
    xmlStrdupFunc strdup_func;

    xmlMemGet(&free_func, &malloc_func, &realloc_func, &strdup_func);
    g_string_append_printf(out, "libxml memory %p %p %p %p\n", ADDRESS(free_func),
                           ADDRESS(malloc_func), ADDRESS(realloc_func), ADDRESS(strdup_func));
    g_string_append_printf(out, "libxml handlers %p %p %p %p %p\n", ADDRESS(xmlGenericError),
                           xmlGenericErrorContext, ADDRESS(xmlStructuredError),
                           xmlStructuredErrorContext, ADDRESS(xmlGetExternalEntityLoader()));
    g_string_append_printf(
        out, "libxml defaults %d %d %d %d %d %d %d %d %d\n", xmlKeepBlanksDefaultValue,
        xmlSubstituteEntitiesDefaultValue, xmlLoadExtDtdDefaultValue, xmlLineNumbersDefaultValue,
        xmlPedanticParserDefaultValue, xmlGetWarningsDefaultValue,
        xmlDoValidityCheckingDefaultValue, xmlIndentTreeOutput, xmlSaveNoEmptyTags);
}

static void
add_curl(GString *out)
{
    CURL *easy = curl_easy_init(); /* fails when somebody has cleaned up for us */

    g_string_append_printf(out, "curl %s\n", easy != NULL ? "there" : "gone");
    curl_easy_cleanup(easy);
}

char *
manners_describe(void)
{
    GString *out = g_string_new(NULL);

    add_signals(out);
    add_process(out);
    add_glib(out);
    add_libxml(out);
    add_curl(out);
    return g_string_free(out, FALSE);
}
