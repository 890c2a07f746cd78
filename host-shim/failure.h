/* Why a command failed: what is shown, and the exit status that scripts rely on. */
#pragma once

#include "hvd-driver.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The domain of errors inside the shim: codes are those of #HvdError, and these. */
#define FAILURE (failure_quark())
GQuark failure_quark(void);

enum {
    FAILURE_USAGE = 1000, /* the command line is wrong */
    FAILURE_CANCELLED,
    FAILURE_PROBLEMS, /* doctor has found some */
};

/* @advice: (nullable): what the operator could do; translated already, as is @format */
GError *failure_new(int code, const char *advice, const char *format, ...) G_GNUC_PRINTF(3, 4);
void failure_set(GError **error, int code, const char *advice, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
/* Of a file of this machine: its name, and what the system said. */
void failure_set_file(GError **error, const char *path, int system_error);
/* One of several things that could have been meant: its uuid, name, and what tells it from the
 * others (state, node, address, type), each a text. Takes @candidate. */
void failure_add_candidate(GError *error, JsonObject *candidate);
/* Where the message has @uuid the operator sees what they called it, too. */
void failure_rename(GError *error, const char *uuid, const char *word);

/* What a driver gave, with its document (error.schema.json) where there is one. Takes both. */
GError *failure_from_driver(GError *given, char *document);

gboolean failure_is(const GError *error, int code);

/* "NOT_FOUND" */
const char *failure_get_name(const GError *error);
/* (nullable) (transfer full): what could be done, translated */
char *failure_dup_advice(const GError *error);
int failure_get_exit_status(const GError *error);

/* One line of JSON; or some for eyes: what failed, what could be done, what is left behind. */
char *failure_print_json(const GError *error);
char *failure_print(const GError *error, gboolean colours);

/* "EXIT  CODE  MEANING" for the manual */
char *failure_print_table(gboolean colours, guint width);
/* The same: objects with exit, code and meaning. */
JsonArray *failure_describe_codes(void);

G_END_DECLS
