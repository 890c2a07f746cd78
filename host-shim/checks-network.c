/* Checks of the way to the pool: names, connections, certificates, pins. */
#include "doctor.h"

#include <glib/gi18n.h>
#include <string.h>

#define SOON_DAYS 30

static char *
name_of(const Probe *probe)
{
    return probe->name != NULL ? g_strdup_printf("%s (%s)", probe->name, probe->address)
                               : g_strdup(probe->address);
}

/* Why it is not trusted, as a person would say it. */
static const char *
describe_flaws(const Probe *probe)
{
    static const struct {
        GTlsCertificateFlags flaw;
        const char *text;
    } rows[] = {
        {G_TLS_CERTIFICATE_EXPIRED, N_("its certificate has expired")},
        {G_TLS_CERTIFICATE_NOT_ACTIVATED, N_("its certificate is not valid yet")},
        {G_TLS_CERTIFICATE_BAD_IDENTITY, N_("its certificate is for another name")},
        {G_TLS_CERTIFICATE_UNKNOWN_CA, N_("its certificate is from no authority that is trusted")},
    };

    if (probe->pinned)
        return _("the key that it shows is none of the pinned ones");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if ((probe->flaws & rows[i].flaw) != 0)
            return _(rows[i].text);
    }
    return probe->error != NULL ? probe->error->message : _("its certificate is not trusted");
}

static const char *
trust_advice(const Probe *probe)
{
    if (probe->pinned)
        return _("if the node has a new certificate, pin the key that \"pins\" shows; if not, "
                 "somebody stands between");
    if ((probe->flaws & (G_TLS_CERTIFICATE_EXPIRED | G_TLS_CERTIFICATE_NOT_ACTIVATED)) != 0)
        return _("renew it on the node, or compare the clocks");
    return _("name its authority in tls.ca-file, or compare the key that \"pins\" shows with the "
             "node's own and pin it in tls.pins");
}

/* The driver's TLS is libcurl's, and needs none of this. */
static void
say_blind(Doctor *doctor)
{
    doctor_say(doctor, CHECK_UNKNOWN, _("install glib-networking"), "%s",
               _("certificates cannot be looked at: GLib has no TLS here"));
}

/* ---- the pool's address ---- */

void
check_address(Doctor *doctor)
{
    const Probe *front = doctor->front;

    if (front == NULL)
        doctor_say(doctor, CHECK_PROBLEM, _("set pool.url, or --pool, to https://ADDRESS"), "%s",
                   _("there is no address of a pool"));
    else if (front->reached)
        doctor_say(doctor, CHECK_OK, NULL, _("%s port %u answers, as %s"), front->address,
                   doctor->port, front->peer != NULL ? front->peer : front->address);
    else if (front->error != NULL && front->error->domain == G_RESOLVER_ERROR)
        doctor_say(doctor, CHECK_PROBLEM, _("check the spelling of pool.url and the name service"),
                   _("the name %s does not resolve"), front->address);
    else
        doctor_say(
            doctor, CHECK_PROBLEM,
            _("check pool.url, the way there (firewall, routes), and that the toolstack runs"),
            "%s: %s", front->address,
            front->error != NULL ? front->error->message : _("it does not answer"));
}

void
check_certificate(Doctor *doctor)
{
    const Probe *front = doctor->front;

    if (front == NULL || !front->reached)
        doctor_say(doctor, CHECK_UNKNOWN, NULL, "%s", _("nobody answers there"));
    else if (front->blind)
        say_blind(doctor);
    else if (!front->trusted)
        doctor_say(doctor, CHECK_PROBLEM, trust_advice(front), "%s: %s", front->address,
                   describe_flaws(front));
    else
        doctor_say(doctor, CHECK_OK, NULL,
                   front->pinned ? _("%s shows a pinned key")
                                 : _("%s has a certificate from a trusted authority"),
                   front->address);
}

/* ---- each node ---- */

static void
say_pin(Doctor *doctor, const Probe *probe)
{
    g_autofree char *name = name_of(probe);

    if (probe->blind)
        say_blind(doctor);
    else if (probe->pin == NULL)
        doctor_say(doctor, CHECK_UNKNOWN, NULL, _("%s shows no key"), name);
    else if (!probe->pinned)
        doctor_say(doctor, CHECK_OK, NULL, _("%s shows %s; it is not pinned"), name, probe->pin);
    else if (probe_has_pin(doctor->pins, probe->address, probe->pin))
        doctor_say(doctor, CHECK_OK, NULL, _("%s shows %s; it is pinned"), name, probe->pin);
    else
        doctor_say(doctor, CHECK_PROBLEM,
                   _("compare it with the node's own: openssl x509 -pubkey -noout -in "
                     "/etc/xensource/xapi-ssl.pem | openssl pkey -pubin -outform DER | openssl "
                     "dgst -sha256 -binary | base64"),
                   _("%s shows %s; pinned is another one"), name, probe->pin);
}

