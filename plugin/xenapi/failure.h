/* What a XenAPI failure means: one table from its codes to ours. */
#pragma once

#include "base/error.h"
#include "base/secret.h"

G_BEGIN_DECLS

/**
 * XdFailureMeaning: one row.
 * @detail: (nullable): which parameters a message may show: %1 to %9, %1B as an amount of
 * bytes. What is not named here stays out of messages, since a server may echo anything in it
 * (SEC-29)
 * @advice: what to do next
 */
typedef struct {
    const char *code;
    HvdError error;
    const char *detail;
    const char *advice;
} XdFailureMeaning;

/* (nullable): codes of newer releases, plugins and storage drivers are not in the table */
const XdFailureMeaning *xd_failure_lookup(const char *code);
const XdFailureMeaning *xd_failure_table(guint *n);

/**
 * xd_failure_to_error: an XD_ERROR whose message is the code and its detail, and that carries
 * the whole failure with the live secrets of @arena taken out.
 * @failure: (array zero-terminated=1): code first
 */
GError *xd_failure_to_error(const char *const *failure, XdArena *arena);

G_END_DECLS
