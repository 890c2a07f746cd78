#include "state.h"

#include <glib/gi18n.h>

static const struct {
    const char *word;
    const char *shown;
    Style style;
} states[] = {
    {"running", N_("running"), STYLE_GOOD},     {"paused", N_("paused"), STYLE_WARN},
    {"suspended", N_("suspended"), STYLE_WARN}, {"shutdown", N_("stopped"), STYLE_FAINT},
    {"none", N_("unknown"), STYLE_BAD},
};

const char *
state_get_word(const char *state, Style *style)
{
    for (gsize i = 0; i < G_N_ELEMENTS(states); i++) {
        if (g_strcmp0(states[i].word, state) != 0)
            continue;
        if (style != NULL)
            *style = states[i].style;
        return _(states[i].shown);
    }
    return state;
}
