/* What doctor's checks stand on: what was found out once, and where they say what they think. */
#pragma once

#include "document.h"
#include "probe.h"
#include "shim.h"

G_BEGIN_DECLS

typedef enum {
    CHECK_OK,
    CHECK_UNKNOWN, /* could not be looked at */
    CHECK_WARNING,
    CHECK_PROBLEM,
} CheckState;

typedef enum {
    CHECK_NEEDS_DRIVER = 1 << 0,
    CHECK_NEEDS_POOL = 1 << 1,
    CHECK_NEEDS_TLS = 1 << 2,
} CheckNeeds;

typedef struct _Doctor Doctor;

/* A check says at least one thing: doctor_say(). */
typedef struct {
    const char *name;
    const char *about; /* marked for translation */
    CheckNeeds needs;
    void (*run)(Doctor *doctor);
} Check;

/**
 * Doctor:
 * @target: which pool is meant
 * @tls, @host, @port: of its address; @host: (nullable): there is none, or it is no address
 * @load_error, @open_error: (nullable): why there is no driver, no pool
 * @nodes: (nullable): what list_nodes said when it was asked with HVD_CALL_ASK, else without
 * @ask_error: (nullable): why it did not say who we are
 * @asked_at: our clock then, in seconds since 1970
 * @instances: (nullable)
 * @front: the pool's address; @probes: (element-type Probe): each node's
 */
struct _Doctor {
    Shim *shim;
    const Check *check;
    GPtrArray *findings;
    Target *described;
    const Target *target;
    gboolean tls;
    char *host;
    guint port;
    GStrv pins;
    GError *load_error;
    GError *open_error;
    GError *ask_error;
    JsonNode *nodes;
    gint64 asked_at;
    JsonNode *instances;
    Probe *front;
    GPtrArray *probes;
};

/* @advice: (nullable): translated, as is @format */
void doctor_say(Doctor *doctor, CheckState state, const char *advice, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
/* A problem with the error's own words and advice. */
void doctor_say_error(Doctor *doctor, const GError *error);
/* (transfer container): of JsonObject */
GPtrArray *doctor_nodes(const Doctor *doctor);

/* checks-machine.c */
void check_driver(Doctor *doctor);
void check_configuration(Doctor *doctor);
void check_credentials(Doctor *doctor);
void check_locked_memory(Doctor *doctor);
void check_core_files(Doctor *doctor);

/* checks-network.c */
void check_address(Doctor *doctor);
void check_certificate(Doctor *doctor);
void check_pins(Doctor *doctor);
void check_expiry(Doctor *doctor);
void check_transfers(Doctor *doctor);

/* checks-pool.c */
void check_login(Doctor *doctor);
void check_role(Doctor *doctor);
void check_clock(Doctor *doctor);
void check_coordinator(Doctor *doctor);
void check_nodes(Doctor *doctor);
void check_versions(Doctor *doctor);
void check_leftovers(Doctor *doctor);

/* checks-storage.c */
void check_storage_links(Doctor *doctor);
void check_storage_space(Doctor *doctor);
void check_default_storage(Doctor *doctor);
void check_guest_drivers(Doctor *doctor);

G_END_DECLS
