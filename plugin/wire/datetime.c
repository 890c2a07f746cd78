#include "wire/datetime.h"

typedef struct {
    const char *p;
    const char *end;
} Cursor;

static gboolean
pass(Cursor *cursor, char c)
{
    if (cursor->p == cursor->end || *cursor->p != c)
        return FALSE;
    cursor->p++;
    return TRUE;
}

/* Exactly @n digits. */
static gboolean
read_number(Cursor *cursor, guint n, int *value)
{
    *value = 0;
    for (guint i = 0; i < n; i++) {
        if (cursor->p == cursor->end || !g_ascii_isdigit(*cursor->p))
            return FALSE;
        *value = *value * 10 + (*cursor->p++ - '0');
    }
    return TRUE;
}

/* Of the proleptic Gregorian calendar, from 1970 on. */
static gint64
days_before(int year, int month, int day)
{
    static const int before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    gint64 past = year - 1;
    gint64 days = past * 365 + past / 4 - past / 100 + past / 400;

    days += before_month[month - 1] + day - 1;
    if (month > 2 && g_date_is_leap_year((GDateYear) year))
        days++;
    return days - 719162; /* those before 1970 */
}

static gboolean
read_date(Cursor *cursor, gint64 *days)
{
    gboolean has_dashes;
    int year;
    int month;
    int day;

    if (!read_number(cursor, 4, &year))
        return FALSE;
    has_dashes = pass(cursor, '-');
    if (!read_number(cursor, 2, &month) || (has_dashes && !pass(cursor, '-')) ||
        !read_number(cursor, 2, &day))
        return FALSE;
    if (year < 1 || month < 1 || month > 12 || day < 1 ||
        day > g_date_get_days_in_month((GDateMonth) month, (GDateYear) year))
        return FALSE;
    *days = days_before(year, month, day);
    return TRUE;
}

static gboolean
read_clock(Cursor *cursor, gint64 *seconds)
{
    gboolean has_colons;
    int hour;
    int minute;
    int second;

    if (!read_number(cursor, 2, &hour))
        return FALSE;
    has_colons = pass(cursor, ':');
    if (!read_number(cursor, 2, &minute) || (has_colons && !pass(cursor, ':')) ||
        !read_number(cursor, 2, &second))
        return FALSE;
    *seconds = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second <= 60;
}

static gboolean
read_zone(Cursor *cursor, gint64 *seconds)
{
    int sign = 1;
    int hour;
    int minute;

    *seconds = 0;
    if (cursor->p == cursor->end || pass(cursor, 'Z'))
        return TRUE;
    if (pass(cursor, '-'))
        sign = -1;
    else if (!pass(cursor, '+'))
        return FALSE;
    if (!read_number(cursor, 2, &hour) || !pass(cursor, ':') || !read_number(cursor, 2, &minute))
        return FALSE;
    *seconds = sign * (hour * 3600 + minute * 60);
    return hour < 24 && minute < 60;
}

gboolean
xd_datetime_parse(const char *text, gsize length, gint64 *seconds)
{
    Cursor cursor = {.p = text, .end = text + length};
    gint64 days;
    gint64 clock;
    gint64 zone;

    if (!read_date(&cursor, &days) || !pass(&cursor, 'T') || !read_clock(&cursor, &clock))
        return FALSE;
    if (pass(&cursor, '.')) {
        while (cursor.p < cursor.end && g_ascii_isdigit(*cursor.p))
            cursor.p++;
    }
    if (!read_zone(&cursor, &zone) || cursor.p != cursor.end)
        return FALSE;
    *seconds = days * 86400 + clock - zone;
    return TRUE;
}
