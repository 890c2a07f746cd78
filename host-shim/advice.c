#include "advice.h"

#include <glib/gi18n.h>

static const struct {
    int code;
    gboolean instead; /* the driver's speaks of keys of the configuration alone */
    const char *text;
} advice[] = {
    {HVD_ERROR_NOT_FOUND, FALSE,
     N_("\"hvd list\" lists the instances, \"hvd nodes\" the nodes, \"hvd nodes --storage\" the "
        "storage")},
    {HVD_ERROR_EXISTS, FALSE,
     N_("take another uuid; a spawn that is repeated with its --request-id has the same result")},
    {HVD_ERROR_AUTH, TRUE,
     N_("check the account, --user (pool.username; root with --pool), and the password, "
        "HVD_CREDENTIAL (pool.password)")},
    {HVD_ERROR_NOT_REACHABLE, FALSE,
     N_("check the address, --pool (pool.url): a node of the pool has to answer there")},
    {HVD_ERROR_TIMED_OUT, FALSE, N_("it was undone: try again with a longer --timeout")},
    {HVD_ERROR_UNKNOWN_OUTCOME, FALSE,
     N_("look with \"hvd list\" and \"hvd --plan reconcile\" before trying again")},
    {HVD_ERROR_LEFTOVERS, FALSE,
     N_("look with \"hvd --plan --set reconcile.grace=0 reconcile\"; without --plan it puts it "
        "right")},
    {HVD_ERROR_STATE, FALSE, N_("\"hvd info INSTANCE\" shows the state that it is in")},
    {HVD_ERROR_INVALID, FALSE, N_("\"hvd help COMMAND\" says what it takes, with examples")},
    {HVD_ERROR_CONFIG, FALSE, N_("\"hvd config\" lists the keys, \"hvd config KEY\" explains one")},
    {HVD_ERROR_SECRET, FALSE,
     N_("set HVD_CREDENTIAL=file:PATH, PATH being a file that only you can read; see \"hvd help "
        "environment\"")},
    {HVD_ERROR_SECRET_LITERAL, FALSE,
     N_("put the password into a file that only you can read, and name it: "
        "HVD_CREDENTIAL=file:PATH (pool.password=file:PATH)")},
    {HVD_ERROR_PLAINTEXT, FALSE, N_("write https:// in the address, --pool (pool.url)")},
    {HVD_ERROR_TLS_UNTRUSTED, TRUE,
     N_("name its authority with --ca-file FILE (tls.ca-file), or pin the node's key with --pin "
        "ADDRESS=sha256//BASE64 (tls.pins)")},
    {HVD_ERROR_TLS_NAME, TRUE,
     N_("use a name that is in it as --pool (pool.url), or pin the node's key with --pin "
        "ADDRESS=sha256//BASE64 (tls.pins)")},
    {HVD_ERROR_TLS_PIN, FALSE,
     N_("if the node has a new certificate, pin its key with --pin ADDRESS=sha256//BASE64 "
        "(tls.pins); if not, somebody stands between")},
};

const char *
advice_find(int code, const char *given)
{
    for (gsize i = 0; i < G_N_ELEMENTS(advice); i++) {
        if (advice[i].code == code)
            return given == NULL || advice[i].instead ? advice[i].text : given;
    }
    return given;
}
