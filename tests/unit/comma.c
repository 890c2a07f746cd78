/* Loaded before a test: it then runs where a comma stands before the fraction (SEC-18). */
#include <glib.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static __attribute__((constructor)) void
choose_comma(void)
{
    if (setlocale(LC_ALL, "") == NULL || strcmp(localeconv()->decimal_point, ",") != 0) {
        g_printerr("there is no locale with a comma in %s\n", g_getenv("LOCPATH"));
        _Exit(1);
    }
}
