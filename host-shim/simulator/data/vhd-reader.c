#include "data/vhd-reader.h"

#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Microsoft, Virtual Hard Disk Image Format Specification. */
#define SECTOR     512
#define FOOTER     SECTOR
#define HEADER     1024
#define UNUSED     0xffffffffu
#define MAX_BLOCKS (1024 * 1024) /* 2 TiB: no VHD is larger */
#define MAX_BLOCK  (64 * 1024 * 1024)
#define MAX_HEAD   (1024 * 1024) /* where header and table begin */

typedef struct {
    gint64 begin; /* in the stream: first its bitmap, then what it has */
    gint64 index; /* in the disk */
} Block;

struct _SimVhdReader {
    int fd;
    gint64 size;
    gint64 length;
    gint64 at;
    GByteArray *head;  /* footer, header, table, and what lies between */
    gint64 table_at;   /* 0: unknown */
    gint64 block_size; /* 0: unknown */
    guint32 n_blocks;
    gint64 bitmap_size;
    GByteArray *bitmap; /* of the block where we are */
    GArray *blocks;     /* NULL: the table is not there yet */
    guint next;         /* the block where we are, or that comes */
    guint8 footer[FOOTER];
};

SimVhdReader *
sim_vhd_reader_new(int fd, gint64 size, gint64 length)
{
    SimVhdReader *reader = g_new0(SimVhdReader, 1);

    reader->fd = fd;
    reader->size = size;
    reader->length = length;
    reader->head = g_byte_array_new();
    reader->bitmap = g_byte_array_new();
    return reader;
}

void
sim_vhd_reader_free(SimVhdReader *reader)
{
    g_byte_array_unref(reader->head);
    g_byte_array_unref(reader->bitmap);
    g_clear_pointer(&reader->blocks, g_array_unref);
    g_free(reader);
}

/* ---- head ---- */

static guint32
get32(const guint8 *at)
{
    guint32 number;

    memcpy(&number, at, sizeof(number));
    return GUINT32_FROM_BE(number);
}

static gint64
get64(const guint8 *at)
{
    guint64 number = (guint64) get32(at) << 32 | get32(at + 4);

    return number > G_MAXINT64 ? -1 : (gint64) number;
}

static gboolean
has_checksum(const guint8 *bytes, gsize length, gsize at)
{
    guint32 sum = 0;

    for (gsize i = 0; i < length; i++) {
        if (i < at || i >= at + 4)
            sum += bytes[i];
    }
    return get32(bytes + at) == ~sum;
}

static gboolean
is_footer(const guint8 *bytes)
{
    return memcmp(bytes, "conectix", 8) == 0 && has_checksum(bytes, FOOTER, 64);
}

/* The stream is read in one go: the table comes after the header. */
static gboolean
read_header(SimVhdReader *reader, gint64 header_at)
{
    const guint8 *header = reader->head->data + header_at;

    reader->table_at = get64(header + 16);
    reader->n_blocks = get32(header + 28);
    reader->block_size = get32(header + 32);
    reader->bitmap_size = (reader->block_size / SECTOR / 8 + SECTOR - 1) / SECTOR * SECTOR;
    return memcmp(header, "cxsparse", 8) == 0 && has_checksum(header, HEADER, 36) &&
           reader->table_at >= header_at + HEADER && reader->table_at < MAX_HEAD &&
           reader->n_blocks <= MAX_BLOCKS && reader->block_size >= 8 * SECTOR &&
           reader->block_size <= MAX_BLOCK && (reader->block_size & (reader->block_size - 1)) == 0;
}

static gint
compare_blocks(gconstpointer first, gconstpointer second)
{
    const Block *one = first;
    const Block *other = second;

    return one->begin < other->begin ? -1 : one->begin > other->begin;
}

static gboolean
read_table(SimVhdReader *reader)
{
    gint64 free_at = (gint64) reader->head->len;

    reader->blocks = g_array_new(FALSE, FALSE, sizeof(Block));
    for (guint32 i = 0; i < reader->n_blocks; i++) {
        guint32 sector = get32(reader->head->data + reader->table_at + (gint64) i * 4);
        Block block = {(gint64) sector * SECTOR, i};

        if (sector != UNUSED)
            g_array_append_val(reader->blocks, block);
    }
    g_array_sort(reader->blocks, compare_blocks);
    for (guint i = 0; i < reader->blocks->len; i++) {
        const Block *block = &g_array_index(reader->blocks, Block, i);

        if (block->begin < free_at)
            return FALSE;
        free_at = block->begin + reader->bitmap_size + reader->block_size;
    }
    return free_at + FOOTER <= reader->length;
}

