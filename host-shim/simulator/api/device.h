/* Numbers and names of disks and interfaces. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

/* -1: no device number: "3", "xvdd", "hdd", "sdd" -> 3 */
gint sim_vbd_device_number(const char *userdevice);
/* "0" -> "xvda", "26" -> "xvdaa" */
char *sim_vbd_device_name(const char *userdevice);
/* Free ones, lowest first: "0" to "254" for disks, "0" to "6" for interfaces. */
SimValue *sim_vm_free_vbd_devices(const SimObject *vm);
SimValue *sim_vm_free_vif_devices(const SimObject *vm);
gboolean sim_mac_is_valid(const char *mac);
/* (transfer full): what an empty MAC stands for */
char *sim_vif_derive_mac(const SimObject *vm, const char *device);

G_END_DECLS
