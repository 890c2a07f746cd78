/* The pool's password: where it is, and the driver's questions for it. It never stands in an
 * argument, a setting or a message. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _Credential Credential;

/**
 * credential_take: looks at $HVD_CREDENTIAL, a reference: file:PATH, credential:NAME and fd:N are
 * the driver's business; secret-service:ATTRIBUTE=VALUE[,...] is looked up when the driver asks;
 * env:NAME is read now, once, and the variable overwritten and removed, so that no child and no later
 * look at our environment has it (SEC-4). What is wrong with it is told where it is wanted, by
 * credential_check().
 */
Credential *credential_take(void);
void credential_free(Credential *credential);

/* Errors: FAILURE: SECRET_LITERAL; SECRET, also where it is empty: that says nothing, and was hardly meant
 * to. */
gboolean credential_check(const Credential *credential, GError **error);
/* (nullable): what goes into the driver's pool.password; NULL: nothing was said */
const char *credential_get_reference(const Credential *credential);
/* The secret comes from the environment, the weakest of sources. */
gboolean credential_is_from_environment(const Credential *credential);
/* It is looked up in the session's Secret Service. */
gboolean credential_is_from_keyring(const Credential *credential);
/* (nullable) (transfer full): why that failed: a driver tells no more than the message */
GError *credential_take_problem(Credential *credential);
/* A signal came while we asked. */
gboolean credential_was_cancelled(const Credential *credential);

/* HvdHostCallbacks.read_secret: the one from the environment or from the Secret Service, else asks at
 * the terminal. @buffer is the driver's, and locked. */
gssize
credential_read(Credential *credential, const char *name, char *buffer, gsize size, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Credential, credential_free)

G_END_DECLS
