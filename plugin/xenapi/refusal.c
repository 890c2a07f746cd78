#include "xenapi/refusal.h"

#define FIRST_PAUSE_MS 1000
#define LAST_PAUSE_MS  60000

void
xd_refusal_init(XdRefusal *refusal, XdClock *clock)
{
    *refusal = (XdRefusal){.clock = clock};
    refusal->origins = g_ptr_array_new_with_free_func((GDestroyNotify) xd_origin_free);
}

void
xd_refusal_clear(XdRefusal *refusal)
{
    g_clear_error(&refusal->error);
    g_ptr_array_unref(refusal->origins);
}

void
xd_refusal_note(XdRefusal *refusal, const XdOrigin *origin, const GError *error)
{
    gint64 pause = (gint64) FIRST_PAUSE_MS << MIN(refusal->n, 10);

    if (!xd_refusal_lasts(refusal)) /* the others may be asked again, too */
        g_ptr_array_set_size(refusal->origins, 0);
    g_ptr_array_add(refusal->origins, xd_origin_copy(origin));
    g_clear_error(&refusal->error);
    refusal->error = g_error_copy(error);
    refusal->n++;
    refusal->until_ms = xd_clock_now_ms(refusal->clock) + MIN(pause, LAST_PAUSE_MS);
}

void
xd_refusal_forget(XdRefusal *refusal)
{
    g_clear_error(&refusal->error);
    g_ptr_array_set_size(refusal->origins, 0);
    refusal->n = 0;
}

gboolean
xd_refusal_lasts(const XdRefusal *refusal)
{
    return refusal->error != NULL && xd_clock_now_ms(refusal->clock) < refusal->until_ms;
}

static gboolean
is_same(gconstpointer a, gconstpointer b)
{
    return xd_origin_equal(a, b);
}

gboolean
xd_refusal_is_of(const XdRefusal *refusal, const XdOrigin *origin)
{
    return xd_refusal_lasts(refusal) &&
           g_ptr_array_find_with_equal_func(refusal->origins, origin, is_same, NULL);
}
