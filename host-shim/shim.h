/* What a command works with: its arguments, a driver, a pool, the terminal. */
#pragma once

#include "arguments.h"
#include "credential.h"
#include "interrupt.h"
#include "output.h"
#include "progress.h"
#include "runner.h"
#include "target.h"

G_BEGIN_DECLS

struct _Shim {
    const Arguments *arguments;
    Output *output;
    Credential *credential;
    const HvdDriver *driver; /* after shim_load() */
    char *driver_file;
    Target *target; /* after shim_connect() */
    Runner *runner;
    Progress *progress;
    Interrupt *interrupt;
    GHashTable *names;  /* (nullable): uuid -> what the operator called it */
    guint64 core_limit; /* how large core files could get when hvd was started; 0: there are none */
    /* (nullable): takes life-cycle events; see events */
    void (*on_lifecycle)(const HvdLifecycle *event, gpointer data);
    gpointer lifecycle_data;
};

void shim_clear(Shim *shim);

/* Loads the driver, once. */
const HvdDriver *shim_load(Shim *shim, GError **error);
/* Opens the pool that the options name, once. From then on a signal cancels. */
Runner *shim_connect(Shim *shim, GError **error);
/**
 * shim_run: @command with what the options say, and errors in the operator's words.
 */
gboolean shim_run(Shim *shim, const Command *command, GError **error);
/**
 * shim_borrow: for a command that is a part of another one: on the driver, the pool and the progress
 * of @whole, which is connected, with arguments and an output of its own. Cleared by shim_return().
 */
gboolean shim_borrow(Shim *part, const Shim *whole, const Arguments *arguments, Output *output,
                     GError **error);
void shim_return(Shim *part);
/* The operator called the object with this uuid @word. */
void shim_name(Shim *shim, const char *uuid, const char *word);
/* The message has the operator's words beside the uuids. */
void shim_explain(const Shim *shim, GError *error);
/* FALSE with CANCELLED once a signal has come. */
gboolean shim_check_cancelled(Shim *shim, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Shim, shim_clear)

G_END_DECLS
