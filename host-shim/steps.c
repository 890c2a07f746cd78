#include "steps.h"

#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>

#define UNDO "undo "

typedef struct {
    const char *name;
    const char *text;
} Words;

/* Sorted by name. A test holds it against the tables of the driver in this tree. */
static const Words words[] = {
    {"allow-starts", N_("allowing it to start")},
    {"ask-permissions", N_("asking what the account may do")},
    {"ask-pool", N_("asking the pool whether it may run there")},
    {"ask-session", N_("asking whether a session is alive")},
    {"ask-sessions", N_("asking which sessions are alive")},
    {"ask-superuser", N_("asking whether the account may do all")},
    {"ask-time", N_("asking the pool for the time")},
    {"attach-disk", N_("attaching a disk")},
    {"attach-disks", N_("attaching the disks")},
    {"await-tasks", N_("waiting for tasks that still run")},
    {"block-starts", N_("keeping it from starting")},
    {"catch-up", N_("catching up with the pool")},
    {"check", N_("checking that it can be done")},
    {"check-absent", N_("checking that it is not there yet")},
    {"check-can-live-migrate-destination", N_("check of the destination")},
    {"check-can-live-migrate-source", N_("check of the source")},
    {"check-destination", N_("checking the destination")},
    {"check-guest", N_("checking that the guest can move")},
    {"check-left", N_("checking that it has left")},
    {"check-parts", N_("checking network, storage and node")},
    {"check-settled", N_("checking that it can be done")},
    {"check-whole", N_("checking that all of it has arrived")},
    {"cleanup-live-migration-destination-check", N_("end of the check")},
    {"connect-nodes", N_("connecting the nodes with the storage")},
    {"connect-storage", N_("connecting the storage")},
    {"create-device", N_("creating the device")},
    {"create-disk", N_("creating a disk")},
    {"create-disks", N_("creating the disks")},
    {"create-nic", N_("creating a network card")},
    {"create-nics", N_("creating the network cards")},
    {"create-pbd", N_("giving a node access to the storage")},
    {"create-root-disk", N_("creating the root disk")},
    {"create-secret", N_("storing the storage's password in the pool")},
    {"create-vm", N_("creating the machine")},
    {"destroy-device", N_("removing the device")},
    {"destroy-disk", N_("removing a disk")},
    {"destroy-disks", N_("removing the disks")},
    {"destroy-left-disks", N_("removing disks that were left")},
    {"destroy-link", N_("removing a node's access to the storage")},
    {"destroy-pbd", N_("removing a node's access to the storage")},
    {"destroy-secret", N_("removing the storage's password from the pool")},
    {"destroy-snapshot", N_("removing the snapshot")},
    {"destroy-vm", N_("removing the machine")},
    {"drop-image", N_("removing the memory image")},
    {"drop-storage", N_("forgetting storage that nothing uses")},
    {"end-destruction", N_("ending its destruction")},
    {"end-task", N_("ending a task")},
    {"export", N_("reading the disk")},
    {"find-destination", N_("finding the destination")},
    {"find-instance", N_("finding the instance")},
    {"find-links", N_("finding what the node was given")},
    {"find-machines", N_("finding machines that were left")},
    {"find-orphans", N_("finding disks that were left")},
    {"find-parts", N_("finding parts that were left")},
    {"find-root-disk", N_("finding the root disk")},
    {"find-session", N_("finding a session")},
    {"find-volume", N_("finding the volume")},
    {"forget-storage", N_("forgetting the storage")},
    {"give-access", N_("giving the node access to the storage")},
    {"import-image", N_("writing the image")},
    {"introduce-storage", N_("introducing the storage")},
    {"leave-nodes", N_("disconnecting the nodes from the storage")},
    {"list-secrets", N_("listing passwords of storage")},
    {"live-migration", N_("move")},
    {"log-out", N_("logging out")},
    {"made-good", N_("noting that it is put right")},
    {"make-good", N_("noting that it is done after all")},
    {"mark", N_("marking it for removal")},
    {"mark-disk", N_("marking a disk for removal")},
    {"mark-disks", N_("marking the disks for removal")},
    {"mark-snapshot", N_("marking the snapshot")},
    {"mend", N_("putting one right")},
    {"mend-machines", N_("putting machines right")},
    {"mend-parts", N_("putting parts right")},
    {"move", N_("moving it")},
    {"name-device", N_("asking for the device's uuid")},
    {"name-secret", N_("naming the storage's password")},
    {"note", N_("noting what came of it")},
    {"note-gone", N_("noting that it is gone")},
    {"note-node", N_("noting the node that it is on")},
    {"note-pbd", N_("noting a node's access to the storage")},
    {"note-prepared", N_("noting what was made ready")},
    {"note-storage", N_("noting the storage")},
    {"open-image", N_("opening the image")},
    {"pause", N_("pausing it")},
    {"plan-access", N_("planning access to the storage")},
    {"plan-disks", N_("planning the disks")},
    {"plug-device", N_("plugging the device in")},
    {"plug-pbd", N_("connecting a node with the storage")},
    {"point-of-no-return", N_("passing the point of no return")},
    {"post-live-migration", N_("after the move")},
    {"post-live-migration-at-destination", N_("after the move, destination")},
    {"post-live-migration-at-source", N_("after the move, source")},
    {"pre-live-migration", N_("preparation")},
    {"read-model", N_("reading how the storage is reached")},
    {"read-secret", N_("reading a password's mark")},
    {"read-secrets", N_("reading the marks of passwords")},
    {"reboot", N_("rebooting it")},
    {"refuse-arrived", N_("checking that it has not moved yet")},
    {"remove", N_("removing it")},
    {"resume", N_("resuming it")},
    {"rollback-live-migration-at-destination", N_("way back")},
    {"scan-storage", N_("looking for the volume on the storage")},
    {"see-access", N_("waiting until the node has access")},
    {"see-arrival", N_("waiting until it is there")},
    {"see-bootable", N_("waiting until the pool shows it")},
    {"see-device", N_("waiting until the device is there")},
    {"see-device-gone", N_("waiting until the device is gone")},
    {"see-ended", N_("waiting until it has ended")},
    {"see-forgotten", N_("waiting until the storage is forgotten")},
    {"see-gone", N_("waiting until it is gone")},
    {"see-no-access", N_("waiting until the access is gone")},
    {"see-pool", N_("reading the pool")},
    {"see-settled", N_("waiting until the pool shows it")},
    {"set-bootable", N_("changing whether it may start")},
    {"settle", N_("waiting until the pool has come to rest")},
    {"shut-down", N_("asking the guest to shut down")},
    {"start", N_("starting it")},
    {"stop", N_("stopping it hard")},
    {"stop-vm", N_("stopping the machine")},
    {"suspend", N_("suspending it")},
    {"take-access", N_("taking the node's access to the storage away")},
    {"take-snapshot", N_("taking the snapshot")},
    {"take-turn", N_("waiting for its turn at the storage")},
    {"tell", N_("saying what came of it")},
    {"tell-instance", N_("saying how the instance is now")},
    {"unblock", N_("lifting the block")},
    {"unmark-disk", N_("taking the mark for removal from a disk")},
    {"unmark-disks", N_("taking the marks for removal from the disks")},
    {"unpause", N_("letting it go on")},
    {"unplug-device", N_("unplugging the device")},
    {"unplug-pbd", N_("disconnecting a node from the storage")},
};

static int
compare(const void *name, const void *row)
{
    return strcmp(name, ((const Words *) row)->name);
}

static const char *
find(const char *name)
{
    const Words *row = bsearch(name, words, G_N_ELEMENTS(words), sizeof words[0], compare);

    return row != NULL ? _(row->text) : name;
}

char *
steps_describe(const char *name)
{
    const char *colon = strstr(name, ": ");
    g_autofree char *part = colon != NULL ? g_strndup(name, (gsize) (colon - name)) : NULL;
    g_autofree char *step = NULL;

    if (g_str_has_prefix(name, UNDO))
        return g_strdup_printf(_("taking back: %s"), find(name + strlen(UNDO)));
    if (part == NULL)
        return g_strdup(find(name));
    step = steps_describe(colon + strlen(": "));
    return g_strdup_printf("%s: %s", find(part), step);
}
