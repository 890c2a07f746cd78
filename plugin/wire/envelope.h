/* What is around a result in both encodings: a sink that takes it off while the answer arrives. */
#pragma once

#include "wire/failure-list.h"
#include "wire/sink.h"

G_BEGIN_DECLS

/* The members of an answer that mean something; the others are passed over. */
typedef enum {
    XD_MEMBER_NONE,
    XD_MEMBER_RESULT,
    XD_MEMBER_ID,
    XD_MEMBER_STATUS,
    XD_MEMBER_ERROR,      /* the failure list, or an object around it */
    XD_MEMBER_ERROR_CODE, /* in that object */
    XD_MEMBER_ERROR_DATA,
} XdMember;

typedef struct {
    const char *name;
    XdMember member;
    XdMember parent;
} XdMemberName;

/**
 * XdEnvelope:
 * @sink: the reader's sink
 * @result: (unowned): where the tokens of the result go, at once: what comes behind it in the
 *   answer may still say that it does not count
 * @has_result: a result was told to @result
 * @has_null_result: it was null, and @result was not told of it
 * @has_failed: there was a failure list
 * @id: the number that stood there, -1 where none did
 * @status: (nullable): the text that stood there
 */
typedef struct {
    XdSink sink;
    XdSink *result;
    const XdMemberName *names;
    gsize n_names;

    gboolean has_result;
    gboolean has_null_result;
    gboolean has_failed;
    XdFailure failure;
    gint64 id;
    char *status;

    guint depth; /* of what is open, the envelope itself included */
    XdMember member;
    guint seen; /* bits of members */
} XdEnvelope;

void
xd_envelope_init(XdEnvelope *envelope, XdSink *result, const XdMemberName *names, gsize n_names);
/* frees what an envelope holds, not itself */
void xd_envelope_clear(XdEnvelope *envelope);
/* sets @envelope's error to a HVD_ERROR_PROTOCOL that says @what is wrong */
XdVerdict xd_envelope_refuse(XdEnvelope *envelope, const char *what);
/* tells the result what was held back */
XdVerdict xd_envelope_tell_null(XdEnvelope *envelope);

G_END_DECLS
