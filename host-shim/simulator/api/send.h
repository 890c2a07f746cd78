/* The source's side of a storage migration: what the moving of disks and the moving of machines
 * share. Each is a row of steps that is made for the occasion. */
#pragma once

#include "api/target.h"

G_BEGIN_DECLS

typedef struct {
    SimObject *vdi;
    gboolean begun;
    char *sr;            /* where it goes */
    char *leaf;          /* the new disk there, */
    char *dummy;         /* the place of what it was when the mirror began, */
    char *base;          /* and that, copied */
    SimObject *snapshot; /* the same here */
    SimObject *look;     /* another one, at the end of a mirror that failed */
} SimSentDisk;

typedef struct {
    SimTarget *target;
    SimObject *vm;      /* NULL: only a disk moves */
    GPtrArray *disks;   /* of SimSentDisk */
    guint disk;         /* the one that is under way */
    GArray *steps;      /* of SimStep */
    char *task;         /* of an import or a scan over there */
    char *sent_vm;      /* the machine there, once it is there */
    SimValue *vifs;     /* interface -> network there */
    gboolean copies;    /* the source stays */
    gboolean only_asks; /* assert_can_migrate */
    gboolean undoes;
    SimValue *error; /* why it failed; NULL: was cancelled */
} SimSend;

SimSend *sim_send_new(SimTarget *target, SimObject *vm); /* takes @target */
void sim_send_free(gpointer send);
SimSend *sim_send_of(SimCall *call);
void sim_send_add_disk(SimSend *send, SimObject *vdi, const char *sr);
SimSentDisk *sim_send_disk(SimSend *send);

void sim_send_add_steps(SimSend *send, const SimStep *steps); /* ended by NULL */
/* The steps that move one disk after the other. @mirrored: a machine writes to them meanwhile */
void sim_send_add_disk_steps(SimSend *send, gboolean mirrored);
/* Could it move? The beginning of a real move, too. */
void sim_send_add_check_steps(SimSend *send);
/* The machine follows its disks. */
void sim_send_add_machine_steps(SimSend *send, gboolean running);
/* Its drives get the new disks, and the old ones go. */
void sim_send_add_exchange_steps(SimSend *send);
/* And those that take the disks back. */
void sim_send_add_undo_steps(SimSend *send);
/* Begins what has been added. */
void sim_send_run(SimCall *call, SimSend *send);
/* A command for the other side; a step returns what this returns. */
gboolean sim_send_ask(SimCall *call, SimValue *command, SimTargetDone done);
/* Told as @done: the answer names a task over there. */
void sim_send_note_task(SimCall *call, const SimValue *answer);
/* {"do": name, ...}: a command of texts */
#define sim_command(...) sim_string_map("do", __VA_ARGS__, NULL)
/* Ends the call as failed, or as cancelled where @error (taken) is NULL, after it has taken back
 * what it has done. */
void sim_send_give_up(SimCall *call, SimValue *error);

G_END_DECLS
