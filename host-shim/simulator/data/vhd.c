#include "data/vhd.h"

#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Microsoft, Virtual Hard Disk Image Format Specification; the layout is that of the toolstack's
 * writer (scenario snapshot_export_vhd_running: 3,072 bytes for an empty disk of 8 MiB). */
#define SECTOR       512
#define BLOCK        (2 * 1024 * 1024)
#define FOOTER       SECTOR
#define HEADER       1024
#define TABLE_OFFSET 2048
#define UNUSED       0xffffffffu
#define EPOCH        G_GINT64_CONSTANT(946684800) /* 2000-01-01 */
#define DYNAMIC      3
#define STORED       (SECTOR + BLOCK) /* a block with its bitmap */

struct _SimVhd {
    int fd;
    gint64 size;
    GByteArray *head;   /* footer, header, table */
    GByteArray *footer; /* once more at the end */
    GArray *blocks;     /* of guint32: which ones are stored, in order */
};

static void
put32(guint8 *at, guint32 number)
{
    number = GUINT32_TO_BE(number);
    memcpy(at, &number, sizeof(number));
}

static void
put64(guint8 *at, guint64 number)
{
    number = GUINT64_TO_BE(number);
    memcpy(at, &number, sizeof(number));
}

static void
put_checksum(guint8 *bytes, gsize length, gsize at)
{
    guint32 sum = 0;

    for (gsize i = 0; i < length; i++)
        sum += bytes[i];
    put32(bytes + at, ~sum);
}

/* Cylinders, heads and sectors, as the appendix of the specification computes them. */
static void
put_geometry(guint8 *at, gint64 size)
{
    gint64 total = MIN(size / SECTOR, (gint64) 65535 * 16 * 255);
    gint64 per_track = 17;
    gint64 tracks = total / per_track;
    gint64 heads = MAX((tracks + 1023) / 1024, 4);

    if (total >= (gint64) 65535 * 16 * 63) {
        per_track = 255;
        heads = 16;
    } else if (tracks >= heads * 1024 || heads > 16) {
        per_track = 31;
        heads = 16;
        if (total / per_track >= heads * 1024)
            per_track = 63;
    }
    tracks = total / per_track;
    at[0] = (guint8) (tracks / heads >> 8);
    at[1] = (guint8) (tracks / heads);
    at[2] = (guint8) heads;
    at[3] = (guint8) per_track;
}

static void
put_uuid(guint8 *at, const char *uuid)
{
    for (guint done = 0; *uuid != '\0' && done < 32; uuid++) {
        if (!g_ascii_isxdigit(*uuid))
            continue;
        at[done / 2] = (guint8) (at[done / 2] << 4 | g_ascii_xdigit_value(*uuid));
        done++;
    }
}

static GByteArray *
make_footer(gint64 size, const char *uuid)
{
    GByteArray *footer = g_byte_array_new();
    guint8 *bytes;

    g_byte_array_set_size(footer, FOOTER);
    bytes = footer->data;
    memset(bytes, 0, FOOTER);
    memcpy(bytes, "conectix", 8);
    put32(bytes + 8, 2);
    put32(bytes + 12, 0x10000);
    put64(bytes + 16, FOOTER);
    put32(bytes + 24, (guint32) (g_get_real_time() / G_USEC_PER_SEC - EPOCH));
    memcpy(bytes + 28, "tap", 4); /* who goes by the size, not by the geometry */
    put32(bytes + 32, 0x10000);
    memcpy(bytes + 36, "Wi2k", 4);
    put64(bytes + 40, (guint64) size);
    put64(bytes + 48, (guint64) size);
    put_geometry(bytes + 56, size);
    put32(bytes + 60, DYNAMIC);
    put_uuid(bytes + 68, uuid);
    put_checksum(bytes, FOOTER, 64);
    return footer;
}

static void
append_header(GByteArray *head, guint32 n_blocks)
{
    guint8 bytes[HEADER] = {0};

    memcpy(bytes, "cxsparse", 8);
    put64(bytes + 8, G_MAXUINT64);
    put64(bytes + 16, TABLE_OFFSET);
    put32(bytes + 24, 0x10000);
    put32(bytes + 28, n_blocks);
    put32(bytes + 32, BLOCK);
    put_checksum(bytes, HEADER, 36);
    g_byte_array_append(head, bytes, HEADER);
}

static gsize
round_up(gsize length)
{
    return (length + SECTOR - 1) / SECTOR * SECTOR;
}

