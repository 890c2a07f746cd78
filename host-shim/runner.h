/* The only caller of a driver's slots: holds it to its contract, so that no command has to. */
#pragma once

#include "hvd-driver.h"

G_BEGIN_DECLS

/**
 * Runner: one driver, at most one connection. Its functions wait for the answer, turning the main
 * context; what a driver must not do (call back twice, or too early, give both or neither of result
 * and error, an error of a foreign domain, text that is no JSON) ends as PROTOCOL. What
 * the driver reports comes as FAILURE, with its document.
 */
typedef struct _Runner Runner;

Runner *runner_new(const HvdDriver *driver);
/* closes the connection where there is one */
void runner_free(Runner *runner);

const HvdDriver *runner_get_driver(const Runner *runner);
/* What goes with each call from now on; its struct_size is set. */
HvdCall *runner_get_call(Runner *runner);
/* (transfer none): cancels whatever is under way, and whatever comes after */
GCancellable *runner_get_cancellable(const Runner *runner);
/* From now on what is called can not be cancelled: it is what takes back what was cancelled. */
void runner_shield(Runner *runner, gboolean shielded);

/* Has the driver this slot? */
gboolean runner_has(const Runner *runner, const char *slot);

gboolean runner_open(Runner *runner, const HvdOpen *open, GError **error);
void runner_close(Runner *runner);

/* Slots of one form, by name: "list_nodes", "power_on", "detach_volume", ... */
char *runner_call(Runner *runner, const char *slot, GError **error);
char *runner_instance(Runner *runner, const char *slot, const char *instance, GError **error);
char *runner_document(Runner *runner, const char *slot, const char *instance, const char *document,
                      GError **error);

/* Slots of their own form. */
gboolean
runner_get_state(Runner *runner, const char *instance, HvdInstanceState *state, GError **error);
gboolean runner_exists(Runner *runner, const char *instance, gboolean *exists, GError **error);
char *runner_spawn(Runner *runner, const char *document, GInputStream *image, GError **error);
char *runner_power_off(Runner *runner, const char *instance, int timeout_s, GError **error);
char *runner_reboot(Runner *runner, const char *instance, gboolean hard, GError **error);
char *runner_set_bootable(Runner *runner, const char *instance, gboolean bootable, GError **error);
char *runner_snapshot(Runner *runner, const char *instance, GOutputStream *sink, GError **error);
/* @node: (nullable) */
char *runner_get_volume_connector(Runner *runner, const char *node, GError **error);
char *runner_attach_volume(Runner *runner, const char *instance, const char *connection_info,
                           const char *mountpoint, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Runner, runner_free)

G_END_DECLS
