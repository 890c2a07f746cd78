#include "commands.h"

#include "cmd.h"

#include <glib/gi18n.h>
#include <string.h>

/* ---- options ---- */

#define MAX_TIMEOUT_S (7 * 24 * 3600)

#define PLAN                                                                                       \
    {                                                                                              \
        "plan", 0, OPTION_FLAG, NULL, N_("print what would be done, and do nothing"), 0, 0         \
    }

const Option plan_option = PLAN;

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
    PLAN,
    {"json", 0, OPTION_FLAG, NULL,
     N_("one JSON value on stdout; on stderr JSON lines: notes have \"log\", an error \"code\""), 0,
     0},
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

static const Option events_options[] = {
    {"follow", 'f', OPTION_FLAG, NULL, N_("go on with every change, until a signal comes"), 0, 0},
    {NULL},
};

static const Option doctor_options[] = {
    {"list", 0, OPTION_FLAG, NULL, N_("what there is to check; no pool is asked"), 0, 0},
    {NULL},
};

#define MAX_VCPUS 1024 /* of instance.schema.json */

static const Option spawn_options[] = {
    {"name", 0, OPTION_TEXT, N_("NAME"),
     N_("for people; without it the file's, but for its suffix"), 0, 0},
    {"uuid", 0, OPTION_TEXT, N_("UUID"),
     N_("key of the instance; without it the one of --request-id, or a random one"), 0, 0},
    {"memory", 0, OPTION_SIZE, N_("SIZE"), N_("memory of the guest; 1G"), 0, 0},
    {"vcpus", 0, OPTION_NUMBER, N_("N"), N_("virtual processors; 1"), 1, MAX_VCPUS},
    {"disk", 0, OPTION_SIZE, N_("SIZE"),
     N_("size of the root disk; without it as large as the image, rounded up by the storage"), 0,
     0},
    {"extra-disk", 0, OPTION_LIST, N_("SIZE"), N_("an empty disk; again for another"), 0, 0},
    {"network", 0, OPTION_LIST, N_("NETWORK"),
     N_("a network by uuid, name or bridge; again for another; xenbr0, the bridge of the first "
        "network card"),
     0, 0},
    {"no-network", 0, OPTION_FLAG, NULL, N_("no network at all"), 0, 0},
    {"mac", 0, OPTION_LIST, N_("MAC"),
     N_("address on a network, in the order of these; without it a random one of fa:16:3e"), 0, 0},
    {"node", 0, OPTION_TEXT, N_("NODE"), N_("where to start; without it the pool chooses"), 0, 0},
    {"storage", 0, OPTION_TEXT, N_("STORAGE"),
     N_("where its disks lie, by uuid or name; without it as configured, or the pool's default"), 0,
     0},
    {"hostname", 0, OPTION_TEXT, N_("NAME"), N_("what the guest is told that it is called"), 0, 0},
    {"metadata", 0, OPTION_LIST, N_("KEY=VALUE"), N_("what the guest can read; again for another"),
     0, 0},
    {"firmware", 0, OPTION_TEXT, N_("KIND"), N_("bios or uefi; bios"), 0, 0},
    {"sha256", 0, OPTION_TEXT, N_("DIGEST"), N_("what the image has to be"), 0, 0},
    {"image-size", 0, OPTION_SIZE, N_("BYTES"),
     N_("how long the image is: needed where FILE is a pipe"), 0, 0},
    {"image", 0, OPTION_TEXT, N_("FILE"),
     N_("the image of a document that takes it as a stream; - is standard input"), 0, 0},
    {"image-ca-file", 0, OPTION_TEXT, N_("FILE"),
     N_("certificates to trust where the image comes from https, in place of the system's"), 0, 0},
    {"request-id", 0, OPTION_TEXT, N_("ID"),
     N_("a repeated spawn with the same one has the same result; without --uuid it gives the uuid"),
     0, 0},
    {NULL},
};

static const Option destroy_options[] = {
    {"yes", 'y', OPTION_FLAG, NULL, N_("ask nothing"), 0, 0},
    {NULL},
};

