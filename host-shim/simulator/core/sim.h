/* The simulated pool as a whole: what every part of it can reach. */
#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "core/database.h"

G_BEGIN_DECLS

typedef struct {
    guint hosts;
    gboolean tls;
    char *state; /* NULL: a private directory that is removed at the end */
    char *faults;
    char *address; /* of node 1; the others follow it */
    guint port;
    double pace_ms;
    double storage_pace_ms;
    double event_delay_ms;
    gint64 local_size;
    gint64 shared_size;
    gboolean capture_profile;
    gboolean stopped_clock;
    gint64 time_s; /* 0: now */
    guint linger_s;
    gint ready_fd;
    gint64 seed; /* -1: none */
    gboolean version;
} SimOptions;

/* A XenServer host: the object in the database and its place in this process. */
typedef struct {
    guint number; /* from 1; node 1 is the first coordinator */
    char *host;   /* reference */
    char *address;
    gboolean crashed;
    gboolean killed; /* its toolstack alone */
    gint64 last_domid;
    struct _Sim *sim;
    guint timer;    /* of a shutdown or reboot */
    char *shutdown; /* (nullable): its task */
    gboolean comes_back;
} SimNode;

typedef struct _Sim Sim;
typedef struct _SimCall SimCall;
typedef struct _SimCalls SimCalls;
typedef struct _SimEvents SimEvents;
typedef struct _SimSessions SimSessions;
typedef struct _SimFaults SimFaults;
typedef struct _SimStats SimStats;
typedef struct _SimDisks SimDisks;
typedef struct _SimTargets SimTargets;
typedef struct _SimServer SimServer;
typedef struct _SimControl SimControl;
typedef struct _SimState SimState;

struct _Sim {
    SimOptions options;
    SimClock *clock;
    SimIds *ids;
    SimModel *model;
    SimDatabase *db;
    SimValue *seed;     /* what a new pool is made of; read when first asked for */
    SimValue *shelf;    /* SR uuid -> location -> size: disks without a record */
    GPtrArray *nodes;   /* of SimNode */
    guint coordinator;  /* index into nodes */
    gboolean stopped;   /* the toolstack refuses connections */
    guint port;         /* that all nodes listen on; 0: none yet */
    guint last_address; /* that a guest got */
    guint streaming;    /* operations on clients' streams that are under way, some in threads of GIO's */
    SimCalls *calls;
    SimEvents *events;
    SimSessions *sessions;
    SimFaults *faults;
    SimStats *stats;
    SimDisks *disks;
    SimTargets *targets;
    SimServer *server;
    SimControl *control;
    SimState *state;
    /* What a node's toolstack does when it starts; the coordinator's looks after the pool. */
    void (*on_start)(Sim *sim, const SimNode *node);
};

/* The parts that need nothing but memory, with an empty database. Takes nothing of @options. */
Sim *sim_new(const SimOptions *options);
void sim_free(Sim *sim);

/* Takes @db in place of the present database: everything that held objects of that has ended. */
void sim_use_database(Sim *sim, SimDatabase *db);

SimObject *sim_pool(Sim *sim);
/* (nullable): a node whose host has left */
SimObject *sim_node_host(Sim *sim, const SimNode *node);
SimNode *sim_node_of_host(Sim *sim, const SimObject *host); /* (nullable) */
SimNode *sim_coordinator(Sim *sim);
SimObject *sim_coordinator_host(Sim *sim);
/* (transfer full): "https://127.0.0.1:4711" */
char *sim_node_url(const Sim *sim, const SimNode *node);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sim, sim_free)

G_END_DECLS
