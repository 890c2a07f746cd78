/* A scenario: commands with what is expected of them (scenario.schema.json), read and checked. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct {
    GStrv words;         /* of the command, as they stand there */
    const char *comment; /* (nullable) */
    int exit;
    JsonNode *json;   /* (nullable): what the answer has to have */
    const char *text; /* (nullable): what stderr has to have */
    JsonObject *save; /* (nullable): name -> JSON Pointer */
} ScenarioStep;

typedef struct {
    JsonNode *root;
    GPtrArray *steps; /* of ScenarioStep, which borrow from @root */
} Scenario;

/**
 * scenario_read: all of it is checked before anything runs: members, types, the commands and their
 * options, that each variable has a value by then.
 * @path: "-" is standard input
 *
 * Errors: of the file; INVALID with a JSON Pointer.
 */
Scenario *scenario_read(const char *path, GError **error);
void scenario_free(Scenario *scenario);

/* The words as one would type them. */
char *scenario_print_words(char **words);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scenario, scenario_free)

G_END_DECLS
