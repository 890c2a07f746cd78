#include "table.h"

#include "text.h"

#include <glib/gi18n.h>

#define GAP       2
#define NARROWEST 8 /* a flexible column is not cut below */

typedef struct {
    char *text;
    Style style;
} Cell;

struct _Table {
    const Column *columns;
    guint n_columns;
    GArray *cells; /* of Cell, row by row */
};

/* ---- styles ---- */

const char *
style_begin(Style style, gboolean colours)
{
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "",        [STYLE_TITLE] = "\033[1m", [STYLE_GOOD] = "\033[32m",
        [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[31m",  [STYLE_FAINT] = "\033[2m",
    };

    return colours ? sequences[style] : "";
}

const char *
style_end(Style style, gboolean colours)
{
    return colours && style != STYLE_PLAIN ? "\033[0m" : "";
}

/* ---- filling ---- */

static void
cell_clear(gpointer data)
{
    g_free(((Cell *) data)->text);
}

Table *
table_new(const Column *columns, guint n_columns)
{
    Table *table = g_new0(Table, 1);

    table->columns = columns;
    table->n_columns = n_columns;
    table->cells = g_array_new(FALSE, FALSE, sizeof(Cell));
    g_array_set_clear_func(table->cells, cell_clear);
    return table;
}

void
table_free(Table *table)
{
    g_array_unref(table->cells);
    g_free(table);
}

void
table_row(Table *table)
{
    g_return_if_fail(table->cells->len % table->n_columns == 0);
}

void
table_cell_styled(Table *table, const char *text, Style style)
{
    Cell cell = {.style = style};

    cell.text = text_escape(text != NULL && text[0] != '\0' ? text : "-");
    g_array_append_val(table->cells, cell);
}

void
table_cell(Table *table, const char *text)
{
    table_cell_styled(table, text, STYLE_PLAIN);
}

void
table_take(Table *table, char *text)
{
    table_cell(table, text);
    g_free(text);
}

/* ---- printing ---- */

static const Cell *
cell_at(const Table *table, guint row, guint column)
{
    return &g_array_index(table->cells, Cell, row * table->n_columns + column);
}

static gboolean
has_head(const Table *table)
{
    return table->columns[0].title != NULL;
}

static guint *
measure(const Table *table)
{
    guint *widths = g_new0(guint, table->n_columns);

    for (guint k = 0; k < table->n_columns; k++) {
        widths[k] = has_head(table) ? text_width(_(table->columns[k].title)) : 0;
        for (guint i = 0; i < table->cells->len / table->n_columns; i++)
            widths[k] = MAX(widths[k], text_width(cell_at(table, i, k)->text));
    }
    return widths;
}

/* Takes what is too much from the widest flexible column, again and again. */
static void
squeeze(const Table *table, guint *widths, guint width)
{
    guint total = (table->n_columns - 1) * GAP;

    for (guint k = 0; k < table->n_columns; k++)
        total += widths[k];
    for (; total > width; total--) {
        guint *widest = NULL;

        for (guint k = 0; k < table->n_columns; k++) {
            if (table->columns[k].flexible && widths[k] > NARROWEST &&
                (widest == NULL || widths[k] > *widest))
                widest = &widths[k];
        }
        if (widest == NULL)
            return;
        (*widest)--;
    }
}

static void
print_cell(const Table *table, GString *line, const guint *widths, guint k, const char *text,
           Style style, gboolean colours)
{
    gboolean last = k + 1 == table->n_columns;
    g_autofree char *fitted = text_fit(text, widths[k]);
    g_autoptr(GString) padded = g_string_new(NULL);

    /* no blanks at the end of a line: they wrap in a narrow terminal */
    text_pad(padded, fitted, last && !table->columns[k].to_the_right ? 0 : widths[k],
             table->columns[k].to_the_right);
    g_string_append(line, style_begin(style, colours));
    g_string_append(line, padded->str);
    g_string_append(line, style_end(style, colours));
    g_string_append_printf(line, "%*s", last ? 0 : GAP, "");
}

char *
table_print(const Table *table, guint width, gboolean colours)
{
    g_autofree guint *widths = measure(table);
    GString *out = g_string_new(NULL);

    g_assert(table->n_columns > 0);
    if (width > 0)
        squeeze(table, widths, width);
    for (guint k = 0; has_head(table) && k < table->n_columns; k++)
        print_cell(table, out, widths, k, _(table->columns[k].title), STYLE_TITLE, colours);
    if (has_head(table))
        g_string_append_c(out, '\n');
    for (guint i = 0; i < table->cells->len / table->n_columns; i++) {
        for (guint k = 0; k < table->n_columns; k++) {
            const Cell *cell = cell_at(table, i, k);

            print_cell(table, out, widths, k, cell->text, cell->style, colours);
        }
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
