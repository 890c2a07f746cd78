/* What the handlers that move a disk's bytes share: who may, which disk, on which node, whose task,
 * and the drive of the control domain through which it goes. */
#pragma once

#include "core/faults.h"
#include "data/drive.h"
#include "http/connection.h"
#include "http/server.h"

G_BEGIN_DECLS

typedef enum {
    SIM_FORMAT_RAW,
    SIM_FORMAT_VHD,
} SimFormat;

typedef struct _SimTransfer SimTransfer;
struct _SimTransfer {
    Sim *sim;
    SimConnection *connection;
    SimObject *vdi;
    SimObject *host; /* whose control domain does it */
    SimObject *task;
    gboolean own_task; /* made by us, and destroyed by us */
    SimFormat format;
    SimDrive *drive; /* of the control domain, while bytes move */
    gboolean for_writing;
    char *result; /* what the task will say */
    int fd;
    gint64 done;        /* body bytes so far */
    gint64 segment_end; /* up to where bytes are awaited before somebody looks again */
    SimFault *fault;
    SimHold *hold;
    void (*proceed)(SimTransfer *transfer); /* after a hold, or the plug of the drive */
    gpointer codec;                         /* of the format */
    GDestroyNotify free_codec;
    guint timer;
    gboolean struck; /* the fault has done its part */
    gboolean over;
};

/* A transfer, or NULL where the answer has been given already. @method: "/import_raw_vdi" */
SimTransfer *sim_transfer_begin(SimConnection *connection, const char *method, const char *realm,
                                const char *label);
/* "200 OK" with the task's reference, before anything has been read or written. @rest: further
 * header lines, each with its end */
void sim_transfer_accept(SimTransfer *transfer, const char *rest);
/* Plugs the drive of the control domain, and goes on by @proceed; or the transfer fails. */
void sim_transfer_attach(SimTransfer *transfer, gboolean for_writing,
                         void (*proceed)(SimTransfer *transfer));
/* The ends. Failing sends a second answer inside of the first. @result: (nullable) */
void sim_transfer_succeed(SimTransfer *transfer, const char *result);
void sim_transfer_fail(SimTransfer *transfer, SimValue *error); /* takes @error */
void sim_transfer_fail_cut(SimTransfer *transfer);              /* as when the client goes */
/* Its answer has been given otherwise. */
void sim_transfer_free(SimTransfer *transfer);

/* Is a fault due once @bytes of the body have passed? It is applied then, and %TRUE returned:
 * the transfer goes on by @proceed, or not at all. */
gboolean
sim_transfer_strike(SimTransfer *transfer, gint64 bytes, void (*proceed)(SimTransfer *transfer));
/* How many of @length bytes pass before the fault strikes. */
gsize sim_transfer_until_fault(const SimTransfer *transfer, gsize length);

/* (nullable): the session, "" where there is a password instead; answers 401 or 403 otherwise */
const char *sim_transfer_authenticate(SimConnection *connection, const char *realm, SimRole least);
gboolean sim_transfer_may(SimConnection *connection, SimRole least);

extern const SimRoute sim_transfer_routes[]; /* ended by NULL */
void sim_import_put(SimConnection *connection);
void sim_export_get(SimConnection *connection);

G_END_DECLS
