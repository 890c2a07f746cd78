/* A document that an operator hands in: read, never looked into, gone without a trace. It may have
 * passwords in it, so no parser of ours sees it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* As much as a driver takes. */
#define PAYLOAD_MOST ((gsize) 1024 * 1024)

typedef struct _Payload Payload;

/* @path: "-" is standard input. Errors: of the file; INVALID where it is no text, or too long. */
Payload *payload_read(const char *path, GError **error);
/* The same of an open descriptor; @name is for messages. */
Payload *payload_read_fd(int fd, const char *name, GError **error);
void payload_free(Payload *payload);

const char *payload_get_text(const Payload *payload);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Payload, payload_free)

G_END_DECLS
