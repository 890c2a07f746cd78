/* What an answer means for an image that is being fetched. Pure. */
#pragma once

#include "fetch-head.h"

G_BEGIN_DECLS

typedef enum {
    FETCH_TAKE,   /* its bytes are the image's */
    FETCH_FOLLOW, /* look at its Location */
    FETCH_AGAIN,  /* later it may be better; @error says what it is now */
    FETCH_FAIL,   /* @error */
} FetchVerdict;

typedef struct {
    const char *shown;      /* the image's URL, for messages */
    const FetchHead *first; /* (nullable): of the answer that was taken first */
    gint64 offset;          /* of the first byte that was asked for */
    gboolean is_delivered;  /* some of its bytes have been given away */
} FetchAsked;

FetchVerdict fetch_judge(const FetchAsked *asked, const FetchHead *head, GError **error);

/* It cannot go on where it stopped. */
void fetch_judge_set_lost(const char *shown, GError **error);

G_END_DECLS
