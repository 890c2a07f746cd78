/* The configuration: a key file against a generated table of keys. */
#pragma once

#include "base/error.h"
#include "xd-config-keys.h"

G_BEGIN_DECLS

/**
 * XdConfig: immutable. Its keys, with types, ranges and defaults, are those of
 * schemas/org.hvd.xenapi.gschema.xml.
 */
typedef struct _XdConfig XdConfig;

/**
 * xd_config_load:
 * @file: (nullable): a key file, which must exist; NULL: /etc/hvd/xenapi.conf where it does
 * @settings: (nullable) (array zero-terminated=1): "group.key=value", win over the file
 *
 * Refuses a file that others may write, unknown keys, values out of range and passwords that are no
 * references. All faults are in the one message. Errors: CONFIG, SECRET_LITERAL.
 */
XdConfig *xd_config_load(const char *file, const char *const *settings, GError **error);
void xd_config_free(XdConfig *config);

const char *xd_config_get_string(const XdConfig *config, XdConfigId id);
guint xd_config_get_uint(const XdConfig *config, XdConfigId id);
/* (transfer none) (array zero-terminated=1) */
const char *const *xd_config_get_strv(const XdConfig *config, XdConfigId id);
/* the position among the key's choices */
guint xd_config_get_choice(const XdConfig *config, XdConfigId id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdConfig, xd_config_free)

G_END_DECLS
