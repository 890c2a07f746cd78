#include "wire/xml.h"

#include "wire/number.h"

#include "base/error.h"

#include <libxml/parser.h>
#include <string.h>

/* Three elements a level of nesting (value, struct, member), and those around the value. */
#define MAX_DEPTH    40
#define MAX_ELEMENTS (3 * MAX_DEPTH + 8)
/* Where nobody looks. libxml2 keeps the name of every open element, and bounds only the depth of trees:
 * 16 MiB of open elements took 80 MiB. */
#define MAX_SKIPPED    256
#define MAX_ATTRIBUTES 8           /* XML-RPC has none, a proxy may add its own */
#define MAX_MARKUP     (16 * 1024) /* bytes of a tag or a comment */

typedef enum {
    ELEMENT_TOP, /* around the root */
    ELEMENT_RESPONSE,
    ELEMENT_PARAMS,
    ELEMENT_PARAM,
    ELEMENT_VALUE,
    ELEMENT_ARRAY,
    ELEMENT_DATA,
    ELEMENT_STRUCT,
    ELEMENT_MEMBER,
    ELEMENT_NAME,
    ELEMENT_STRING, /* this one and those below have text and nothing else */
    ELEMENT_DATETIME,
    ELEMENT_INTEGER,
    ELEMENT_DOUBLE,
    ELEMENT_BOOLEAN,
    ELEMENT_NIL,
} Element;

#define IN(element) (1u << ELEMENT_##element)

static const struct {
    const char *name;
    Element element;
    guint parents; /* bits of those that it may stand in */
} elements[] = {
    {"value", ELEMENT_VALUE, IN(PARAM) | IN(DATA) | IN(MEMBER)},
    {"member", ELEMENT_MEMBER, IN(STRUCT)},
    {"name", ELEMENT_NAME, IN(MEMBER)},
    {"string", ELEMENT_STRING, IN(VALUE)},
    {"struct", ELEMENT_STRUCT, IN(VALUE)},
    {"array", ELEMENT_ARRAY, IN(VALUE)},
    {"data", ELEMENT_DATA, IN(ARRAY)},
    {"boolean", ELEMENT_BOOLEAN, IN(VALUE)},
    {"double", ELEMENT_DOUBLE, IN(VALUE)},
    {"dateTime.iso8601", ELEMENT_DATETIME, IN(VALUE)},
    {"int", ELEMENT_INTEGER, IN(VALUE)},
    {"i4", ELEMENT_INTEGER, IN(VALUE)},
    {"i8", ELEMENT_INTEGER, IN(VALUE)},
    {"nil", ELEMENT_NIL, IN(VALUE)},
    {"methodResponse", ELEMENT_RESPONSE, IN(TOP)},
    {"params", ELEMENT_PARAMS, IN(RESPONSE)},
    {"param", ELEMENT_PARAM, IN(PARAMS)},
};

/* How many children an element has to have; those that are not listed have any number. */
static const struct {
    guint least;
    guint most;
} children[] = {
    [ELEMENT_TOP] = {1, 1},          [ELEMENT_RESPONSE] = {1, 1},       [ELEMENT_PARAMS] = {1, 1},
    [ELEMENT_PARAM] = {1, 1},        [ELEMENT_VALUE] = {0, 1},          [ELEMENT_ARRAY] = {0, 1},
    [ELEMENT_DATA] = {0, G_MAXUINT}, [ELEMENT_STRUCT] = {0, G_MAXUINT}, [ELEMENT_MEMBER] = {2, 2},
    [ELEMENT_NAME] = {0, 0},         [ELEMENT_STRING] = {0, 0},         [ELEMENT_DATETIME] = {0, 0},
    [ELEMENT_INTEGER] = {0, 0},      [ELEMENT_DOUBLE] = {0, 0},         [ELEMENT_BOOLEAN] = {0, 0},
    [ELEMENT_NIL] = {0, 0},
};

typedef struct {
    Element element;
    guint n_children;
} Frame;

struct _XdXmlReader {
    XdSink *sink;
    XdXmlRoot root;
    XdXmlLimits limits;
    xmlParserCtxt *context;
    GError *error;
    gboolean is_broken;
    gsize n_bytes;

