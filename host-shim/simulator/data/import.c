/* PUT /import_raw_vdi: the answer is 200 before a byte of the body has been read; how it went is in
 * the task, or in a second answer inside of the first (observed.md, "Transfers"). */
#include "core/task.h"
#include "data/transfer.h"
#include "data/vhd-reader.h"
#include "http/pages.h"

#include <string.h>
#include <unistd.h>

static void
refuse_encoding(SimTransfer *transfer)
{
    const char *page = "HTTP/1.0 404 Not Found\r\nConnection: close\r\n"
                       "Cache-Control: no-cache, no-store\r\n\r\n";
    g_autoptr(SimValue) error = sim_strings("INTERNAL_ERROR", "Cannot handle encoding", NULL);

    sim_task_fail(transfer->sim, transfer->task, error);
    sim_connection_write(transfer->connection, page, strlen(page));
    sim_connection_finish(transfer->connection, FALSE);
    sim_transfer_free(transfer);
}

/* What goes beyond the end of the disk is taken and forgotten: no error either (observed.md). */
static gboolean
write_raw(SimTransfer *transfer, const char *bytes, gsize length)
{
    gint64 room = sim_object_int(transfer->vdi, "virtual_size") - transfer->done;
    gsize fitting = room > 0 ? MIN((gsize) room, length) : 0;

    return fitting == 0 || pwrite(transfer->fd, bytes, fitting, transfer->done) == (gssize) fitting;
}

static gboolean
write_bytes(SimTransfer *transfer, const char *bytes, gsize length)
{
    if (transfer->codec != NULL)
        return sim_vhd_reader_feed(transfer->codec, bytes, length);
    return write_raw(transfer, bytes, length);
}

static void read_on(SimTransfer *transfer);

static void
on_body(SimConnection *connection, const char *bytes, gsize length, gpointer data)
{
    SimTransfer *transfer = data;

    (void) connection;
    if (!sim_object_is_alive(transfer->vdi) || transfer->fd < 0 ||
        !write_bytes(transfer, bytes, length)) {
        sim_transfer_fail_cut(transfer);
        return;
    }
    transfer->done += (gint64) length;
}

static void
complete(SimTransfer *transfer)
{
    g_autofree char *result =
        g_strdup_printf("<value>%s</value>", sim_object_get_ref(transfer->vdi));

    if (transfer->codec != NULL && !sim_vhd_reader_is_complete(transfer->codec)) {
        sim_transfer_fail_cut(transfer);
        return;
    }
    if (sim_object_is_alive(transfer->task))
        sim_object_set(transfer->task, "progress", sim_float(1.0));
    sim_transfer_succeed(transfer, result);
}

/* All that may pass has passed, or the client has cut it short. */
static void
on_body_end(SimConnection *connection, gpointer data)
{
    SimTransfer *transfer = data;

    (void) connection;
    if (transfer->done < transfer->segment_end)
        sim_transfer_fail_cut(transfer);
    else if (!sim_transfer_strike(transfer, transfer->done, read_on))
        read_on(transfer);
}

/* Up to the point where a fault strikes, or to the end. */
static void
read_on(SimTransfer *transfer)
{
    gint64 left = sim_connection_head(transfer->connection)->content_length - transfer->done;
    gsize passing = sim_transfer_until_fault(transfer, (gsize) left);

    transfer->segment_end = transfer->done + (gint64) passing;
    if (left == 0 && !sim_transfer_strike(transfer, transfer->done, complete))
        complete(transfer);
    else if (left > 0)
        sim_connection_stream_body(transfer->connection, (gint64) passing, on_body, on_body_end,
                                   transfer);
}

static void
begin(SimTransfer *transfer)
{
    if (transfer->format == SIM_FORMAT_VHD) {
        transfer->codec =
            sim_vhd_reader_new(transfer->fd, sim_object_int(transfer->vdi, "virtual_size"),
                               sim_connection_head(transfer->connection)->content_length);
        transfer->free_codec = (GDestroyNotify) sim_vhd_reader_free;
    }
    read_on(transfer);
}

void
sim_import_put(SimConnection *connection)
{
    SimTransfer *transfer = sim_transfer_begin(connection, "/import_raw_vdi", "put_import_raw_vdi",
                                               "Importing raw VDI");

    if (transfer == NULL)
        return;
    if (sim_connection_head(connection)->content_length < 0) {
        refuse_encoding(transfer);
        return;
    }
    sim_transfer_accept(transfer, "content-type: application/octet-stream\r\n");
    sim_transfer_attach(transfer, TRUE, begin);
}