static GPtrArray *
probed(const Doctor *doctor)
{
    GPtrArray *all = g_ptr_array_new();

    if (doctor->probes->len == 0 && doctor->front != NULL)
        g_ptr_array_add(all, doctor->front);
    for (guint i = 0; i < doctor->probes->len; i++)
        g_ptr_array_add(all, g_ptr_array_index(doctor->probes, i));
    return all;
}

/* What is pinned for an address that no node has is a typing error, or a node that has gone. */
static void
say_strangers(Doctor *doctor)
{
    for (guint i = 0; doctor->pins != NULL && doctor->pins[i] != NULL; i++) {
        g_autofree char *address = g_strndup(doctor->pins[i], strcspn(doctor->pins[i], "="));
        gboolean known =
            doctor->front != NULL && g_ascii_strcasecmp(address, doctor->front->address) == 0;

        for (guint k = 0; k < doctor->probes->len && !known; k++) {
            const Probe *probe = g_ptr_array_index(doctor->probes, k);

            known = g_ascii_strcasecmp(address, probe->address) == 0;
        }
        if (!known && doctor->probes->len > 0)
            doctor_say(doctor, CHECK_WARNING,
                       _("pin nodes by the addresses that \"hvd nodes\" shows"),
                       _("a key is pinned for %s, which is no node of this pool"), address);
    }
}

void
check_pins(Doctor *doctor)
{
    g_autoptr(GPtrArray) all = probed(doctor);

    for (guint i = 0; i < all->len; i++)
        say_pin(doctor, g_ptr_array_index(all, i));
    say_strangers(doctor);
}

void
check_expiry(Doctor *doctor)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autoptr(GPtrArray) all = probed(doctor);
    int least = G_MAXINT;

    for (guint i = 0; i < all->len; i++) {
        const Probe *probe = g_ptr_array_index(all, i);
        g_autofree char *name = name_of(probe);
        int days;

        if (probe->expires == NULL)
            continue;
        days = (int) (g_date_time_difference(probe->expires, now) / G_TIME_SPAN_DAY);
        least = MIN(least, days);
        if (g_date_time_compare(probe->expires, now) <= 0)
            doctor_say(doctor, CHECK_PROBLEM, _("renew it on the node"),
                       _("the certificate of %s has expired"), name);
        else if (days < SOON_DAYS)
            doctor_say(doctor, CHECK_WARNING, _("renew it on the node before that day"),
                       ngettext("the certificate of %s expires in %d day",
                                "the certificate of %s expires in %d days", (gulong) days),
                       name, days);
    }
    if (least == G_MAXINT)
        doctor_say(doctor, CHECK_UNKNOWN, NULL, "%s", _("no certificate was seen"));
    else if (least >= SOON_DAYS)
        doctor_say(doctor, CHECK_OK, NULL,
                   ngettext("the first one expires in %d day", "the first one expires in %d days",
                            (gulong) least),
                   least);
}

/* Disks travel to and from the node that has their storage, whichever that is. */
void
check_transfers(Doctor *doctor)
{
    guint n = 0;
    guint blind = 0;

    for (guint i = 0; i < doctor->probes->len; i++) {
        const Probe *probe = g_ptr_array_index(doctor->probes, i);
        g_autofree char *name = name_of(probe);

        blind += doctor->tls && probe->blind;
        if (!probe->reached)
            doctor_say(doctor, CHECK_PROBLEM,
                       _("this machine needs the way to every node, not only to the coordinator"),
                       "%s: %s", name,
                       probe->error != NULL ? probe->error->message : _("it does not answer"));
        else if (doctor->tls && !probe->blind && !probe->trusted)
            doctor_say(doctor, CHECK_PROBLEM, trust_advice(probe), "%s: %s", name,
                       describe_flaws(probe));
        else
            n++;
    }
    if (blind > 0)
        say_blind(doctor);
    else if (n == doctor->probes->len)
        doctor_say(doctor, CHECK_OK, NULL,
                   ngettext("%u of %u node answers and is trusted",
                            "%u of %u nodes answer and are trusted", n),
                   n, n);
}
