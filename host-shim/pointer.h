/* What a driver says about a document, told as what the operator gave: a file, or an option. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    const char *pattern; /* of GLib's GPatternSpec, for a JSON Pointer */
    const char *option;  /* "mac" */
} PointerOption;

/* "spawn: /uuid: expected ..." becomes "FILE: /uuid: expected ...". Errors without a pointer stay. */
void pointer_tell_file(GError *error, const char *path);
/* ... becomes "--uuid: expected ..."; @options are ended by a NULL pattern */
void pointer_tell_option(GError *error, const PointerOption *options);

G_END_DECLS
