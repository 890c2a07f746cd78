#include "data/rfb.h"

#include <string.h>

#define WIDTH       320
#define HEIGHT      200
#define GREY        0x55
#define MAX_CUT     65536 /* of a client's clipboard; more is no viewer's */
#define MAX_MESSAGE (MAX_CUT + 8)

typedef gboolean (*Take)(SimRfb *rfb, const guint8 *message);

struct _SimRfb {
    char *name;
    void (*send)(const char *bytes, gsize length, gpointer data);
    gpointer data;
    GByteArray *in;
    gsize needed; /* bytes until @take has something to do */
    Take take;
    gboolean minor_8;
    guint bytes_per_pixel;
    gboolean sending; /* a picture is under way */
    gboolean wanted;  /* and another has been asked for */
};

static gboolean take_version(SimRfb *rfb, const guint8 *message);
static gboolean take_kind(SimRfb *rfb, const guint8 *message);

SimRfb *
sim_rfb_new(const char *name, void (*send)(const char *bytes, gsize length, gpointer data),
            gpointer data)
{
    SimRfb *rfb = g_new0(SimRfb, 1);

    rfb->name = g_strndup(name, 255);
    rfb->send = send;
    rfb->data = data;
    rfb->in = g_byte_array_new();
    rfb->needed = strlen("RFB 003.008\n");
    rfb->take = take_version;
    rfb->bytes_per_pixel = 4;
    send("RFB 003.008\n", rfb->needed, data);
    return rfb;
}

void
sim_rfb_free(SimRfb *rfb)
{
    g_byte_array_unref(rfb->in);
    g_free(rfb->name);
    g_free(rfb);
}

static void
append_number(GByteArray *out, guint32 number, guint bytes)
{
    guint32 swapped = GUINT32_TO_BE(number);

    g_byte_array_append(out, (const guint8 *) &swapped + (sizeof(swapped) - bytes), bytes);
}

static guint
read_number(const guint8 *bytes, guint length)
{
    guint number = 0;

    for (guint i = 0; i < length; i++)
        number = number << 8 | bytes[i];
    return number;
}

static void
expect(SimRfb *rfb, gsize needed, Take take)
{
    rfb->needed = needed;
    rfb->take = take;
}

/* ---- the greeting ---- */

static gboolean
take_shared(SimRfb *rfb, const guint8 *message)
{
    static const guint8 format[] = {32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0};
    g_autoptr(GByteArray) out = g_byte_array_new();

    (void) message;
    append_number(out, WIDTH, 2);
    append_number(out, HEIGHT, 2);
    g_byte_array_append(out, format, sizeof(format));
    append_number(out, (guint32) strlen(rfb->name), 4);
    g_byte_array_append(out, (const guint8 *) rfb->name, (guint) strlen(rfb->name));
    rfb->send((const char *) out->data, out->len, rfb->data);
    expect(rfb, 1, take_kind);
    return TRUE;
}

static gboolean
take_security(SimRfb *rfb, const guint8 *message)
{
    if (message[0] != 1)
        return FALSE;
    if (rfb->minor_8)
        rfb->send("\0\0\0", 4, rfb->data);
    expect(rfb, 1, take_shared);
    return TRUE;
}

static gboolean
take_version(SimRfb *rfb, const guint8 *message)
{
    if (memcmp(message, "RFB 003.00", 10) != 0)
        return FALSE;
    rfb->minor_8 = message[10] == '8';
    if (message[10] == '3') {
        rfb->send("\0\0\0\1", 4, rfb->data);
        expect(rfb, 1, take_shared);
    } else {
        rfb->send("\1\1", 2, rfb->data);
        expect(rfb, 1, take_security);
    }
    return TRUE;
}

/* ---- messages ---- */

static void
send_picture(SimRfb *rfb)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    guint head;

    append_number(out, 0, 2);
    append_number(out, 1, 2);
    append_number(out, 0, 4);
    append_number(out, WIDTH, 2);
    append_number(out, HEIGHT, 2);
    append_number(out, 0, 4);
    head = out->len;
    g_byte_array_set_size(out, head + WIDTH * HEIGHT * rfb->bytes_per_pixel);
    memset(out->data + head, GREY, out->len - head);
    rfb->wanted = FALSE;
    rfb->sending = TRUE;
    rfb->send((const char *) out->data, out->len, rfb->data);
}

void
sim_rfb_sent(SimRfb *rfb)
{
    rfb->sending = FALSE;
    if (rfb->wanted)
        send_picture(rfb);
}

static gboolean
take_format(SimRfb *rfb, const guint8 *message)
{
    guint bits = message[4];

    if (bits != 8 && bits != 16 && bits != 32)
        return FALSE;
    rfb->bytes_per_pixel = bits / 8;
    expect(rfb, 1, take_kind);
    return TRUE;
}

static gboolean
skip_message(SimRfb *rfb, const guint8 *message)
{
    (void) message;
    expect(rfb, 1, take_kind);
    return TRUE;
}

static gboolean
take_encodings(SimRfb *rfb, const guint8 *message)
{
    expect(rfb, 4 + 4 * (gsize) read_number(message + 2, 2), skip_message);
    return rfb->needed <= MAX_MESSAGE;
}

/* An incremental update never comes: nothing ever changes. */
static gboolean
take_request(SimRfb *rfb, const guint8 *message)
{
    if (message[1] == 0)
        rfb->wanted = TRUE;
    if (rfb->wanted && !rfb->sending)
        send_picture(rfb);
    expect(rfb, 1, take_kind);
    return TRUE;
}

static gboolean
take_cut(SimRfb *rfb, const guint8 *message)
{
    expect(rfb, 8 + (gsize) read_number(message + 4, 4), skip_message);
    return rfb->needed <= MAX_MESSAGE;
}

/* RFC 6143, 7.5. Each is asked for as a whole; the two long ones tell their length first. */
static const struct {
    guint8 kind;
    gsize length;
    Take take;
} messages[] = {
    {0, 20, take_format}, {2, 4, take_encodings}, {3, 10, take_request},
    {4, 8, skip_message}, {5, 6, skip_message},   {6, 8, take_cut},
};

static gboolean
take_kind(SimRfb *rfb, const guint8 *message)
{
    for (guint i = 0; i < G_N_ELEMENTS(messages); i++) {
        if (messages[i].kind == message[0]) {
            expect(rfb, messages[i].length, messages[i].take);
            return TRUE;
        }
    }
    return FALSE;
}

/* Those that only learn how long the message is leave it where it is. */
static gboolean
is_look_ahead(Take take)
{
    return take == take_kind || take == take_encodings || take == take_cut;
}

gboolean
sim_rfb_take(SimRfb *rfb, const char *bytes, gsize length)
{
    g_byte_array_append(rfb->in, (const guint8 *) bytes, (guint) length);
    while (rfb->in->len >= rfb->needed) {
        gsize taken = is_look_ahead(rfb->take) ? 0 : rfb->needed;

        if (!rfb->take(rfb, rfb->in->data))
            return FALSE;
        if (taken > 0)
            g_byte_array_remove_range(rfb->in, 0, (guint) taken);
    }
    return TRUE;
}
