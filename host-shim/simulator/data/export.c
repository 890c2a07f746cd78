/* GET /export_raw_vdi: no length, the end of the data is the end of the connection. */
#include "core/task.h"
#include "data/disk.h"
#include "data/transfer.h"
#include "data/vhd.h"
#include "http/pages.h"

#include <string.h>
#include <unistd.h>

#define CHUNK (256 * 1024)

static void send_more(SimConnection *connection, gpointer data);

static void
go_on(SimTransfer *transfer)
{
    send_more(transfer->connection, transfer);
}

/* What was never written reads as zeros. */
static gssize
read_raw(const SimTransfer *transfer, char *buffer, gsize length)
{
    gssize got = transfer->fd >= 0 ? pread(transfer->fd, buffer, length, transfer->done) : 0;

    if (got < 0)
        return -1;
    memset(buffer + got, 0, length - (gsize) got);
    return (gssize) length;
}

static gssize
read_bytes(const SimTransfer *transfer, char *buffer, gsize length)
{
    if (transfer->codec != NULL)
        return sim_vhd_read(transfer->codec, transfer->done, buffer, length);
    return read_raw(transfer, buffer, length);
}

static gint64
size_of(const SimTransfer *transfer)
{
    if (!sim_object_is_alive(transfer->vdi))
        return transfer->done;
    if (transfer->codec != NULL)
        return sim_vhd_length(transfer->codec);
    return sim_object_int(transfer->vdi, "virtual_size");
}

static void
send_more(SimConnection *connection, gpointer data)
{
    SimTransfer *transfer = data;
    gsize length = (gsize) MIN(CHUNK, size_of(transfer) - transfer->done);
    g_autofree char *buffer = g_malloc(CHUNK);
    gssize got;

    if (sim_transfer_strike(transfer, transfer->done, go_on))
        return;
    if (length == 0) {
        if (sim_object_is_alive(transfer->task))
            sim_object_set(transfer->task, "progress", sim_float(1.0));
        sim_transfer_succeed(transfer, NULL);
        return;
    }
    got = read_bytes(transfer, buffer, sim_transfer_until_fault(transfer, length));
    if (got < 0) {
        sim_transfer_fail_cut(transfer);
        return;
    }
    transfer->done += got;
    sim_connection_write(connection, buffer, (gsize) got);
    sim_connection_when_written(connection, send_more, transfer);
}

/* What differs from another disk is not made here; of one that has nothing to do with it the
 * toolstack says so inside of its 200 (verified-sequences 4). */
static gboolean
has_base(SimTransfer *transfer)
{
    const SimHead *head = sim_connection_head(transfer->connection);
    const char *base = sim_head_parameter(head, "base");
    g_autofree char *text = NULL;

    if (base == NULL)
        return FALSE;
    text = g_strdup_printf("no difference to %s can be exported", base);
    sim_transfer_fail(transfer, sim_strings("INTERNAL_ERROR", text, NULL));
    return TRUE;
}

static void
begin(SimTransfer *transfer)
{
    if (has_base(transfer))
        return;
    if (transfer->format == SIM_FORMAT_VHD) {
        transfer->codec = sim_vhd_new(transfer->fd, sim_object_int(transfer->vdi, "virtual_size"),
                                      sim_object_text(transfer->vdi, "uuid"));
        transfer->free_codec = (GDestroyNotify) sim_vhd_free;
    }
    go_on(transfer);
}

void
sim_export_get(SimConnection *connection)
{
    SimTransfer *transfer = sim_transfer_begin(connection, "/export_raw_vdi", "get_export_raw_vdi",
                                               "Exporting raw VDI");
    g_autofree char *rest = NULL;
    gboolean vhd;

    if (transfer == NULL)
        return;
    vhd = transfer->format == SIM_FORMAT_VHD;
    rest = g_strdup_printf(
        "content-type:%s\r\ncontent-disposition: attachment; filename=\"%s.%s\"\r\n",
        vhd ? "application/vhd" : "application/octet-stream",
        sim_object_text(transfer->vdi, "uuid"), vhd ? "vhd" : "raw");
    sim_transfer_accept(transfer, rest);
    sim_transfer_attach(transfer, FALSE, begin);
}
