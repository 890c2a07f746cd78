/* A pool opened and closed again.
 *
 * bench-open POOL-DIRECTORY ROUNDS
 *
 * Prints the seconds of the first opening, the peak of memory in bytes, the nodes, VMs and disks that the mirror
 * has, then the memory in use after a tenth of the rounds, and after all. */
#include "figure.h"
#include "pool.h"
#include "xenapi/mirror.h"

static void
run(const char *directory, guint rounds)
{
    g_autoptr(TestPool) pool = test_pool_join(directory, NULL);
    g_auto(GStrv) settings = test_pool_settings(pool, NULL);
    guint64 early = 0;

    for (guint i = 0; i < rounds; i++) {
        gint64 start = g_get_monotonic_time();
        XdConnection *connection = figure_open(settings);
        double seconds = (double) (g_get_monotonic_time() - start) / G_USEC_PER_SEC;

        if (i == 0)
            g_print("%.4f %" G_GUINT64_FORMAT " %u %u %u", seconds, figure_memory("VmHWM"),
                    xd_mirror_count(connection->mirror, &xd_class_host),
                    xd_mirror_count(connection->mirror, &xd_class_vm),
                    xd_mirror_count(connection->mirror, &xd_class_vdi));
        figure_close(connection);
        if (i == rounds / 10)
            early = figure_memory("VmRSS");
    }
    g_print(" %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n", early, figure_memory("VmRSS"));
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        g_printerr("usage: bench-open POOL-DIRECTORY ROUNDS\n");
        return 2;
    }
    run(argv[1], (guint) g_ascii_strtoull(argv[2], NULL, 10));
    return 0;
}