static void
append_table(SimVhd *vhd, guint32 n_blocks)
{
    gsize table = round_up(n_blocks * sizeof(guint32));
    guint32 sector = (guint32) ((TABLE_OFFSET + table) / SECTOR);
    guint begin = TABLE_OFFSET;

    g_byte_array_set_size(vhd->head, (guint) (TABLE_OFFSET + table));
    memset(vhd->head->data + FOOTER + HEADER, 0, TABLE_OFFSET - FOOTER - HEADER);
    memset(vhd->head->data + begin, 0xff, table);
    for (guint i = 0; i < vhd->blocks->len; i++) {
        put32(vhd->head->data + begin + g_array_index(vhd->blocks, guint32, i) * sizeof(guint32),
              sector);
        sector += STORED / SECTOR;
    }
}

static gboolean
is_zero(const guint8 *bytes, gssize length)
{
    for (gssize i = 0; i < length; i++) {
        if (bytes[i] != 0)
            return FALSE;
    }
    return TRUE;
}

/* Holes are not even read. */
static void
find_blocks(SimVhd *vhd, guint32 n_blocks)
{
    g_autofree guint8 *buffer = g_malloc(BLOCK);
    off_t at = vhd->fd >= 0 ? lseek(vhd->fd, 0, SEEK_DATA) : -1;

    while (at >= 0) {
        guint32 block = (guint32) (at / BLOCK);
        gssize got;

        if (block >= n_blocks)
            break;
        got = pread(vhd->fd, buffer, BLOCK, (off_t) block * BLOCK);
        if (got > 0 && !is_zero(buffer, got))
            g_array_append_val(vhd->blocks, block);
        at = lseek(vhd->fd, (off_t) (block + 1) * BLOCK, SEEK_DATA);
    }
}

SimVhd *
sim_vhd_new(int fd, gint64 size, const char *uuid)
{
    SimVhd *vhd = g_new0(SimVhd, 1);
    guint32 n_blocks = (guint32) ((size + BLOCK - 1) / BLOCK);

    vhd->fd = fd;
    vhd->size = size;
    vhd->blocks = g_array_new(FALSE, FALSE, sizeof(guint32));
    vhd->footer = make_footer(size, uuid);
    vhd->head = g_byte_array_new();
    find_blocks(vhd, n_blocks);
    g_byte_array_append(vhd->head, vhd->footer->data, vhd->footer->len);
    append_header(vhd->head, n_blocks);
    append_table(vhd, n_blocks);
    return vhd;
}

void
sim_vhd_free(SimVhd *vhd)
{
    g_byte_array_unref(vhd->head);
    g_byte_array_unref(vhd->footer);
    g_array_unref(vhd->blocks);
    g_free(vhd);
}

gint64
sim_vhd_length(const SimVhd *vhd)
{
    return (gint64) vhd->head->len + (gint64) vhd->blocks->len * STORED + FOOTER;
}

static gssize
copy_part(const GByteArray *part, gint64 offset, char *buffer, gsize length)
{
    gsize left = part->len - (gsize) offset;
    gsize fitting = MIN(left, length);

    memcpy(buffer, part->data + offset, fitting);
    return (gssize) fitting;
}

/* Of one stored block: the bitmap, all ones, and then what the disk has. */
static gssize
read_block(const SimVhd *vhd, guint32 block, gint64 offset, char *buffer, gsize length)
{
    gsize fitting;
    gssize got;

    if (offset < SECTOR) {
        fitting = MIN((gsize) (SECTOR - offset), length);
        memset(buffer, 0xff, fitting);
        return (gssize) fitting;
    }
    fitting = MIN((gsize) (STORED - offset), length);
    got = pread(vhd->fd, buffer, fitting, (off_t) block * BLOCK + offset - SECTOR);
    if (got < 0)
        return -1;
    memset(buffer + got, 0, fitting - (gsize) got);
    return (gssize) fitting;
}

gssize
sim_vhd_read(const SimVhd *vhd, gint64 offset, char *buffer, gsize length)
{
    gint64 in_blocks = offset - (gint64) vhd->head->len;
    guint index;

    if (in_blocks < 0)
        return copy_part(vhd->head, offset, buffer, length);
    index = (guint) (in_blocks / STORED);
    if (index < vhd->blocks->len)
        return read_block(vhd, g_array_index(vhd->blocks, guint32, index), in_blocks % STORED,
                          buffer, length);
    return copy_part(vhd->footer, in_blocks - (gint64) vhd->blocks->len * STORED, buffer, length);
}
