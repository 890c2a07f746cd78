#include "api/device.h"

#include <string.h>

#define MAX_VBD 254 /* captures: VM_get_allowed_VBD_devices */
#define MAX_VIF 6   /* captures: VM_get_allowed_VIF_devices */

static gint
number_from_letters(const char *letters)
{
    gint number = 0;

    if (letters[0] == '\0' || strlen(letters) > 2)
        return -1;
    for (; *letters != '\0'; letters++) {
        if (!g_ascii_islower(*letters))
            return -1;
        number = number * 26 + (*letters - 'a') + 1;
    }
    return number - 1;
}

gint
sim_vbd_device_number(const char *userdevice)
{
    static const char *const prefixes[] = {"xvd", "hd", "sd"};
    guint64 number;

    if (g_ascii_string_to_unsigned(userdevice, 10, 0, MAX_VBD, &number, NULL))
        return (gint) number;
    for (guint i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (g_str_has_prefix(userdevice, prefixes[i])) {
            gint found = number_from_letters(userdevice + strlen(prefixes[i]));

            return found <= MAX_VBD ? found : -1;
        }
    }
    return -1;
}

char *
sim_vbd_device_name(const char *userdevice)
{
    gint number = sim_vbd_device_number(userdevice);

    if (number < 0)
        return g_strdup("");
    if (number < 26)
        return g_strdup_printf("xvd%c", 'a' + number);
    return g_strdup_printf("xvd%c%c", 'a' + number / 26 - 1, 'a' + number % 26);
}

/* Numbers below @limit that no device in @set has in @field. */
static SimValue *
list_free(const SimObject *vm, const char *set, const char *field, gint limit)
{
    g_autoptr(GPtrArray) devices = sim_object_follow_all(vm, set);
    g_autofree gboolean *used = g_new0(gboolean, limit + 1);
    SimValue *list = sim_array();

    for (guint i = 0; i < devices->len; i++) {
        gint number = sim_vbd_device_number(sim_object_text(g_ptr_array_index(devices, i), field));

        if (number >= 0 && number <= limit)
            used[number] = TRUE;
    }
    for (gint number = 0; number <= limit; number++) {
        if (!used[number])
            sim_array_add(list, sim_string_take(g_strdup_printf("%d", number)));
    }
    return list;
}

SimValue *
sim_vm_free_vbd_devices(const SimObject *vm)
{
    return list_free(vm, "VBDs", "userdevice", MAX_VBD);
}

SimValue *
sim_vm_free_vif_devices(const SimObject *vm)
{
    return list_free(vm, "VIFs", "device", MAX_VIF);
}

gboolean
sim_mac_is_valid(const char *mac)
{
    if (strlen(mac) != strlen("00:00:00:00:00:00"))
        return FALSE;
    for (guint i = 0; mac[i] != '\0'; i++) {
        if (i % 3 == 2 ? mac[i] != ':' : !g_ascii_isxdigit(mac[i]))
            return FALSE;
    }
    return TRUE;
}
