#include "commands.h"

#include "cmd.h"

#include <glib/gi18n.h>
#include <string.h>

/* ---- options ---- */

#define MAX_TIMEOUT_S (7 * 24 * 3600)

const Option global_options[] = {
    {"config", 0, OPTION_TEXT, N_("FILE"), N_("configuration of the driver"), 0, 0},
    {"pool", 0, OPTION_TEXT, N_("URL"), N_("a pool, by the address of one of its nodes"), 0, 0},
    {"simulate", 0, OPTION_MAYBE, N_("DIR"),
     N_("the simulated pool, with its state in a directory"), 0, 0},
    {"user", 0, OPTION_TEXT, N_("NAME"), N_("account of the pool; root with --pool"), 0, 0},
    {"ca-file", 0, OPTION_TEXT, N_("FILE"), N_("certificates to trust, in place of the system's"),
     0, 0},
    {"pin", 0, OPTION_LIST, N_("HOST=KEY"),
     N_("public key of a node: ADDRESS=sha256//BASE64; again for another"), 0, 0},
    {"set", 0, OPTION_LIST, N_("GROUP.KEY=VALUE"),
     N_("any key of the configuration: see \"hvd config\""), 0, 0},
    {"driver", 0, OPTION_TEXT, N_("FILE"), N_("the driver's module"), 0, 0},
    {"timeout", 0, OPTION_NUMBER, N_("SECONDS"), N_("how long an operation may take as a whole"), 1,
     MAX_TIMEOUT_S},
    {"plan", 0, OPTION_FLAG, NULL, N_("print what would be done, and do nothing"), 0, 0},
    {"json", 0, OPTION_FLAG, NULL, N_("one JSON value on stdout, errors as JSON on stderr"), 0, 0},
    {"verbose", 'v', OPTION_FLAG, NULL, N_("tell what the driver tells its log"), 0, 0},
    {"debug", 0, OPTION_FLAG, NULL, N_("tell every call"), 0, 0},
    {"help", 'h', OPTION_FLAG, NULL, N_("explain hvd, or the command"), 0, 0},
    {"version", 'V', OPTION_FLAG, NULL, N_("the version of hvd and of the driver"), 0, 0},
    {NULL},
};

static const Option nodes_options[] = {
    {"storage", 0, OPTION_FLAG, NULL, N_("the storage that each node knows"), 0, 0},
    {NULL},
};

/* ---- commands ---- */

const char *const group_titles[N_GROUPS] = {
    [GROUP_LOOK] = N_("Look"),   [GROUP_INSTANCES] = N_("Instances"),
    [GROUP_POWER] = N_("Power"), [GROUP_VOLUMES] = N_("Volumes"),
    [GROUP_POOL] = N_("Repair"), [GROUP_SHIM] = N_("Driver and shim"),
};

#define INSTANCE_INFO N_("an instance-info document (instance-info.schema.json)")

const Command commands[] = {
    {
        .name = "list",
        .operands = "",
        .group = GROUP_LOOK,
        .summary = N_("the instances of the pool"),
        .details = N_("Stopped and suspended ones too; templates, snapshots and VMs that no "
                      "orchestrator made are none."),
        .json = N_("an array of instance-info documents (instance-list.schema.json)"),
        .examples = "list\n--json list",
        .run = cmd_list,
    },
    {
        .name = "info",
        .operands = "INSTANCE",
        .group = GROUP_LOOK,
        .summary = N_("one instance with its disks and networks"),
        .json = INSTANCE_INFO,
        .examples = "info web-1\ninfo 6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10",
        .run = cmd_info,
    },
    {
        .name = "nodes",
        .operands = "",
        .group = GROUP_LOOK,
        .summary = N_("the nodes of the pool"),
        .json = N_("an array of node documents (node-list.schema.json)"),
        .examples = "nodes\nnodes --storage",
        .options = nodes_options,
        .run = cmd_nodes,
    },
    {
        .name = "config",
        .operands = "[KEY]",
        .group = GROUP_SHIM,
        .summary = N_("the keys of the driver's configuration, explained"),
        .details = N_("With the values that are in force: from the file that --config names or "
                      "from /etc/hvd/xenapi.conf, and from the options. No pool is asked."),
        .json = N_("an array of keys, each with group, key, type, default, summary, description "
                   "and, where one is in force, value"),
        .examples = "config\nconfig tls.pins\n--config /etc/hvd/xenapi.conf config",
        .run = cmd_config,
    },
    {
        .name = "capabilities",
        .operands = "",
        .group = GROUP_SHIM,
        .summary = N_("what the driver can do"),
        .json = N_("an object with driver, version, interface, slots and capabilities"),
        .examples = "capabilities\n--driver ./xenapi.so capabilities",
        .run = cmd_capabilities,
    },
    {
        .name = "version",
        .operands = "",
        .group = GROUP_SHIM,
        .summary = N_("the versions of hvd, of the driver and of the interface between them"),
        .json = N_("an object with hvd, interface, driver, driver_version and file"),
        .examples = "version",
        .run = cmd_version,
    },
    {
        .name = "help",
        .operands = "[COMMAND] [WORD]",
        .group = GROUP_SHIM,
        .summary = N_("this text, or more of a command"),
        .details = N_("Beside commands there are the topics \"exit-codes\" and \"environment\"."),
        .json = N_("nothing of its own: help is for eyes"),
        .examples = "help spawn\nhelp power off\nhelp exit-codes",
        .run = cmd_help,
    },
    {NULL},
};

const Command *
commands_find(const char *name)
{
    for (const Command *command = commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

gboolean
commands_is_prefix(const char *word)
{
    gsize length = strlen(word);

    for (const Command *command = commands; command->name != NULL; command++) {
        if (strncmp(command->name, word, length) == 0 && command->name[length] == ' ')
            return TRUE;
    }
    return FALSE;
}
