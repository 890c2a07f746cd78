#include "model/device.h"

#include <string.h>

/* "a" is 0, "z" 25, "aa" 26: as the kernel names disks. */
static gboolean
parse_letters(const char *letters, guint *position)
{
    guint value = 0;

    if (letters[0] == '\0' || strlen(letters) > 2)
        return FALSE;
    for (const char *p = letters; *p != '\0'; p++) {
        if (*p < 'a' || *p > 'z')
            return FALSE;
        value = value * 26 + (guint) (*p - 'a') + 1;
    }
    *position = value - 1;
    return *position <= XD_MAX_POSITION;
}

gboolean
xd_device_parse(const char *text, guint *position)
{
    static const char *const prefixes[] = {"xvd", "sd", "hd", "vd"};
    guint64 number = 0;

    if (g_str_has_prefix(text, "/dev/"))
        text += strlen("/dev/");
    if (g_ascii_string_to_unsigned(text, 10, 0, XD_MAX_POSITION, &number, NULL)) {
        *position = (guint) number;
        return TRUE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (g_str_has_prefix(text, prefixes[i]))
            return parse_letters(text + strlen(prefixes[i]), position);
    }
    return FALSE;
}

void
xd_positions_add(XdPositions *used, guint position)
{
    if (position <= XD_MAX_POSITION)
        used->bits[position / 8] |= (guint8) (1u << (position % 8));
}

gboolean
xd_positions_has(const XdPositions *used, guint position)
{
    return position <= XD_MAX_POSITION && (used->bits[position / 8] & (1u << (position % 8))) != 0;
}

gboolean
xd_positions_first_free(const XdPositions *used, guint from, guint *position)
{
    for (guint i = from; i <= XD_MAX_POSITION; i++) {
        if (!xd_positions_has(used, i)) {
            *position = i;
            return TRUE;
        }
    }
    return FALSE;
}
