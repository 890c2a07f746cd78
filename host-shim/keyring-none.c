/* What keyring.h promises, where libsecret was not there when hvd was built. */
#include "failure.h"
#include "keyring.h"

#include <glib/gi18n.h>

gboolean
keyring_check(GError **error)
{
    failure_set(error, HVD_ERROR_SECRET,
                _("put the password into a file that only you can read: file:PATH"), "%s",
                _("this hvd was built without libsecret: it knows no secret-service:"));
    return FALSE;
}

gssize
keyring_read(GHashTable *attributes G_GNUC_UNUSED, char *buffer G_GNUC_UNUSED,
             gsize size G_GNUC_UNUSED, GError **error)
{
    keyring_check(error);
    return -1;
}
