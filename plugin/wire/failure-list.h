/* The failure list of an answer, gathered within bounds. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * XdFailure: a failure list as it arrives, bounded in number and bytes; what is beyond is cut.
 * @code: (nullable): where the encoding tells it apart from the parameters
 * @items: (element-type utf8): the parameters, or code and parameters
 */
typedef struct {
    char *code;
    GPtrArray *items;
    gsize bytes;
} XdFailure;

void xd_failure_set_code(XdFailure *failure, const char *text, gsize length);
void xd_failure_add(XdFailure *failure, const char *text, gsize length);
/* (transfer full) (nullable): NULL where there is no code */
char **xd_failure_steal(XdFailure *failure);
void xd_failure_clear(XdFailure *failure);

G_END_DECLS