    Frame frames[MAX_ELEMENTS];
    guint n_frames;
    guint depth; /* arrays and structs among them */

    XdVault text; /* of the innermost element that may have any */
    gboolean skip_next;
    guint skipped; /* elements open in the value that nobody wants */
};

/* ---- errors ---- */

/* The first error is the one that counts. */
static void
note(XdXmlReader *reader, GError *error)
{
    if (reader->is_broken)
        g_error_free(error);
    else
        reader->error = error;
    reader->is_broken = TRUE;
}

static void
fail(XdXmlReader *reader, const char *what)
{
    note(reader, xd_error_new(HVD_ERROR_PROTOCOL, "no valid XML-RPC: %s", what));
}

static void
obey(XdXmlReader *reader, XdVerdict verdict)
{
    GError *error;

    if (verdict == XD_SINK_SKIP)
        reader->skip_next = TRUE;
    if (verdict != XD_SINK_REFUSE)
        return;
    error = g_steal_pointer(&reader->sink->error);
    note(reader, error != NULL ? error : xd_error_new(HVD_ERROR_PROTOCOL, "unexpected content"));
}

#define TELL(reader, token, ...) obey((reader), (reader)->sink->klass->token(__VA_ARGS__))

/* ---- elements ---- */

static Frame *
innermost(XdXmlReader *reader)
{
    return &reader->frames[reader->n_frames - 1];
}

static gboolean
find_element(XdXmlReader *reader, const char *name, Element *element)
{
    guint parent = 1u << innermost(reader)->element;

    if (parent == IN(TOP) && reader->root == XD_XML_VALUE) {
        *element = ELEMENT_VALUE;
        return g_str_equal(name, "value");
    }
    for (gsize i = 0; i < G_N_ELEMENTS(elements); i++) {
        if ((elements[i].parents & parent) != 0 && g_str_equal(name, elements[i].name)) {
            *element = elements[i].element;
            return TRUE;
        }
    }
    return FALSE;
}

/* A member has its name, then its value. */
static gboolean
is_in_turn(const Frame *parent, Element element)
{
    if (parent->n_children >= children[parent->element].most)
        return FALSE;
    return parent->element != ELEMENT_MEMBER ||
           (parent->n_children == 0) == (element == ELEMENT_NAME);
}

static gboolean
is_blank(const XdVault *text)
{
    for (gsize i = 0; i < text->length; i++) {
        if (strchr(" \t\r\n", text->data[i]) == NULL)
            return FALSE;
    }
    return TRUE;
}

/* The bound on arrays and structs is one on elements as well, by what may stand in what. */
static void
start_element(XdXmlReader *reader, Element element)
{
    reader->frames[reader->n_frames++] = (Frame){.element = element};
    if (element != ELEMENT_STRUCT && element != ELEMENT_ARRAY)
        return;
    if (reader->depth++ >= reader->limits.max_depth)
        fail(reader, "nested too deeply");
    else
        TELL(reader, begin, reader->sink, element == ELEMENT_STRUCT);
}

static void
on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri G_GNUC_UNUSED,
         int n_namespaces G_GNUC_UNUSED, const xmlChar **namespaces G_GNUC_UNUSED, int n_attributes,
         int n_defaulted G_GNUC_UNUSED, const xmlChar **attributes G_GNUC_UNUSED)
{
    XdXmlReader *reader = data;
    Frame *parent = innermost(reader);
    Element element;

    if (reader->is_broken)
        return;
    if (n_attributes > MAX_ATTRIBUTES) {
        fail(reader, "an element has too many attributes");
        return;
    }
    if (reader->skipped >= MAX_SKIPPED) {
        fail(reader, "nested too deeply");
        return;
    }
    if (reader->skipped > 0) {
        reader->skipped++;
        return;
    }
    if (prefix != NULL || !find_element(reader, (const char *) name, &element) ||
        !is_in_turn(parent, element) || !is_blank(&reader->text)) {
        fail(reader, "an element stands where it cannot");
        return;
    }
    parent->n_children++;
    xd_vault_truncate(&reader->text, 0);
    if (reader->skip_next && element == ELEMENT_VALUE) {
        reader->skip_next = FALSE;
        reader->skipped = 1;
        return;
    }
    start_element(reader, element);
}

