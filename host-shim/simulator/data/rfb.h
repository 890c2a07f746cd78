/* The server's side of RFB, as far as a viewer needs it to show a screen: no security, one grey
 * picture that never changes. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SimRfb SimRfb;

/* @send: takes what the viewer is to get; it is not kept */
SimRfb *sim_rfb_new(const char *name, void (*send)(const char *bytes, gsize length, gpointer data),
                    gpointer data);
void sim_rfb_free(SimRfb *rfb);
/* The viewer has sent something. %FALSE: that was no RFB. */
gboolean sim_rfb_take(SimRfb *rfb, const char *bytes, gsize length);
/* All that was sent has left: only then is the next picture sent. */
void sim_rfb_sent(SimRfb *rfb);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimRfb, sim_rfb_free)

G_END_DECLS
