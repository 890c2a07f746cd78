/* The one table of commands: what there is, what it takes, what is said about it, who does it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_LIST,   /* may be given several times */
    OPTION_MAYBE,  /* --name or --name=VALUE */
    OPTION_NUMBER, /* from least to most */
    OPTION_SIZE,   /* bytes, with a unit */
} OptionKind;

typedef struct {
    const char *name;
    char letter; /* 0: none */
    OptionKind kind;
    const char *value; /* what its value is called; marked for translation, as is @summary */
    const char *summary;
    int least; /* of numbers and sizes */
    int most;
} Option;

typedef enum {
    GROUP_LOOK,
    GROUP_INSTANCES,
    GROUP_POWER,
    GROUP_VOLUMES,
    GROUP_POOL,
    GROUP_SHIM,
    N_GROUPS,
} CommandGroup;

typedef enum {
    COMMAND_CHANGES = 1 << 0, /* takes --plan */
    COMMAND_ENDLESS = 1 << 1, /* until a signal comes */
} CommandFlags;

typedef struct _Shim Shim;
typedef gboolean (*CommandFunc)(Shim *shim, GError **error);

typedef struct {
    const char *name; /* "list", "power off" */
    const char
        *operands; /* "INSTANCE [FILE]"; "..." behind the last: any number; see commands_spell() */
    const char *needs; /* (nullable): an option that is none: "--to FILE" */
    CommandGroup group;
    CommandFlags flags;
    const char *summary;   /* one line, marked for translation, as all that follows */
    const char *details;   /* (nullable): paragraphs */
    const char *json;      /* what --json prints */
    const char *examples;  /* (nullable): lines, without "hvd" in front */
    const Option *options; /* (nullable): ended by a NULL name */
    CommandFunc run;
} Command;

extern const Command commands[]; /* ended by a NULL name, sorted as help shows them */
extern const Option global_options[];
extern const Option plan_option; /* of commands that change something */
extern const char *const group_titles[N_GROUPS];

/* (nullable) */
const Command *commands_find(const char *name);
/* "snapshot INSTANCE --to FILE", as it is shown: the words in capitals in the reader's language */
char *commands_spell(const Command *command);
/* Is there a command of which this is the first word of two? */
gboolean commands_is_prefix(const char *word);

G_END_DECLS
