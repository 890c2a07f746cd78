/* What a step of a scenario expects and keeps: variables in text, JSON against JSON. Pure. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A-Z a-z 0-9 _, and no digit first */
gboolean expect_is_name(const char *text);

/**
 * expect_expand: @text with the values of the ${name} in it; "$${" stands for "${".
 * @values: (element-type utf8 utf8): by name
 * @missing: (out) (transfer full): the name that has no value, or what is no name
 *
 * Returns: (nullable): NULL where something is missing
 */
char *expect_expand(const char *text, GHashTable *values, char **missing);

/* "/a/b~1c" is one; "" is the whole */
gboolean expect_is_pointer(const char *text);
/* (nullable) (transfer none): what a JSON Pointer leads to */
JsonNode *expect_find(JsonNode *root, const char *pointer);
void expect_append_pointer(GString *pointer, const char *member);

/**
 * expect_compare: does @is have all that @wanted has? An object may have more members, an array is as
 * long; text in @wanted may have variables.
 * @is: (nullable)
 *
 * Returns: (nullable): NULL where it fits, else where it does not
 */
char *expect_compare(JsonNode *wanted, JsonNode *is, GHashTable *values);

G_END_DECLS