static const Option snapshot_options[] = {
    {"to", 0, OPTION_TEXT, N_("FILE"), N_("where the disk's bytes go; - is standard output"), 0, 0},
    {"force", 0, OPTION_FLAG, NULL, N_("replace FILE where it is there already"), 0, 0},
    {NULL},
};

static const Option migrate_options[] = {
    {"to", 0, OPTION_TEXT, N_("NODE"),
     N_("by uuid, name or address; without it the one with the most free memory"), 0, 0},
    {NULL},
};

#define MAX_WAIT_S 3600

static const Option off_options[] = {
    {"hard", 0, OPTION_FLAG, NULL, N_("at once, without asking the guest"), 0, 0},
    {"wait", 0, OPTION_NUMBER, N_("SECONDS"),
     N_("how long the guest has to shut down before it is stopped hard"), 0, MAX_WAIT_S},
    {NULL},
};

static const Option reboot_options[] = {
    {"hard", 0, OPTION_FLAG, NULL, N_("like a reset button, without asking the guest"), 0, 0},
    {NULL},
};

static const Option attach_options[] = {
    {"device", 0, OPTION_TEXT, N_("DEVICE"),
     N_("/dev/xvdb, sdb or 1; without it the first that is free"), 0, 0},
    {NULL},
};

/* ---- commands ---- */

const char *const group_titles[N_GROUPS] = {
    [GROUP_LOOK] = N_("Look"),   [GROUP_INSTANCES] = N_("Instances"),
    [GROUP_POWER] = N_("Power"), [GROUP_VOLUMES] = N_("Volumes"),
    [GROUP_POOL] = N_("Repair"), [GROUP_SHIM] = N_("Driver and shim"),
};

