/* Certificates by the openssl command: neither GLib nor its TLS back end makes any. */
#include "control/home.h"

#include <glib/gstdio.h>
#include <string.h>

/* Runs openssl in the directory; what it writes is returned. It runs before anything is served. */
static GBytes *
run_openssl(const SimHome *home, const char *const *arguments, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
    g_autoptr(GSubprocess) process = NULL;
    g_autoptr(GBytes) output = NULL;
    g_autoptr(GBytes) complaint = NULL;

    g_subprocess_launcher_set_cwd(launcher, home->path);
    process = g_subprocess_launcher_spawnv(launcher, arguments, error);
    if (process == NULL ||
        !g_subprocess_communicate(process, NULL, NULL, &output, &complaint, error))
        return NULL;
    if (!g_subprocess_get_successful(process)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "openssl %s: %.200s", arguments[1],
                    (const char *) g_bytes_get_data(complaint, NULL));
        return NULL;
    }
    return g_steal_pointer(&output);
}

static gboolean
make_ca(const SimHome *home, GError **error)
{
    const char *const arguments[] = {
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "3650",
        "-subj",
        "/CN=xapi-sim CA",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        NULL,
    };
    g_autofree char *ca = sim_home_file(home, "ca.pem");
    g_autoptr(GBytes) output = NULL;

    if (g_file_test(ca, G_FILE_TEST_EXISTS))
        return TRUE;
    output = run_openssl(home, arguments, error);
    return output != NULL;
}

/* Named by address and not by number: with another base address it is another certificate. */
static gboolean
make_certificate(const SimHome *home, const SimNode *node, const char *key, const char *pem,
                 GError **error)
{
    g_autofree char *subject = g_strdup_printf("/CN=%s", node->address);
    g_autofree char *names = g_strdup_printf("subjectAltName=IP:%s", node->address);
    const char *const arguments[] = {
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        key,
        "-out",
        pem,
        "-days",
        "3650",
        "-subj",
        subject,
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-addext",
        names,
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        NULL,
    };
    g_autofree char *path = sim_home_file(home, pem);
    g_autoptr(GBytes) output = NULL;

    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    output = run_openssl(home, arguments, error);
    return output != NULL;
}

/* (transfer full): "sha256//BASE64" of the public key, as curl pins it */
static char *
make_pin(const SimHome *home, const char *key, GError **error)
{
    const char *const arguments[] = {"openssl", "pkey",     "-in", key,
                                     "-pubout", "-outform", "DER", NULL};
    g_autoptr(GBytes) spki = run_openssl(home, arguments, error);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *text = NULL;
    guint8 digest[32];
    gsize length = sizeof(digest);

    if (spki == NULL)
        return NULL;
    g_checksum_update(checksum, g_bytes_get_data(spki, NULL), (gssize) g_bytes_get_size(spki));
    g_checksum_get_digest(checksum, digest, &length);
    text = g_base64_encode(digest, length);
    return g_strconcat("sha256//", text, NULL);
}

static gboolean
read_certificate(const SimHome *home, const SimNode *node, GPtrArray *certificates, GPtrArray *pins,
                 GError **error)
{
    g_autofree char *key = g_strdup_printf("node-%s.key", node->address);
    g_autofree char *pem = g_strdup_printf("node-%s.pem", node->address);
    g_autofree char *key_path = sim_home_file(home, key);
    g_autofree char *pem_path = sim_home_file(home, pem);
    g_autoptr(GTlsCertificate) certificate = NULL;
    char *pin;

    if (!make_certificate(home, node, key, pem, error))
        return FALSE;
    certificate = g_tls_certificate_new_from_files(pem_path, key_path, error);
    pin = certificate != NULL ? make_pin(home, key, error) : NULL;
    if (pin == NULL)
        return FALSE;
    g_ptr_array_add(certificates, g_steal_pointer(&certificate));
    g_ptr_array_add(pins, pin);
    return TRUE;
}

GPtrArray *
sim_home_read_certificates(const SimHome *home, Sim *sim, GPtrArray **pins, GError **error)
{
    g_autoptr(GPtrArray) certificates = g_ptr_array_new_with_free_func(g_object_unref);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);

    if (!make_ca(home, error))
        return NULL;
    for (guint i = 0; i < sim->nodes->len; i++) {
        if (!read_certificate(home, g_ptr_array_index(sim->nodes, i), certificates, found, error))
            return NULL;
    }
    *pins = g_steal_pointer(&found);
    return g_steal_pointer(&certificates);
}
