/* Small values: tokens -> GVariant of an expected type, GVariant -> text of an encoding. */
#pragma once

#include "base/secret.h"
#include "wire/sink.h"

G_BEGIN_DECLS

/**
 * XdValueSink: collects one value of type @type, which is not copied.
 *
 * Types in use: "s" (string, ref, enum, datetime, void), "x" (int), "d", "b", "as", "a{ss}",
 * "a{sx}" and "v" (whatever arrives: maps become a{sv}, arrays av, null the empty string).
 * A value of another type is refused with HVD_ERROR_PROTOCOL naming what was expected.
 */
typedef struct _XdValueSink XdValueSink;

XdValueSink *xd_value_sink_new(const GVariantType *type);
/* (transfer full): floating reference sunk; NULL unless exactly one value arrived */
GVariant *xd_value_sink_steal(XdValueSink *sink);
void xd_value_sink_free(XdValueSink *sink);
XdSink *xd_value_sink_get_sink(XdValueSink *sink);

/**
 * XdSecretSink: collects one string straight into an #XdSecret, or a map of strings into one each,
 * leaving no other copy.
 */
typedef struct _XdSecretSink XdSecretSink;

XdSecretSink *xd_secret_sink_new(XdArena *arena, gboolean is_map);
XdSecret *xd_secret_sink_steal(XdSecretSink *sink);
GHashTable *xd_secret_sink_steal_map(XdSecretSink *sink); /* (element-type utf8 XdSecret) */
void xd_secret_sink_free(XdSecretSink *sink);
XdSink *xd_secret_sink_get_sink(XdSecretSink *sink);

/**
 * xd_value_walk: the way back: tells @value to @sink, token by token.
 * @secrets: (array) (nullable): what the handles (h) in @value stand for
 *
 * %XD_SINK_REFUSE: the sink refused, or @value has a type that XenAPI knows nothing of.
 */
XdVerdict xd_value_walk(GVariant *value, XdSecret *const *secrets, XdSink *sink);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdValueSink, xd_value_sink_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdSecretSink, xd_secret_sink_free)

G_END_DECLS
