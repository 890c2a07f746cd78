#include "loader.h"
#include "runner.h"
#include "simulated.h"

#include <stdlib.h>
#include <sys/prctl.h>

static int
fail(const GError *error)
{
    g_printerr("hvd: %s\n", error->message);
    return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    const char *slot = argc > 1 ? argv[1] : "list_nodes";
    g_autoptr(GError) error = NULL;
    g_autoptr(Simulated) simulated = NULL;
    g_autoptr(Runner) runner = NULL;
    g_auto(GStrv) settings = NULL;
    g_autofree char *answer = NULL;
    HvdOpen open = {.struct_size = sizeof open};
    const HvdDriver *driver;

    prctl(PR_SET_DUMPABLE, 0);
    driver = loader_load(NULL, &error);
    if (driver == NULL)
        return fail(error);
    simulated = simulated_open(NULL, &error);
    if (simulated == NULL)
        return fail(error);
    settings = simulated_get_settings(simulated);
    open.settings = (const char *const *) settings;
    runner = runner_new(driver);
    if (!runner_open(runner, &open, &error))
        return fail(error);
    answer = argc > 2 ? runner_instance(runner, slot, argv[2], &error)
                      : runner_call(runner, slot, &error);
    if (answer == NULL)
        return fail(error);
    g_print("%s\n", answer);
    return EXIT_SUCCESS;
}
