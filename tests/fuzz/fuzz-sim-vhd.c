/* The simulator's reader of VHDs: in pieces it writes what it writes of the whole, never beyond the end of
 * the disk, and a stream that was cut is not complete. The first byte says how long the pieces are, and
 * whether the check sums are put right first: without that nothing but the seeds would get past them. */
#include "fuzz.h"

#include "data/vhd-reader.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK   (64 * 1024)
#define SECTOR 512
#define HEADER 1024

static void
put_checksum(guint8 *bytes, gsize length, gsize at)
{
    guint32 sum = 0;

    memset(bytes + at, 0, 4);
    for (gsize i = 0; i < length; i++)
        sum += bytes[i];
    sum = GUINT32_TO_BE(~sum);
    memcpy(bytes + at, &sum, 4);
}

static void
put_right(guint8 *bytes, gsize size)
{
    guint64 header_at;

    if (size < SECTOR)
        return;
    put_checksum(bytes, SECTOR, 64);
    if (size % SECTOR == 0)
        put_checksum(bytes + size - SECTOR, SECTOR, 64);
    memcpy(&header_at, bytes + 16, 8);
    header_at = GUINT64_FROM_BE(header_at);
    if (header_at <= size && size - header_at >= HEADER)
        put_checksum(bytes + header_at, HEADER, 36);
}

/* (transfer full) (nullable): the disk, where the stream was complete */
static char *
read_disk(const guint8 *bytes, gsize size, gsize announced, gsize step)
{
    int fd = memfd_create("disk", MFD_CLOEXEC);
    g_autoptr(SimVhdReader) reader = sim_vhd_reader_new(fd, DISK, (gint64) announced);
    g_autofree char *disk = g_malloc0(DISK);
    gboolean fine = TRUE;
    struct stat found;

    FUZZ_CHECK(fd >= 0);
    for (gsize at = 0; fine && at < size; at += step)
        fine = sim_vhd_reader_feed(reader, (const char *) bytes + at, MIN(step, size - at));
    FUZZ_CHECK(fstat(fd, &found) == 0 && found.st_size <= DISK);
    FUZZ_CHECK(pread(fd, disk, DISK, 0) == found.st_size);
    close(fd);
    return fine && sim_vhd_reader_is_complete(reader) ? g_steal_pointer(&disk) : NULL;
}

static gboolean
is_same_disk(const char *one, const char *other)
{
    return (one == NULL) == (other == NULL) && (one == NULL || memcmp(one, other, DISK) == 0);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autofree guint8 *bytes = NULL;
    g_autofree char *whole = NULL;
    g_autofree char *pieces = NULL;
    g_autofree char *cut = NULL;
    gsize step;

    if (size < 2)
        return 0;
    step = (gsize) (data[0] >> 1) * 7 + 1;
    bytes = g_memdup2(data + 1, size - 1);
    if ((data[0] & 1) != 0)
        put_right(bytes, size - 1);
    whole = read_disk(bytes, size - 1, size - 1, size - 1);
    pieces = read_disk(bytes, size - 1, size - 1, step);
    cut = read_disk(bytes, size - 2, size - 1, step);
    FUZZ_CHECK(is_same_disk(whole, pieces));
    FUZZ_CHECK(cut == NULL);
    return 0;
}
