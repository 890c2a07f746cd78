/* Who left remains: is anybody behind them still? What cleanup and reconcile share. */
#pragma once

#include "ops/operation.h"
#include "ops/remains.h"

G_BEGIN_DECLS

/**
 * XdInquiry: the head of the state of operations on remains.
 * @remains: (element-type XdRemain): those that are asked about
 * @suspects: the sessions that they are from
 */
typedef struct {
    XdOperation base;
    GPtrArray *remains;
    GPtrArray *suspects;
    gint64 server_time;
} XdInquiry;

void xd_inquiry_init(XdInquiry *inquiry);
void xd_inquiry_clear(XdInquiry *inquiry);

/* Left by a process that is gone, and long enough ago that it is not just coming back. To be asked after
 * the steps. */
gboolean xd_inquiry_is_abandoned(const XdInquiry *inquiry, const XdRemain *remain);

void xd_step_ask_time(XdOp *op, gpointer inquiry);
void xd_step_ask_sessions(XdOp *op, gpointer inquiry);
void xd_step_await_tasks(XdOp *op, gpointer inquiry);
#define XD_STEPS_INQUIRE                                                                           \
    {"ask-time", xd_step_ask_time, NULL, 1, 60},                                                   \
        {"ask-sessions", xd_step_ask_sessions, NULL, 5, 600},                                      \
    {                                                                                              \
        "await-tasks", xd_step_await_tasks, NULL, 1, 60                                            \
    }

/* A step: the sessions of the dead end. */
void xd_step_log_out(XdOp *op, gpointer inquiry);

G_END_DECLS
