/* Which pool: what the options, the configuration and the environment come to. */
#pragma once

#include "arguments.h"
#include "credential.h"
#include "output.h"
#include "simulated.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define TARGET_SYSTEM_CONFIG "/etc/hvd/xenapi.conf"

typedef struct {
    char *config_file; /* (nullable): for HvdOpen */
    GStrv settings;
    Simulated *simulated; /* (nullable): keeps the simulated pool alive */
} Target;

/* What is said about a pool without touching any: the file and the settings. Errors: USAGE. */
Target *target_describe(const Arguments *arguments, GError **error);
/* The same, ready to be opened: the password's reference is there, a simulated pool runs. */
Target *target_find(const Arguments *arguments, const Credential *credential, Output *output,
                    GError **error);
/* (nullable): what stands for a key on the command line, else in the file */
char *target_get_value(const Target *target, const char *group, const char *key);
void target_free(Target *target);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Target, target_free)

G_END_DECLS
