#include "act.h"

#include "describe.h"
#include "resolve.h"

#include <glib.h>

char *
act_begin(Shim *shim, GError **error)
{
    const char *word = arguments_operand(shim->arguments, 0);

    if (shim_connect(shim, error) == NULL)
        return NULL;
    progress_begin(shim->progress, word);
    return resolve_instance(shim, word, error);
}

gboolean
act_on_instance(Shim *shim, ActFunc act, PresentFunc show, GError **error)
{
    g_autofree char *uuid = act_begin(shim, error);

    return uuid != NULL && present(shim, act(shim, uuid, error), show);
}

void
act_show_instance(Output *output, JsonNode *info)
{
    describe_instance_briefly(output, document_object(info));
}

char *
act_describe(Shim *shim, const char *uuid)
{
    const char *word = arguments_operand(shim->arguments, 0);

    return g_uuid_string_is_valid(word) ? g_strdup(uuid) : g_strdup_printf("%s (%s)", word, uuid);
}
