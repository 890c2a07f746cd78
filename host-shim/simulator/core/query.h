/* The filter language of get_all_records_where: field "name__label"="x" and not ... */
#pragma once

#include "core/database.h"

G_BEGIN_DECLS

typedef struct _SimQuery SimQuery;

/* (nullable): NULL where the text does not parse */
SimQuery *sim_query_parse(const char *text);
void sim_query_free(SimQuery *query);
/* @missing: (out) (transfer none): set where the query names a field that the class lacks */
gboolean sim_query_match(const SimQuery *query, const SimObject *object, const char **missing);

/* "name_label" of VM -> "name__label": the database's own column names */
char *sim_query_column(const SimField *field);
/* (transfer full): a value as the database stores it: sets ('a' 'b'), maps (('k' 'v')) */
char *sim_query_stored_text(const SimValue *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimQuery, sim_query_free)

G_END_DECLS
