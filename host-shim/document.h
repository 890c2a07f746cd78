/* Reading of JSON that is given to us: no member is believed to be there or of its type. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* (nullable): NULL where @text is no JSON, or nested so deep that a parser might not stand it */
JsonNode *document_parse(const char *text);
char *document_print(JsonNode *node);
/* What was parsed cannot be changed; a copy can, but not what stands in it. */
JsonObject *document_copy(JsonObject *object);
char *document_print_object(JsonObject *object);

/* (nullable) (transfer none) */
JsonObject *document_object(JsonNode *node);
const char *document_text(JsonObject *object, const char *name);
JsonObject *document_member(JsonObject *object, const char *name);
gint64 document_number(JsonObject *object, const char *name, gint64 otherwise);
gboolean document_flag(JsonObject *object, const char *name);

/* (transfer container): the elements that are of the type, borrowed from what they stand in */
GPtrArray *document_elements(JsonNode *array);                     /* of JsonObject */
GPtrArray *document_objects(JsonObject *object, const char *name); /* of JsonObject */
GPtrArray *document_texts(JsonObject *object, const char *name);   /* of const char */

G_END_DECLS
