#include "fetch-judge.h"

#include "failure.h"

#include <glib/gi18n.h>
#include <string.h>

#define DOWNLOAD _("download the image first, and name the file")

/* ---- what is no image ---- */

static FetchVerdict
fail(int code, const char *advice, const char *shown, const char *why, GError **error)
{
    failure_set(error, code, advice, "%s: %s", shown, why);
    return FETCH_FAIL;
}

static FetchVerdict
fail_status(const FetchAsked *asked, const FetchHead *head, GError **error)
{
    static const struct {
        guint status;
        int code;
        const char *advice;
    } meanings[] = {
        {401, HVD_ERROR_DENIED, N_("download the image first, and name the file")},
        {403, HVD_ERROR_DENIED, N_("ask for access, or download the image and name the file")},
        {404, HVD_ERROR_NOT_FOUND, N_("check the address: nothing is there")},
        {410, HVD_ERROR_NOT_FOUND, N_("check the address: nothing is there any more")},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(meanings); i++) {
        if (meanings[i].status != head->status)
            continue;
        failure_set(error, meanings[i].code, _(meanings[i].advice), _("%s: the server answers %u"),
                    asked->shown, head->status);
        return FETCH_FAIL;
    }
    failure_set(error, HVD_ERROR_FAILED, _("check the address with a browser or with curl"),
                _("%s: the server answers %u"), asked->shown, head->status);
    return FETCH_FAIL;
}

static FetchVerdict
put_off(const FetchAsked *asked, const FetchHead *head, GError **error)
{
    failure_set(error, HVD_ERROR_BUSY,
                _("try again later, or download the image and name the file"),
                _("%s: the server answers %u"), asked->shown, head->status);
    return FETCH_AGAIN;
}

static FetchVerdict
fail_changed(const FetchAsked *asked, GError **error)
{
    return fail(HVD_ERROR_INTEGRITY, _("try again once nobody replaces it any more"), asked->shown,
                _("the image was replaced while it was read"), error);
}

void
fetch_judge_set_lost(const char *shown, GError **error)
{
    fail(HVD_ERROR_INTEGRITY, DOWNLOAD, shown,
         _("the connection broke, and the server cannot go on where it stopped"), error);
}

/* ---- what is one ---- */

static FetchVerdict
take_kind(const FetchAsked *asked, const FetchHead *head, GError **error)
{
    if (head->is_packed)
        return fail(HVD_ERROR_UNSUPPORTED, DOWNLOAD, asked->shown,
                    _("the server sends it packed (Content-Encoding)"), error);
    if (head->is_page)
        return fail(HVD_ERROR_INVALID, _("name the address of the image itself"), asked->shown,
                    _("it is a web page, and no image"), error);
    if (head->length != 0)
        return FETCH_TAKE;
    return fail(HVD_ERROR_INVALID, _("check the address"), asked->shown,
                _("it is empty: an image is expected"), error);
}

/* All of it: the first answer, or one that begins anew. */
static FetchVerdict
judge_whole(const FetchAsked *asked, const FetchHead *head, GError **error)
{
    const FetchHead *first = asked->first;

    if (first == NULL)
        return take_kind(asked, head, error);
    if (head->length != first->length || !fetch_head_fits(head, first))
        return fail_changed(asked, error);
    if (!asked->is_delivered)
        return take_kind(asked, head, error);
    fetch_judge_set_lost(asked->shown, error);
    return FETCH_FAIL;
}

static FetchVerdict
judge_part(const FetchAsked *asked, const FetchHead *head, GError **error)
{
    if (asked->offset == 0 || asked->first == NULL || head->first != asked->offset)
        return fail(HVD_ERROR_PROTOCOL, DOWNLOAD, asked->shown,
                    _("the server sends another part than it was asked for"), error);
    if (head->size != asked->first->length || !fetch_head_fits(head, asked->first))
        return fail_changed(asked, error);
    return take_kind(asked, head, error);
}

FetchVerdict
fetch_judge(const FetchAsked *asked, const FetchHead *head, GError **error)
{
    switch (head->status) {
    case 200: return judge_whole(asked, head, error);
    case 206: return judge_part(asked, head, error);
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        if (head->location != NULL)
            return FETCH_FOLLOW;
        return fail_status(asked, head, error);
    case 408:
    case 429: return put_off(asked, head, error);
    case 416: /* it is shorter now */
        return asked->offset > 0 ? fail_changed(asked, error) : fail_status(asked, head, error);
    default:
        return head->status >= 500 ? put_off(asked, head, error) : fail_status(asked, head, error);
    }
}