static void
tell_integer(XdXmlReader *reader)
{
    gint64 value;

    if (xd_integer_parse(reader->text.data, reader->text.length, &value))
        TELL(reader, integer, reader->sink, value);
    else
        fail(reader, "malformed integer");
}

static void
tell_real(XdXmlReader *reader)
{
    double value;

    if (xd_real_parse(reader->text.data, reader->text.length, &value))
        TELL(reader, real, reader->sink, value);
    else
        fail(reader, "malformed float");
}

static void
tell_boolean(XdXmlReader *reader)
{
    if (reader->text.length == 1 && (reader->text.data[0] == '0' || reader->text.data[0] == '1'))
        TELL(reader, boolean, reader->sink, reader->text.data[0] == '1');
    else
        fail(reader, "malformed boolean");
}

static void
tell_string(XdXmlReader *reader)
{
    const char *text = reader->text.length > 0 ? reader->text.data : "";

    if (!g_utf8_validate_len(text, reader->text.length, NULL))
        fail(reader, "no UTF-8"); /* the parser has seen to it; what rests on it is too much */
    else
        TELL(reader, string, reader->sink, text, reader->text.length);
}

static void
tell_key(XdXmlReader *reader)
{
    const char *text = reader->text.length > 0 ? reader->text.data : "";

    if (!g_utf8_validate_len(text, reader->text.length, NULL))
        fail(reader, "no UTF-8");
    else
        TELL(reader, key, reader->sink, text, reader->text.length);
}

static void
tell_nil(XdXmlReader *reader)
{
    if (is_blank(&reader->text))
        TELL(reader, null, reader->sink);
    else
        fail(reader, "text in a nil");
}

static void
tell_end(XdXmlReader *reader)
{
    reader->depth--;
    TELL(reader, end, reader->sink);
}

/* What each element has to tell at its end; the others are mere packing. */
static void (*const endings[])(XdXmlReader *reader) = {
    [ELEMENT_STRUCT] = tell_end,      [ELEMENT_ARRAY] = tell_end,
    [ELEMENT_NAME] = tell_key,        [ELEMENT_STRING] = tell_string,
    [ELEMENT_DATETIME] = tell_string, [ELEMENT_INTEGER] = tell_integer,
    [ELEMENT_DOUBLE] = tell_real,     [ELEMENT_BOOLEAN] = tell_boolean,
    [ELEMENT_NIL] = tell_nil,
};

static void
on_end(void *data, const xmlChar *name G_GNUC_UNUSED, const xmlChar *prefix G_GNUC_UNUSED,
       const xmlChar *uri G_GNUC_UNUSED)
{
    XdXmlReader *reader = data;
    Frame frame = *innermost(reader);

    if (reader->is_broken)
        return;
    if (reader->skipped > 0) {
        reader->skipped--;
        return;
    }
    if (frame.n_children < children[frame.element].least) {
        fail(reader, "an element is incomplete");
        return;
    }
    if (endings[frame.element] != NULL)
        endings[frame.element](reader);
    else if (frame.element == ELEMENT_VALUE && frame.n_children == 0)
        tell_string(reader); /* untyped: all that the toolstack sends of strings and integers */
    else if (!is_blank(&reader->text))
        fail(reader, "text between elements");
    xd_vault_truncate(&reader->text, 0);
    reader->n_frames--;
}

/* In pieces, and with the blanks between elements as well. */
static void
on_text(void *data, const xmlChar *text, int length)
{
    XdXmlReader *reader = data;

    if (reader->is_broken || reader->skipped > 0)
        return;
    if ((gsize) length > reader->limits.max_string - reader->text.length)
        fail(reader, "string too long");
    else
        xd_vault_append(&reader->text, (const char *) text, (gsize) length);
}

/* ---- what is refused ---- */

