/* Rows and columns for eyes. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
    STYLE_PLAIN,
    STYLE_TITLE,
    STYLE_GOOD,
    STYLE_WARN,
    STYLE_BAD,
    STYLE_FAINT,
} Style;

/* The sequences around a text of a style; empty without colours. */
const char *style_begin(Style style, gboolean colours);
const char *style_end(Style style, gboolean colours);

typedef struct {
    const char *title; /* translated when shown; NULL in all columns: no head */
    gboolean to_the_right;
    gboolean flexible; /* may be cut where the terminal is narrow */
} Column;

typedef struct _Table Table;

Table *table_new(const Column *columns, guint n_columns);
void table_free(Table *table);

/* A row: then table_cell() for each column, in order. Text is escaped; NULL or "" shows as "-". */
void table_row(Table *table);
void table_cell(Table *table, const char *text);
void table_cell_styled(Table *table, const char *text, Style style);
void table_take(Table *table, char *text); /* frees @text */

/* @width: of the terminal; 0: as wide as it gets. Lines end with a newline. */
char *table_print(const Table *table, guint width, gboolean colours);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

G_END_DECLS
