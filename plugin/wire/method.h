/* The calls of XenAPI that the driver makes: what the generator knows of each. */
#pragma once

#include "wire/record.h"

G_BEGIN_DECLS

/**
 * XdFound: how the result of a creating call is found again when its reply was lost.
 * @XD_FOUND_NONE: it creates nothing, or nothing that could be told from others
 * @XD_FOUND_TAG: by other_config:hvd in the record that it creates
 * @XD_FOUND_UUID: by the uuid that was chosen beforehand
 * @XD_FOUND_NAME: by its name
 * @XD_FOUND_TASK: by its task, which has the header of the request in its other_config
 */
typedef enum {
    XD_FOUND_NONE,
    XD_FOUND_TAG,
    XD_FOUND_UUID,
    XD_FOUND_NAME,
    XD_FOUND_TASK,
} XdFound;

/**
 * XdMethodFlags:
 * @XD_METHOD_REPEATABLE: sending it twice is as good as once
 * @XD_METHOD_SLOW: to be sent as "Async." and followed to its end
 * @XD_METHOD_NO_SESSION: the session is not among its parameters
 * @XD_METHOD_SECRET_RESULT: the result goes into a #XdSecretSink, or nowhere near a log
 */
typedef enum {
    XD_METHOD_REPEATABLE = 1 << 0,
    XD_METHOD_SLOW = 1 << 1,
    XD_METHOD_NO_SESSION = 1 << 2,
    XD_METHOD_SECRET_RESULT = 1 << 3,
} XdMethodFlags;

/**
 * XdMethod:
 * @name: e.g. "VM.start_on"
 * @parameters: a #GVariant tuple type; the session is not in it, what is secret is h
 * @parameter_names: NULL-terminated, one for each
 * @secrets: NULL-terminated: names of what is secret, "pwd" or, in a record, "args.value"
 * @result: (nullable): #GVariant type of the result; NULL where it is records or a batch of events
 * @record: (nullable): the class of the record, or map of records, that is the result
 * @flags: #XdMethodFlags
 * @timeout_s: how long it may take; of a slow one, until its task has ended
 */
typedef struct {
    const char *name;
    const char *parameters;
    const char *const *parameter_names;
    const char *const *secrets;
    const char *result;
    const XdClass *record;
    guint flags;
    guint timeout_s;
    XdFound found;
} XdMethod;

/* (nullable): of @n that are sorted by name; "Async." in front is passed over */
const XdMethod *xd_method_find(const XdMethod *methods, guint n, const char *name);

G_END_DECLS
