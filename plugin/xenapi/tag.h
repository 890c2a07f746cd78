/* The mark by which a call, and what it made, is found again. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The key in other_config; "http:hvd" in that of tasks (header X-Http-Other-Config-hvd). */
#define XD_TAG_KEY      "hvd"
#define XD_TASK_TAG_KEY "http:hvd"

/**
 * XdTag: what stands in a mark. It is text of printable ASCII without spaces, of at most 200
 * bytes, since the server takes no more than 1,024 bytes of headers in all.
 * @operation: id of the operation; begins with the time, so that its age is known
 * @kind: what was made: "root", "vm", "vif", ...
 * @index: among those of its kind
 * @owner: who makes such objects; the same over restarts
 * @epoch: of the connection, random
 * @session: uuid of the session that made it
 */
typedef struct {
    char *operation;
    char *kind;
    guint index;
    char *owner;
    char *epoch;
    char *session;
    gint64 created; /* seconds since 1970, from @operation */
} XdTag;

/* Can it be an owner: 1 to 64 letters, digits, ".", "_" and "-"? */
gboolean xd_tag_is_owner(const char *text);

/* A new operation id. */
char *xd_tag_operation_new(gint64 now_s);

char *xd_tag_print(const char *operation, const char *kind, guint index, const char *owner,
                   const char *epoch, const char *session);
/* FALSE: not one of ours, or damaged; @tag is untouched then. */
gboolean xd_tag_parse(const char *text, XdTag *tag);
void xd_tag_clear(XdTag *tag);
/* Does @text belong to @operation, whatever its kind? */
gboolean xd_tag_is_of(const char *text, const char *operation);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(XdTag, xd_tag_clear)

G_END_DECLS