#define INSTANCE_INFO N_("an instance-info document (instance-info.schema.json)")
#define NOTHING       N_("an empty object")
#define CONNECTION                                                                                 \
    N_("FILE is a connection-info document (connection-info.schema.json) as Cinder makes it, - "   \
       "is "                                                                                       \
       "standard input. Passwords in it are shown nowhere.")

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
        .name = "events",
        .operands = "",
        .group = GROUP_LOOK,
        .summary = N_("the state of each instance, and every change of it"),
        .details = N_("A line for each instance as it is now; with --follow a line more for each "
                      "change, once the instance has come to rest."),
        .json = N_("an object a line, with time, uuid, name, state, node and gone"),
        .examples = "events --follow\n--json events --follow",
        .options = events_options,
        .run = cmd_events,
    },
    {
        .name = "watch",
        .operands = "",
        .group = GROUP_LOOK,
        .summary = N_("a live table of the instances"),
        .details = N_("On a terminal one screen, sorted by name and drawn again with every change, "
                      "until q or Ctrl-C. Without a terminal it is \"events --follow\"."),
        .json = N_("an object a line, with time, uuid, name, state, node and gone"),
        .examples = "watch",
        .flags = COMMAND_ENDLESS,
        .run = cmd_watch,
    },
    {
        .name = "spawn",
        .operands = "FILE",
        .group = GROUP_INSTANCES,
        .flags = COMMAND_CHANGES,
        .summary = N_("makes an instance and starts it"),
        .details =
            N_("FILE is the image of a disk, raw, or an instance document "
               "(instance.schema.json). For an image the options say the rest; a document "
               "says all of it itself. - is standard input: a document, or with "
               "--image-size an image. Where it fails nothing stays in the pool.\n"
               "\n"
               "FILE can be the URL of an image, https://ADDRESS/PATH or http://ADDRESS/PATH. "
               "A connection that breaks is taken up where it stopped, as long as the server "
               "says that the image is still the same one; an image that is replaced "
               "meanwhile is an error. Certificates are always verified. A URL has no user "
               "name and no password in it; plain http proves nothing, so add --sha256."),
        .json = INSTANCE_INFO,
        .examples = "spawn debian.raw\n"
                    "spawn debian.raw --name web-1 --memory 4G --vcpus 2 --disk 20G\n"
                    "spawn debian.raw --network lan --network storage --node node-2\n"
                    "spawn https://images.example/debian.raw --name web-3\n"
                    "spawn - --image-size 2147483648 --name web-2 --request-id job-17\n"
                    "--plan spawn web-1.json",
        .options = spawn_options,
        .run = cmd_spawn,
    },
    {
        .name = "destroy",
        .operands = "INSTANCE",
        .group = GROUP_INSTANCES,
        .flags = COMMAND_CHANGES,
        .summary = N_("stops an instance and removes it with its disks"),
        .details = N_("Volumes, inserted media and disks that another VM uses stay. An instance "
                      "that is not there, named by its uuid, is success. At a terminal it asks "
                      "first, unless the pool is the simulated one."),
        .json = NOTHING,
        .examples = "destroy web-1\ndestroy --yes web-1",
        .options = destroy_options,
        .run = cmd_destroy,
    },
    {
        .name = "soft-delete",
        .operands = "INSTANCE",
        .group = GROUP_INSTANCES,
        .flags = COMMAND_CHANGES,
        .summary = N_("stops an instance and keeps it from starting, until \"restore\""),
        .json = INSTANCE_INFO,
        .examples = "soft-delete web-1",
        .run = cmd_power,
    },
    {
        .name = "restore",
        .operands = "INSTANCE",
        .group = GROUP_INSTANCES,
        .flags = COMMAND_CHANGES,
        .summary = N_("starts what \"soft-delete\" has put away"),
        .json = INSTANCE_INFO,
        .examples = "restore web-1",
        .run = cmd_power,
    },
    {
        .name = "snapshot",
        .operands = "INSTANCE",
        .needs = "--to FILE",
        .group = GROUP_INSTANCES,
        .flags = COMMAND_CHANGES,
        .summary = N_("writes the root disk into a file while the instance goes on"),
        .details = N_("The bytes are those of one moment, raw. FILE appears when it is complete, "
                      "readable by you alone, and not at all where something fails; nothing stays "
                      "in the pool."),
        .json = N_("a snapshot-info document (snapshot-info.schema.json)"),
        .examples = "snapshot web-1 --to web-1.raw\nsnapshot web-1 --to web-1.raw --force\n"
                    "snapshot web-1 --to -",
        .options = snapshot_options,
        .run = cmd_snapshot,
    },
    {
        .name = "migrate",
        .operands = "INSTANCE",
        .group = GROUP_INSTANCES,
        .flags = COMMAND_CHANGES,
        .summary = N_("moves a running instance to another node"),
        .details = N_("Inside the pool, on storage that both nodes reach. Both sides are checked "
                      "and the destination is made ready first; what fails before the move is "
                      "undone there. Once it has moved, what fails is told and stops nothing."),
        .json = INSTANCE_INFO,
        .examples = "migrate web-1\nmigrate web-1 --to node-2\n--plan migrate web-1 --to node-2",
        .options = migrate_options,
        .run = cmd_migrate,
    },
    {
        .name = "power on",
        .operands = "INSTANCE",
        .group = GROUP_POWER,
        .flags = COMMAND_CHANGES,
        .summary = N_("starts it where it ran before"),
        .json = INSTANCE_INFO,
        .examples = "power on web-1",
        .run = cmd_power,
    },
    {
        .name = "power off",
        .operands = "INSTANCE",
        .group = GROUP_POWER,
        .flags = COMMAND_CHANGES,
        .summary = N_("asks the guest to shut down, then stops it"),
        .details = N_("The guest has as long as power.shutdown-timeout of the configuration says."),
        .json = INSTANCE_INFO,
        .examples = "power off web-1\npower off web-1 --wait 30\npower off web-1 --hard",
        .options = off_options,
        .run = cmd_power_off,
    },
    {
        .name = "power reboot",
        .operands = "INSTANCE",
        .group = GROUP_POWER,
        .flags = COMMAND_CHANGES,
        .summary = N_("starts it anew, through the guest or hard"),
        .json = INSTANCE_INFO,
        .examples = "power reboot web-1\npower reboot web-1 --hard",
        .options = reboot_options,
        .run = cmd_reboot,
    },
    {
        .name = "power pause",
        .operands = "INSTANCE",
        .group = GROUP_POWER,
        .flags = COMMAND_CHANGES,
        .summary = N_("stops its processors and keeps its memory"),
        .json = INSTANCE_INFO,
        .examples = "power pause web-1",
        .run = cmd_power,
    },
    {
        .name = "power unpause",
        .operands = "INSTANCE",
        .group = GROUP_POWER,
        .flags = COMMAND_CHANGES,
        .summary = N_("lets a paused one go on"),
        .json = INSTANCE_INFO,
        .examples = "power unpause web-1",
        .run = cmd_power,
    },
    {
        .name = "power suspend",
        .operands = "INSTANCE",
        .group = GROUP_POWER,
        .flags = COMMAND_CHANGES,
        .summary = N_("saves its memory to storage and stops it"),
        .json = INSTANCE_INFO,
        .examples = "power suspend web-1",
        .run = cmd_power,
    },
    {
        .name = "power resume",
        .operands = "INSTANCE",
        .group = GROUP_POWER,
        .flags = COMMAND_CHANGES,
        .summary = N_("lets a suspended one go on where it was"),
        .json = INSTANCE_INFO,
        .examples = "power resume web-1",
        .run = cmd_power,
    },
    {
        .name = "bootable",
        .operands = "INSTANCE ANSWER",
        .group = GROUP_POWER,
        .flags = COMMAND_CHANGES,
        .summary = N_("allows or forbids every kind of start: ANSWER is yes or no"),
        .json = INSTANCE_INFO,
        .examples = "bootable web-1 no\nbootable web-1 yes",
        .run = cmd_bootable,
    },
    {
        .name = "volume attach",
        .operands = "INSTANCE FILE",
        .group = GROUP_VOLUMES,
        .flags = COMMAND_CHANGES,
        .summary = N_("connects a volume and gives it to an instance"),
        .details = CONNECTION,
        .json = N_("a volume-info document (volume-info.schema.json)"),
        .examples = "volume attach web-1 volume.json\nvolume attach web-1 - --device /dev/xvdc",
        .options = attach_options,
        .run = cmd_volume_attach,
    },
    {
        .name = "volume detach",
        .operands = "INSTANCE FILE",
        .group = GROUP_VOLUMES,
        .flags = COMMAND_CHANGES,
        .summary = N_("takes a volume from an instance"),
        .details = CONNECTION,
        .json = NOTHING,
        .examples = "volume detach web-1 volume.json",
        .run = cmd_volume_detach,
    },
    {
        .name = "volume connector",
        .operands = "[NODE]",
        .group = GROUP_VOLUMES,
        .summary = N_("what storage has to know of a node to export a volume to it"),
        .json = N_("a connector document (connector.schema.json)"),
        .examples = "volume connector\nvolume connector node-2",
        .run = cmd_volume_connector,
    },
    {
        .name = "doctor",
        .operands = "",
        .group = GROUP_POOL,
        .summary = N_("looks for what is wrong between here and the pool, and says what to do"),
        .details =
            N_("It checks this machine, the configuration, the way to the pool, the account, "
               "nodes, storage, guests, and what was left half-done; it changes nothing. "
               "What is a problem keeps something from working, and the exit status is 29 "
               "then; of a warning it may be said that it will. \"unknown\" is what could "
               "not be looked at. The key that \"pins\" shows is the one of each node: "
               "compare it with the node's own before you pin it."),
        .json =
            N_("an array of objects with check, state (ok, unknown, warning, problem), text and, "
               "where there is one, advice; with --list of check and about"),
        .examples = "doctor\ndoctor --list\n"
                    "--json doctor\n--config /etc/hvd/xenapi.conf doctor",
        .options = doctor_options,
        .run = cmd_doctor,
    },
    {
        .name = "reconcile",
        .operands = "",
        .group = GROUP_POOL,
        .flags = COMMAND_CHANGES,
        .summary = N_("ends or removes what processes that are gone have left half-done"),
        .details = N_("Only what was made in the name of the same owner and is older than "
                      "reconcile.grace of the configuration. What cannot be attributed to anybody "
                      "is reported and stays."),
        .json = N_("a report (reconcile-report.schema.json)"),
        .examples = "reconcile\n--plan reconcile\n--set reconcile.grace=60 reconcile",
        .run = cmd_reconcile,
    },
    {
        .name = "cleanup",
        .operands = "UUID",
        .group = GROUP_POOL,
        .flags = COMMAND_CHANGES,
        .summary = N_("removes disks that an instance which is gone has left"),
        .json = NOTHING,
        .examples = "cleanup 6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10",
        .run = cmd_cleanup,
    },
    {
        .name = "scenario",
        .operands = "FILE",
        .group = GROUP_SHIM,
        .flags = COMMAND_CHANGES,
        .summary = N_("runs the commands of a file and holds them to what is expected"),
        .details = N_(
            "FILE is a JSON list of steps (scenario.schema.json), - is standard input. It is "
            "checked as a whole first; then the steps run one after the other on one "
            "connection, up to the first that is not as expected, and that one gives the exit "
            "status. With --plan nothing runs. A step has \"run\", the words behind hvd, and may "
            "have \"expect\" with \"exit\" (0), \"json\" (what --json has to have, or the "
            "error; more does no harm) and \"stderr\" (a part of it), \"save\" with names for "
            "values of the answer, by JSON Pointer, for later ${name}, and \"comment\".\n"
            "[{\"run\": [\"spawn\", \"debian.raw\", \"--name\", \"web-1\"], \"save\": {\"id\": "
            "\"/uuid\"}},\n"
            " {\"run\": [\"power\", \"off\", \"${id}\"], \"expect\": {\"json\": {\"state\": "
            "\"shutdown\"}}},\n"
            " {\"run\": [\"destroy\", \"${id}\"]},\n"
            " {\"run\": [\"info\", \"web-1\"], \"expect\": {\"exit\": 4, \"stderr\": "
            "\"NOT_FOUND\"}}]"),
        .json = N_("an object with ok and steps, each with run, result (ok, failed, not run), and "
                   "where it ran exit, answer, problem"),
        .examples = "scenario smoke.json\n--json scenario smoke.json\n--plan scenario smoke.json",
        .run = cmd_scenario,
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
        .json = N_("all of it, whatever the words: an object with commands, options, exit_codes "
                   "and variables"),
        .examples = "help spawn\nhelp power off\nhelp exit-codes",
        .run = cmd_help,
    },
    {NULL},
};

