/* A volume's device comes into an instance that runs, and out of it. */
#pragma once

#include "ops/volume-state.h"

G_BEGIN_DECLS

/**
 * Steps on the device @vbd of an #XdVolumeState, forward and as an undo. Where the instance goes down they
 * wait for the end of that, then look at what it is: one that is halted has nothing plugged, and gets all at
 * its next start; paused or suspended it is STATE; where it takes too long BUSY.
 */
void xd_step_plug_volume(XdOp *op, gpointer data);
void xd_step_unplug_volume(XdOp *op, gpointer data);

/* The waiting alone: to be done before others have to wait for us. */
void xd_step_see_settled(XdOp *op, gpointer data);
void xd_step_check_settled(XdOp *op, gpointer data);

/* Less time than any step that waits so, so that it is told what was waited for. */
#define XD_STEPS_SEE_SETTLED                                                                       \
    {"see-settled", xd_step_see_settled, NULL, 0, 300},                                            \
    {                                                                                              \
        "check-settled", xd_step_check_settled, NULL, 0, 5                                         \
    }

G_END_DECLS