/* With the DTD go entities and all that can be done with them. This is the one place where the
 * parser has to be stopped: elsewhere it may run to the end of its piece, nobody listens. */
static void
on_doctype(void *data, const xmlChar *name G_GNUC_UNUSED, const xmlChar *id G_GNUC_UNUSED,
           const xmlChar *system_id G_GNUC_UNUSED)
{
    XdXmlReader *reader = data;

    fail(reader, "it has a document type");
    xmlStopParser(reader->context);
}

/* Having this handler keeps the library from printing. The parser must not be stopped from here:
 * it still points into the input that stopping frees. */
static void
on_problem(void *data, xmlErrorPtr problem)
{
    if (problem->level == XML_ERR_FATAL)
        fail(data, "malformed or incomplete XML");
}

static const xmlSAXHandler handlers = {
    .initialized = XML_SAX2_MAGIC,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .internalSubset = on_doctype,
    .serror = on_problem,
};

/* ---- the face ---- */

XdXmlReader *
xd_xml_reader_new(XdSink *sink, XdXmlRoot root, const XdXmlLimits *limits, XdArena *arena)
{
    XdXmlReader *reader = g_new0(XdXmlReader, 1);
    xmlSAXHandler sax = handlers;

    reader->sink = sink;
    reader->root = root;
    reader->limits = *limits;
    reader->limits.max_depth = MIN(limits->max_depth, MAX_DEPTH);
    reader->frames[reader->n_frames++] = (Frame){.element = ELEMENT_TOP};
    xd_vault_init(&reader->text, arena);
    reader->context = xmlCreatePushParserCtxt(&sax, reader, NULL, 0, NULL);
    if (reader->context == NULL)
        g_error("cannot allocate a parser"); /* as g_malloc() does */
    xmlCtxtUseOptions(reader->context, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
    return reader;
}

/* A login's answer is short enough to lie in the parser's buffer as it came, session and all. */
static void
wipe_input(xmlParserCtxt *context)
{
    xmlParserInput *input = context->input;

    if (input != NULL && input->end > input->base)
        explicit_bzero((void *) input->base, (gsize) (input->end - input->base));
}

void
xd_xml_reader_free(XdXmlReader *reader)
{
    wipe_input(reader->context);
    xmlFreeParserCtxt(reader->context);
    xd_vault_clear(&reader->text);
    g_clear_error(&reader->error);
    g_free(reader);
}

static gboolean
report(XdXmlReader *reader, GError **error)
{
    GError *first = g_steal_pointer(&reader->error);

    if (first == NULL)
        first = xd_error_new(HVD_ERROR_PROTOCOL, "nothing is read after an error");
    xd_vault_truncate(&reader->text, 0);
    g_propagate_error(error, first);
    return FALSE;
}

/* The parser takes text as it comes, and waits for the end of a tag or a comment. Of a tag it compares
 * every attribute with every other before anybody is asked (libxml2, xmlParseStartTag2). */
static gboolean
is_waiting_long(const XdXmlReader *reader)
{
    const xmlParserInput *input = reader->context->input;

    return input != NULL && input->end - input->cur > MAX_MARKUP;
}

gboolean
xd_xml_reader_feed(XdXmlReader *reader, const char *bytes, gsize length, GError **error)
{
    if (!reader->is_broken && length > reader->limits.max_bytes - reader->n_bytes)
        fail(reader, "text too long");
    for (gsize done = 0; !reader->is_broken && done < length; done += MAX_MARKUP) {
        int size = (int) MIN(MAX_MARKUP, length - done);

        if (xmlParseChunk(reader->context, bytes + done, size, FALSE) != 0)
            fail(reader, "malformed or incomplete XML");
        else if (is_waiting_long(reader))
            fail(reader, "a tag is too long");
    }
    reader->n_bytes += length;
    return reader->is_broken ? report(reader, error) : TRUE;
}

gboolean
xd_xml_reader_end(XdXmlReader *reader, GError **error)
{
    if (!reader->is_broken && xmlParseChunk(reader->context, NULL, 0, TRUE) != 0)
        fail(reader, "malformed or incomplete XML");
    return reader->is_broken ? report(reader, error) : TRUE;
}