/* How long the head has to be before there is something new to understand. */
static gint64
wanted_head(const SimVhdReader *reader)
{
    if (reader->head->len < FOOTER)
        return FOOTER;
    if (reader->block_size == 0)
        return get64(reader->head->data + 16) + HEADER;
    return reader->table_at + (gint64) reader->n_blocks * 4;
}

static gboolean
understand_head(SimVhdReader *reader)
{
    gint64 header_at;

    if (reader->head->len == FOOTER) {
        header_at = get64(reader->head->data + 16);
        return is_footer(reader->head->data) && header_at >= FOOTER && header_at < MAX_HEAD;
    }
    if (reader->block_size == 0)
        return read_header(reader, get64(reader->head->data + 16));
    return read_table(reader);
}

static gboolean
feed_head(SimVhdReader *reader, const guint8 *bytes, gsize length, gsize *taken)
{
    gsize missing = (gsize) (wanted_head(reader) - (gint64) reader->head->len);

    *taken = MIN(missing, length);
    g_byte_array_append(reader->head, bytes, (guint) *taken);
    return *taken < missing || understand_head(reader);
}

/* ---- blocks ---- */

static gboolean
has_sector(const SimVhdReader *reader, gint64 sector)
{
    return (reader->bitmap->data[sector / 8] & (0x80 >> (sector % 8))) != 0;
}

/* Of one sector, or a part of it. Beyond the end of the disk is an error here. */
static gboolean
write_part(const SimVhdReader *reader, const Block *block, gint64 offset, const guint8 *bytes,
           gsize length)
{
    gint64 to = block->index * reader->block_size + offset;

    if (!has_sector(reader, offset / SECTOR))
        return TRUE;
    return to + (gint64) length <= reader->size &&
           pwrite(reader->fd, bytes, length, to) == (gssize) length;
}

static gboolean
feed_block(SimVhdReader *reader, const guint8 *bytes, gsize length, gsize *taken)
{
    const Block *block = &g_array_index(reader->blocks, Block, reader->next);
    gint64 offset = reader->at - block->begin;
    gint64 left = reader->bitmap_size - offset;

    if (offset < 0) {
        *taken = MIN((gsize) -offset, length);
        return TRUE;
    }
    if (left > 0) {
        *taken = MIN((gsize) left, length);
        g_byte_array_append(reader->bitmap, bytes, (guint) *taken);
        return TRUE;
    }
    offset -= reader->bitmap_size;
    *taken = MIN((gsize) (SECTOR - offset % SECTOR), length);
    if (!write_part(reader, block, offset, bytes, *taken))
        return FALSE;
    if (offset + (gint64) *taken == reader->block_size) {
        reader->next++;
        g_byte_array_set_size(reader->bitmap, 0);
    }
    return TRUE;
}

/* The last sector of the stream. */
static void
feed_end(SimVhdReader *reader, const guint8 *bytes, gsize length, gsize *taken)
{
    gint64 offset = reader->at - (reader->length - 1) / SECTOR * SECTOR;

    if (offset < 0) {
        *taken = MIN((gsize) -offset, length);
        return;
    }
    *taken = MIN((gsize) (FOOTER - offset), length);
    memcpy(reader->footer + offset, bytes, *taken);
}

gboolean
sim_vhd_reader_feed(SimVhdReader *reader, const char *bytes, gsize length)
{
    const guint8 *left = (const guint8 *) bytes;
    gboolean fine = TRUE;

    while (fine && length > 0) {
        gsize taken = length;

        if (reader->blocks == NULL)
            fine = feed_head(reader, left, length, &taken);
        else if (reader->next < reader->blocks->len)
            fine = feed_block(reader, left, length, &taken);
        else
            feed_end(reader, left, length, &taken);
        reader->at += (gint64) taken;
        left += taken;
        length -= taken;
    }
    return fine;
}

gboolean
sim_vhd_reader_is_complete(const SimVhdReader *reader)
{
    return reader->blocks != NULL && reader->next == reader->blocks->len &&
           reader->at == reader->length && is_footer(reader->footer);
}