/* What programs call, and nobody is told of. */
static const Command hidden[] = {
    {
        .name = "complete",
        .operands = "[WORD]...",
        .group = GROUP_SHIM,
        .summary = N_("what the last of these words could become, for a shell's completion"),
        .json = N_("nothing of its own"),
        .run = cmd_complete,
    },
    {NULL},
};

static const Command *
find_in(const Command *command, const char *name)
{
    for (; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

const Command *
commands_find(const char *name)
{
    const Command *command = find_in(commands, name);

    return command != NULL ? command : find_in(hidden, name);
}

/* ---- how one is spelt ---- */

/* What operands are called. In the table they stand as completion knows them. */
static const char *const placeholders[] = {
    N_("ANSWER"), N_("COMMAND"), N_("FILE"), N_("INSTANCE"),
    N_("KEY"),    N_("NODE"),    N_("UUID"), N_("WORD"),
};

/* @word: "FILE", "[NODE]", "[WORD]...", or none of these, as "--to" */
static char *
spell_word(const char *word)
{
    gsize before = strcspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    gsize length = strspn(word + before, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    g_autofree char *name = g_strndup(word + before, length);

    for (gsize i = 0; i < G_N_ELEMENTS(placeholders); i++) {
        if (strcmp(placeholders[i], name) == 0)
            return g_strdup_printf("%.*s%s%s", (int) before, word, _(placeholders[i]),
                                   word + before + length);
    }
    return g_strdup(word);
}

char *
commands_spell(const Command *command)
{
    const char *needs = command->needs != NULL ? command->needs : "";
    g_autofree char *all = g_strjoin(" ", command->name, command->operands, needs, NULL);
    g_auto(GStrv) words = g_strsplit(g_strstrip(all), " ", -1);

    for (guint i = 0; words[i] != NULL; i++) {
        char *spelt = spell_word(words[i]);

        g_free(words[i]);
        words[i] = spelt;
    }
    return g_strjoinv(" ", words);
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
