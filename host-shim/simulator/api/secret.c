#include "api/secret.h"

#include "api/families.h"

static const char *
add_secret(Sim *sim, const char *password)
{
    SimObject *secret = sim_db_create(sim->db, "secret");

    sim_object_set_text(secret, "value", password);
    return sim_object_text(secret, "uuid");
}

SimValue *
sim_secrets_hide(Sim *sim, const SimValue *config)
{
    SimValue *hidden = sim_map();

    for (guint i = sim_value_size(config); i > 0; i--) {
        const char *key = sim_map_key(config, i - 1);
        const char *text = sim_value_text(sim_value_at(config, i - 1));
        g_autofree char *secret_key = g_strconcat(key, "_secret", NULL);

        if (g_str_has_suffix(key, "password"))
            sim_map_set_string(hidden, secret_key, add_secret(sim, text));
        else
            sim_map_set_string(hidden, key, text);
    }
    return hidden;
}

static const char *
find_missing(Sim *sim, const SimValue *config)
{
    for (guint i = 0; i < sim_value_size(config); i++) {
        const char *uuid = sim_value_text(sim_value_at(config, i));

        if (g_str_has_suffix(sim_map_key(config, i), "password_secret") &&
            sim_db_find_uuid(sim->db, "secret", uuid) == NULL)
            return uuid;
    }
    return NULL;
}

SimValue *
sim_secrets_copy(Sim *sim, const SimValue *config, const char **bad)
{
    SimValue *copy;

    *bad = find_missing(sim, config);
    if (*bad != NULL)
        return NULL;
    copy = sim_map();
    for (guint i = 0; i < sim_value_size(config); i++) {
        const char *key = sim_map_key(config, i);
        const char *text = sim_value_text(sim_value_at(config, i));

        if (g_str_has_suffix(key, "password_secret"))
            text = add_secret(sim,
                              sim_object_text(sim_db_find_uuid(sim->db, "secret", text), "value"));
        sim_map_set_string(copy, key, text);
    }
    return copy;
}

void
sim_secrets_destroy(Sim *sim, const SimValue *config)
{
    for (guint i = 0; i < sim_value_size(config); i++) {
        const char *uuid = sim_value_text(sim_value_at(config, i));
        SimObject *secret = sim_db_find_uuid(sim->db, "secret", uuid);

        if (g_str_has_suffix(sim_map_key(config, i), "password_secret") && secret != NULL)
            sim_db_destroy(secret);
    }
}

static void
secret_create(SimCall *call)
{
    const SimValue *record = sim_call_arg(call, 0);
    const SimValue *other_config = sim_map_get(record, "other_config");
    SimObject *secret = sim_db_create(sim_call_db(call), "secret");

    sim_object_set(secret, "value", sim_value_ref(sim_map_get(record, "value")));
    if (other_config != NULL)
        sim_object_set(secret, "other_config", sim_value_ref(other_config));
    sim_call_return(call, sim_string(sim_object_get_ref(secret)));
}

static void
secret_destroy(SimCall *call)
{
    SimObject *secret = sim_call_object(call, 0);

    if (secret == NULL)
        return;
    sim_db_destroy(secret);
    sim_call_return(call, NULL);
}

const SimHandlerEntry sim_secret_handlers[] = {
    {"secret.create", secret_create},
    {"secret.destroy", secret_destroy},
    {NULL, NULL},
};
