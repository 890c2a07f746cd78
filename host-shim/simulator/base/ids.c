#include "base/ids.h"

#include <sys/random.h>

struct _SimIds {
    GRand *random;
};

SimIds *
sim_ids_new(void)
{
    SimIds *ids = g_new0(SimIds, 1);

    ids->random = g_rand_new();
    return ids;
}

SimIds *
sim_ids_new_with_seed(guint32 seed)
{
    SimIds *ids = g_new0(SimIds, 1);

    ids->random = g_rand_new_with_seed(seed);
    return ids;
}

void
sim_ids_free(SimIds *ids)
{
    g_rand_free(ids->random);
    g_free(ids);
}

guint64
sim_ids_number(SimIds *ids)
{
    guint64 high = g_rand_int(ids->random);

    return high << 32 | g_rand_int(ids->random);
}

char *
sim_ids_uuid(SimIds *ids)
{
    guint64 a = sim_ids_number(ids);
    guint64 b = sim_ids_number(ids);

    return g_strdup_printf("%08x-%04x-%04x-%04x-%012" G_GINT64_MODIFIER "x", (guint) (a >> 32),
                           (guint) (a >> 16) & 0xffff, (guint) a & 0xffff, (guint) (b >> 48),
                           b & G_GUINT64_CONSTANT(0xffffffffffff));
}

char *
sim_ids_ref(SimIds *ids)
{
    g_autofree char *uuid = sim_ids_uuid(ids);

    return g_strconcat("OpaqueRef:", uuid, NULL);
}

char *
sim_ids_mac(SimIds *ids)
{
    guint64 bits = sim_ids_number(ids);

    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", ((guint) bits & 0xfc) | 2,
                           (guint) (bits >> 8) & 0xff, (guint) (bits >> 16) & 0xff,
                           (guint) (bits >> 24) & 0xff, (guint) (bits >> 32) & 0xff,
                           (guint) (bits >> 40) & 0xff);
}

char *
sim_ids_secret(void)
{
    guint8 bytes[16];
    GString *text = g_string_new(NULL);

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        g_error("the system has no random numbers");
    for (guint i = 0; i < sizeof(bytes); i++)
        g_string_append_printf(text, "%02x", bytes[i]);
    return g_string_free(text, FALSE);
}
