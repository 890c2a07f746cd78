#include "xenapi/failure.h"

#include <string.h>

#define MAX_PARAMETER 200

#define RETRY            N_("try again later")
#define OTHER_NODE       N_("choose another node")
#define OTHER_STORAGE    N_("free space, or choose another storage")
#define CHECK_STORAGE    N_("look at the storage and its logs in the pool")
#define CHECK_TARGET     N_("check address, name and access list of the storage target")
#define NEEDS_TOOLS      N_("install the guest tools, or use the hard form")
#define OLD_HOST         N_("update the pool's toolstack: this release cannot do it")
#define NEW_HOST         N_("update the driver: this release of the toolstack has dropped it")
#define WAIT_RESTART     N_("wait a minute: the toolstack is starting")
#define USE_STORAGE      N_("use the storage that is there, or remove it first")
#define CANNOT_STORAGE   N_("choose another storage: this one cannot do it")
#define EDITION          N_("use a pool whose edition has the feature")
#define REMOVED          N_("list what there is: it was removed meanwhile")
#define LOST_COORDINATOR N_("bring the coordinator back, or appoint another: the node has lost it")
/* what only a wrong call brings about */
#define REPORT N_("report it as a fault of the driver, with its log")

/* Sorted by code; sources: the error catalogue (datamodel_errors.ml), sm's XE_SR_ERRORCODES.xml,
 * and what was seen on the real toolstack. */
static const XdFailureMeaning failures[] = {
    {"BALLOONING_TIMEOUT_BEFORE_MIGRATION", HVD_ERROR_BUSY, NULL,
     N_("raise the instance's minimum memory, or try again")},
    {"BOOTLOADER_FAILED", HVD_ERROR_FAILED, NULL, N_("choose an image with a usable boot loader")},
    {"CANNOT_CONTACT_HOST", HVD_ERROR_UNKNOWN_OUTCOME, NULL,
     N_("look at the instance: the node may have gone on")},
    {"CANNOT_PLUG_VIF", HVD_ERROR_FAILED, NULL, N_("choose another network, or another node")},
    {"DEFAULT_SR_NOT_FOUND", HVD_ERROR_NOT_FOUND, NULL,
     N_("set a default storage in the pool, or name one")},
    {"DEVICE_ALREADY_ATTACHED", HVD_ERROR_EXISTS, NULL,
     N_("look at the instance: it is attached already")},
    {"DEVICE_ALREADY_DETACHED", HVD_ERROR_STATE, NULL,
     N_("look at the instance: it is detached already")},
    {"DEVICE_ALREADY_EXISTS", HVD_ERROR_EXISTS, "device %1", N_("choose another device")},
    {"DEVICE_ATTACH_TIMEOUT", HVD_ERROR_TIMED_OUT, "%1", RETRY},
    {"DEVICE_DETACH_REJECTED", HVD_ERROR_BUSY, "%1", N_("unmount it in the guest, then try again")},
    {"DEVICE_DETACH_TIMEOUT", HVD_ERROR_BUSY, "%1", N_("unmount it in the guest, then try again")},
    {"DEVICE_NOT_ATTACHED", HVD_ERROR_STATE, NULL, N_("look at the instance: it is not attached")},
    {"DISK_VBD_MUST_BE_READWRITE_FOR_HVM", HVD_ERROR_INVALID, NULL,
     N_("attach it read-write, or as a CD")},
    {"DOMAIN_BUILDER_ERROR", HVD_ERROR_FAILED, "%1", RETRY},
    {"DOMAIN_EXISTS", HVD_ERROR_STATE, NULL, N_("stop it hard first: it still runs on its node")},
    {"EVENTS_LOST", HVD_ERROR_BUSY, NULL, RETRY},
    {"EVENT_FROM_TOKEN_PARSE_FAILURE", HVD_ERROR_PROTOCOL, NULL, REPORT},
    {"FEATURE_RESTRICTED", HVD_ERROR_UNSUPPORTED, NULL, EDITION},
    {"FIELD_TYPE_ERROR", HVD_ERROR_PROTOCOL, "%1", REPORT},
    {"HANDLE_INVALID", HVD_ERROR_NOT_FOUND, "%1", REMOVED},
    {"HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED", HVD_ERROR_STATE, NULL,
     N_("clear the instance's restart priority, or use a shared network")},
    {"HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", HVD_ERROR_STATE, NULL,
     N_("clear the instance's restart priority, or use shared storage")},
    {"HA_IS_ENABLED", HVD_ERROR_STATE, NULL, N_("switch the pool's high availability off first")},
    {"HA_NO_PLAN", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN", HVD_ERROR_NO_RESOURCES, NULL,
     N_("free memory in the pool, or clear an instance's restart priority")},
    {"HOST_BROKEN", HVD_ERROR_NOT_REACHABLE, NULL,
     N_("repair the node: it has failed in the middle of a failover")},
    {"HOST_CANNOT_ATTACH_NETWORK", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"HOST_DISABLED", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"HOST_DISABLED_UNTIL_REBOOT", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"HOST_EVACUATE_IN_PROGRESS", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"HOST_HAS_NO_MANAGEMENT_IP", HVD_ERROR_NOT_REACHABLE, NULL,
     N_("give the node's management interface an address")},
    {"HOST_IN_EMERGENCY_MODE", HVD_ERROR_NOT_REACHABLE, NULL, LOST_COORDINATOR},
    {"HOST_IS_SLAVE", HVD_ERROR_REDIRECTED, NULL, N_("give the coordinator's address as pool.url")},
    {"HOST_ITS_OWN_SLAVE", HVD_ERROR_NOT_REACHABLE, NULL, LOST_COORDINATOR},
    {"HOST_MASTER_CANNOT_TALK_BACK", HVD_ERROR_NOT_REACHABLE, NULL,
     N_("check the network between coordinator and node")},
    {"HOST_NOT_ENOUGH_FREE_MEMORY", HVD_ERROR_NO_RESOURCES, "needs %1B, has %2B", OTHER_NODE},
    {"HOST_NOT_ENOUGH_PCPUS", HVD_ERROR_NO_RESOURCES, "wants %1, has %2", OTHER_NODE},
    {"HOST_NOT_LIVE", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"HOST_OFFLINE", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"HOST_STILL_BOOTING", HVD_ERROR_NOT_REACHABLE, NULL, WAIT_RESTART},
    {"HOST_UNKNOWN_TO_MASTER", HVD_ERROR_NOT_REACHABLE, NULL,
     N_("join the node to its pool again: the coordinator does not know it")},
    {"ILLEGAL_VBD_DEVICE", HVD_ERROR_INVALID, NULL, N_("choose another device")},
    {"IMPORT_ERROR", HVD_ERROR_FAILED, NULL, N_("check the image, then try again")},
    {"IMPORT_ERROR_PREMATURE_EOF", HVD_ERROR_INTEGRITY, NULL, RETRY},
    {"INTERFACE_HAS_NO_IP", HVD_ERROR_NO_RESOURCES, NULL,
     N_("give the interface an address, or choose another network")},
    {"INTERNAL_ERROR", HVD_ERROR_FAILED, NULL, N_("look at the toolstack's own log")},
    {"INVALID_DEVICE", HVD_ERROR_INVALID, NULL, N_("choose another device")},
    {"INVALID_VALUE", HVD_ERROR_INVALID, "%1", N_("correct the value")},
    {"LICENCE_RESTRICTION", HVD_ERROR_UNSUPPORTED, NULL, EDITION},
    {"MAC_INVALID", HVD_ERROR_INVALID, "%1", N_("write it as aa:bb:cc:dd:ee:ff")},
    {"MAP_DUPLICATE_KEY", HVD_ERROR_EXISTS, NULL, RETRY},
    {"MEMORY_CONSTRAINT_VIOLATION", HVD_ERROR_INVALID, NULL,
     N_("correct the instance's memory limits")},
    {"MEMORY_CONSTRAINT_VIOLATION_MAXPIN", HVD_ERROR_INVALID, NULL,
     N_("make all memory limits equal: the instance's memory cannot vary there")},
    {"MEMORY_CONSTRAINT_VIOLATION_ORDER", HVD_ERROR_INVALID, NULL,
     N_("correct the instance's memory limits: no minimum may be above a maximum")},
    {"MESSAGE_DEPRECATED", HVD_ERROR_UNSUPPORTED, NULL, NEW_HOST},
    {"MESSAGE_METHOD_UNKNOWN", HVD_ERROR_UNSUPPORTED, "%1", OLD_HOST},
    {"MESSAGE_PARAMETER_COUNT_MISMATCH", HVD_ERROR_UNSUPPORTED, "%1 takes %2, not %3", OLD_HOST},
    {"MESSAGE_REMOVED", HVD_ERROR_UNSUPPORTED, NULL, NEW_HOST},
    {"MIRROR_FAILED", HVD_ERROR_FAILED, NULL,
     N_("look at both storages, then try again: the instance stays where it is")},
    {"NETWORK_CONTAINS_PIF", HVD_ERROR_STATE, NULL,
     N_("take the nodes' interfaces off the network first")},
    {"NETWORK_CONTAINS_VIF", HVD_ERROR_STATE, NULL,
     N_("take the instances' interfaces off the network first")},
    {"NOT_IMPLEMENTED", HVD_ERROR_UNSUPPORTED, "%1", OLD_HOST},
    {"NOT_SUPPORTED_DURING_UPGRADE", HVD_ERROR_BUSY, NULL, N_("finish the pool's upgrade first")},
    {"NO_HOSTS_AVAILABLE", HVD_ERROR_NO_RESOURCES, NULL,
     N_("free memory, storage or network, or give it fewer vCPUs; name a node to learn why")},
    {"OBJECT_NOLONGER_EXISTS", HVD_ERROR_NOT_FOUND, NULL, REMOVED},
    {"OPERATION_BLOCKED", HVD_ERROR_DENIED, "%2",
     N_("ask who has blocked it in the pool, or unblock it there")},
    {"OPERATION_NOT_ALLOWED", HVD_ERROR_STATE, "%1", N_("look at the instance's state")},
    {"OTHER_OPERATION_IN_PROGRESS", HVD_ERROR_BUSY, "%1 %3", RETRY},
    {"PBD_EXISTS", HVD_ERROR_EXISTS, NULL,
     N_("use the connection that is there, or remove it first")},
    {"PERMISSION_DENIED", HVD_ERROR_DENIED, NULL,
     N_("use an account that may do it, or look at the toolstack's own log")},
    {"PIF_HAS_NO_NETWORK_CONFIGURATION", HVD_ERROR_NO_RESOURCES, NULL,
     N_("give the interface an address, or choose another network")},
    {"PIF_VLAN_EXISTS", HVD_ERROR_EXISTS, NULL, N_("use the network that has this VLAN already")},
    {"RBAC_PERMISSION_DENIED", HVD_ERROR_DENIED, "%1", N_("give the account a larger role")},
    {"SESSION_AUTHENTICATION_FAILED", HVD_ERROR_AUTH, NULL,
     N_("check pool.username and what pool.password refers to")},
    {"SESSION_AUTHORIZATION_FAILED", HVD_ERROR_AUTH, NULL,
     N_("give the account a role in this pool")},
    {"SESSION_INVALID", HVD_ERROR_BUSY, NULL, RETRY},
    {"SESSION_NOT_REGISTERED", HVD_ERROR_PROTOCOL, NULL, REPORT},
    {"SR_ATTACH_FAILED", HVD_ERROR_FAILED, NULL, CHECK_STORAGE},
    {"SR_BACKEND_FAILURE", HVD_ERROR_FAILED, NULL, CHECK_STORAGE},
    {"SR_BACKEND_FAILURE_1200", HVD_ERROR_FAILED, "%2", CHECK_STORAGE},
    {"SR_BACKEND_FAILURE_140", HVD_ERROR_FAILED, "%2", CHECK_TARGET},
    {"SR_BACKEND_FAILURE_141", HVD_ERROR_FAILED, "%2", CHECK_TARGET},
    {"SR_BACKEND_FAILURE_142", HVD_ERROR_INVALID, "%2", CHECK_TARGET},
    {"SR_BACKEND_FAILURE_180", HVD_ERROR_NO_RESOURCES, "%2", OTHER_STORAGE},
    {"SR_BACKEND_FAILURE_200", HVD_ERROR_FAILED, "%2", CHECK_STORAGE},
    {"SR_BACKEND_FAILURE_201", HVD_ERROR_BUSY, "%2", RETRY},
    {"SR_BACKEND_FAILURE_37", HVD_ERROR_BUSY, "%2", RETRY},
    {"SR_BACKEND_FAILURE_40", HVD_ERROR_BUSY, "%2", RETRY},
    {"SR_BACKEND_FAILURE_42", HVD_ERROR_EXISTS, "%2", USE_STORAGE},
    {"SR_BACKEND_FAILURE_43", HVD_ERROR_EXISTS, "%2",
     N_("use the disk that is there, or remove it first")},
    {"SR_BACKEND_FAILURE_44", HVD_ERROR_NO_RESOURCES, "%2", OTHER_STORAGE},
    {"SR_BACKEND_FAILURE_445", HVD_ERROR_BUSY, "%2", RETRY},
    {"SR_BACKEND_FAILURE_453", HVD_ERROR_BUSY, "%2", RETRY},
    {"SR_BACKEND_FAILURE_46", HVD_ERROR_BUSY, "%2",
     N_("detach the disk elsewhere, or look why it was not detached cleanly")},
    {"SR_BACKEND_FAILURE_47", HVD_ERROR_FAILED, "%2", CHECK_STORAGE},
    {"SR_BACKEND_FAILURE_67", HVD_ERROR_FAILED, "%2", CHECK_TARGET},
    {"SR_BACKEND_FAILURE_68", HVD_ERROR_DENIED, "%2",
     N_("check the CHAP name and secret, and the target's access list")},
    {"SR_BACKEND_FAILURE_70", HVD_ERROR_INVALID, "%2", CHECK_TARGET},
    {"SR_BACKEND_FAILURE_73", HVD_ERROR_FAILED, "%2", CHECK_TARGET},
    {"SR_BACKEND_FAILURE_79", HVD_ERROR_INVALID, "%2",
     N_("choose another size: a disk cannot get this one here")},
    {"SR_BACKEND_FAILURE_83", HVD_ERROR_NOT_FOUND, "%2", CHECK_TARGET},
    {"SR_BACKEND_FAILURE_84", HVD_ERROR_INVALID, "%2", CHECK_TARGET},
    {"SR_DEVICE_IN_USE", HVD_ERROR_BUSY, NULL, RETRY},
    {"SR_FULL", HVD_ERROR_NO_RESOURCES, "requested %1B, at most %2B", OTHER_STORAGE},
    {"SR_HAS_NO_PBDS", HVD_ERROR_STATE, NULL, N_("connect the storage to a node first")},
    {"SR_HAS_PBD", HVD_ERROR_BUSY, NULL, N_("disconnect the storage from all nodes first")},
    {"SR_INDESTRUCTIBLE", HVD_ERROR_DENIED, NULL,
     N_("clear the storage's flag \"indestructible\" in the pool first")},
    {"SR_NOT_ATTACHED", HVD_ERROR_STATE, NULL, N_("connect the storage to the node first")},
    {"SR_NOT_EMPTY", HVD_ERROR_STATE, NULL, N_("remove the storage's disks first")},
    {"SR_NOT_SHARABLE", HVD_ERROR_UNSUPPORTED, NULL,
     N_("disconnect the storage from the other node first, or use shared storage")},
    {"SR_OPERATION_NOT_SUPPORTED", HVD_ERROR_UNSUPPORTED, NULL, CANNOT_STORAGE},
    {"SR_SOURCE_SPACE_INSUFFICIENT", HVD_ERROR_NO_RESOURCES, NULL, OTHER_STORAGE},
    {"SR_SUSPEND_SPACE_INSUFFICIENT", HVD_ERROR_NO_RESOURCES, NULL, OTHER_STORAGE},
    {"SR_UNHEALTHY", HVD_ERROR_BUSY, NULL, CHECK_STORAGE},
    {"SR_UNKNOWN_DRIVER", HVD_ERROR_UNSUPPORTED, "%1",
     N_("choose another type of storage: the pool has no driver for this one")},
    {"SR_UUID_EXISTS", HVD_ERROR_EXISTS, "%1", USE_STORAGE},
    {"SR_VDI_LOCKING_FAILED", HVD_ERROR_BUSY, NULL, RETRY},
    {"SUSPEND_IMAGE_NOT_ACCESSIBLE", HVD_ERROR_STATE, NULL,
     N_("connect the storage of the suspend image to the node")},
    {"TASK_CANCELLED", HVD_ERROR_BUSY, NULL, N_("look at the instance: somebody cancelled it")},
    {"TOO_BUSY", HVD_ERROR_BUSY, NULL, RETRY},
    {"TOO_MANY_PENDING_TASKS", HVD_ERROR_BUSY, NULL, RETRY},
    {"TOO_MANY_STORAGE_MIGRATES", HVD_ERROR_BUSY, "%1 at once", RETRY},
    {"UNIMPLEMENTED_IN_SM_BACKEND", HVD_ERROR_UNSUPPORTED, NULL, CANNOT_STORAGE},
    {"UNKNOWN_BOOTLOADER", HVD_ERROR_INVALID, NULL, N_("choose a boot loader that the node has")},
    {"UUID_INVALID", HVD_ERROR_NOT_FOUND, "%1 %2",
     N_("list what there is: it may have been removed")},
    {"VALUE_NOT_SUPPORTED", HVD_ERROR_INVALID, "%1",
     N_("choose a value that this release of the toolstack supports")},
    {"VBD_CDS_MUST_BE_READONLY", HVD_ERROR_INVALID, NULL, N_("attach it read-only")},
    {"VBD_IS_EMPTY", HVD_ERROR_STATE, NULL, N_("insert a medium first")},
    {"VBD_NOT_EMPTY", HVD_ERROR_STATE, NULL, N_("eject the medium first")},
    {"VBD_NOT_REMOVABLE_MEDIA", HVD_ERROR_INVALID, NULL, N_("choose a CD drive")},
    {"VBD_NOT_UNPLUGGABLE", HVD_ERROR_DENIED, NULL,
     N_("stop the instance first: the device is marked as not unpluggable")},
    {"VBD_TRAY_LOCKED", HVD_ERROR_BUSY, NULL, N_("eject it in the guest")},
    {"VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE", HVD_ERROR_INVALID, "%1 vCPUs, %2 cores",
     N_("give it vCPUs in multiples of its cores per socket")},
    {"VDI_CBT_ENABLED", HVD_ERROR_STATE, NULL, N_("switch changed block tracking off first")},
    {"VDI_COPY_FAILED", HVD_ERROR_FAILED, NULL, RETRY},
    {"VDI_INCOMPATIBLE_TYPE", HVD_ERROR_INVALID, NULL, N_("choose a disk of another type")},
    {"VDI_IN_USE", HVD_ERROR_BUSY, "%2", N_("detach it elsewhere, or try again later")},
    {"VDI_IO_ERROR", HVD_ERROR_INTEGRITY, NULL,
     N_("check the image's size and the storage's free space: not all bytes arrived")},
    {"VDI_IS_A_PHYSICAL_DEVICE", HVD_ERROR_UNSUPPORTED, NULL,
     N_("choose a disk that is no physical device")},
    {"VDI_IS_ENCRYPTED", HVD_ERROR_UNSUPPORTED, NULL,
     N_("leave the disk where it is: it is encrypted")},
    {"VDI_IS_SHARABLE", HVD_ERROR_UNSUPPORTED, NULL,
     N_("choose a disk that is not shared: shared ones have no snapshots")},
    {"VDI_LOCATION_MISSING", HVD_ERROR_NOT_FOUND, NULL, CHECK_STORAGE},
    {"VDI_MISSING", HVD_ERROR_NOT_FOUND, NULL, CHECK_STORAGE},
    {"VDI_NOT_AVAILABLE", HVD_ERROR_FAILED, NULL, CHECK_STORAGE},
    {"VDI_NOT_IN_MAP", HVD_ERROR_INVALID, NULL, N_("name a destination for every disk")},
    {"VDI_NOT_MANAGED", HVD_ERROR_INVALID, NULL, N_("choose a disk that the pool manages")},
    {"VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION", HVD_ERROR_UNSUPPORTED, NULL,
     N_("set the disk's on-boot mode to persist first")},
    {"VDI_READONLY", HVD_ERROR_INVALID, NULL, N_("attach it read-only, or choose another disk")},
    {"VDI_TOO_LARGE", HVD_ERROR_UNSUPPORTED, "at most %2B", OTHER_STORAGE},
    {"VDI_TOO_SMALL", HVD_ERROR_INVALID, "at least %2B", N_("make the disk larger")},
    {"VIF_IN_USE", HVD_ERROR_STATE, NULL,
     N_("take the instances' interfaces off the network first")},
    {"VIF_NOT_IN_MAP", HVD_ERROR_INVALID, NULL, N_("name a network for every interface")},
    {"VMS_FAILED_TO_COOPERATE", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"VM_BAD_POWER_STATE", HVD_ERROR_STATE, "it is %3, and would have to be %2",
     N_("look at the instance's state, and change it first")},
    {"VM_CRASHED", HVD_ERROR_FAILED, NULL, N_("look at the guest's console")},
    {"VM_DUPLICATE_VBD_DEVICE", HVD_ERROR_STATE, "device %3",
     N_("detach one of the two disks that have this device")},
    {"VM_HALTED", HVD_ERROR_STATE, NULL, N_("start it again: the guest stopped by itself")},
    {"VM_HAS_CHECKPOINT", HVD_ERROR_UNSUPPORTED, NULL, N_("remove its checkpoints first")},
    {"VM_HAS_NO_SUSPEND_VDI", HVD_ERROR_STATE, NULL, N_("stop it hard: its saved memory is lost")},
    {"VM_HAS_PCI_ATTACHED", HVD_ERROR_UNSUPPORTED, NULL,
     N_("take the node's PCI device from it first")},
    {"VM_HAS_SRIOV_VIF", HVD_ERROR_UNSUPPORTED, NULL,
     N_("take the SR-IOV interface from it first")},
    {"VM_HAS_TOO_MANY_SNAPSHOTS", HVD_ERROR_UNSUPPORTED, NULL, N_("remove snapshots first")},
    {"VM_HAS_VGPU", HVD_ERROR_UNSUPPORTED, NULL, N_("take the vGPU from it first")},
    {"VM_HAS_VUSBS", HVD_ERROR_UNSUPPORTED, NULL, N_("take the node's USB device from it first")},
    {"VM_HOST_INCOMPATIBLE_VERSION_MIGRATE", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION", HVD_ERROR_NO_RESOURCES, NULL,
     OTHER_NODE},
    {"VM_HVM_REQUIRED", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"VM_INCOMPATIBLE_WITH_THIS_HOST", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"VM_IS_IMMOBILE", HVD_ERROR_UNSUPPORTED, NULL,
     N_("stop it, and start it on the other node: it is configured not to migrate")},
    {"VM_IS_PROTECTED", HVD_ERROR_STATE, NULL, N_("clear the instance's restart priority first")},
    {"VM_IS_SNAPSHOT", HVD_ERROR_STATE, NULL, N_("choose an instance: this is a snapshot")},
    {"VM_IS_TEMPLATE", HVD_ERROR_STATE, NULL, N_("choose an instance: this is a template")},
    {"VM_IS_USING_NESTED_VIRT", HVD_ERROR_UNSUPPORTED, NULL,
     N_("switch its nested virtualization off first")},
    {"VM_LACKS_FEATURE", HVD_ERROR_UNSUPPORTED, NULL, NEEDS_TOOLS},
    {"VM_LACKS_FEATURE_SHUTDOWN", HVD_ERROR_UNSUPPORTED, NULL, NEEDS_TOOLS},
    {"VM_LACKS_FEATURE_SUSPEND", HVD_ERROR_UNSUPPORTED, NULL, NEEDS_TOOLS},
    {"VM_MEMORY_SIZE_TOO_LOW", HVD_ERROR_INVALID, NULL, N_("give it more memory")},
    {"VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED", HVD_ERROR_FAILED, NULL,
     N_("check the network between the nodes")},
    {"VM_MIGRATE_FAILED", HVD_ERROR_FAILED, NULL, N_("look where the instance runs")},
    {"VM_MISSING_PV_DRIVERS", HVD_ERROR_UNSUPPORTED, NULL, NEEDS_TOOLS},
    {"VM_NON_SUSPENDABLE", HVD_ERROR_STATE, NULL,
     N_("stop it instead: the guest says that it cannot be suspended")},
    {"VM_NO_SUSPEND_SR", HVD_ERROR_NO_RESOURCES, NULL,
     N_("give the pool a storage for suspend images")},
    {"VM_NO_VCPUS", HVD_ERROR_INVALID, NULL, N_("give it at least one vCPU")},
    {"VM_OLD_PV_DRIVERS", HVD_ERROR_UNSUPPORTED, NULL, NEEDS_TOOLS},
    {"VM_PCI_BUS_FULL", HVD_ERROR_NO_RESOURCES, NULL, N_("detach one of its devices first")},
    {"VM_REBOOTED", HVD_ERROR_STATE, NULL,
     N_("look at the instance: the guest restarted by itself")},
    {"VM_REQUIRES_GPU", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"VM_REQUIRES_IOMMU", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"VM_REQUIRES_NETWORK", HVD_ERROR_NO_RESOURCES, NULL,
     N_("choose another node: this one is not on the instance's network")},
    {"VM_REQUIRES_SR", HVD_ERROR_NO_RESOURCES, NULL,
     N_("choose another node, or use shared storage: the node does not reach the instance's")},
    {"VM_REQUIRES_VDI", HVD_ERROR_FAILED, NULL, CHECK_STORAGE},
    {"VM_REQUIRES_VGPU", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"VM_SHUTDOWN_TIMEOUT", HVD_ERROR_TIMED_OUT, "after %2 s", N_("stop it hard")},
    {"VM_SUSPEND_TIMEOUT", HVD_ERROR_TIMED_OUT, "after %2 s",
     N_("look at the instance: it may run on")},
    {"VM_TOO_MANY_VCPUS", HVD_ERROR_INVALID, NULL, N_("give it fewer vCPUs")},
    {"VM_UNSAFE_BOOT", HVD_ERROR_NO_RESOURCES, NULL, OTHER_NODE},
    {"XENAPI_MISSING_PLUGIN", HVD_ERROR_UNSUPPORTED, "%1", N_("install the plugin on the node")},
    {"XENAPI_PLUGIN_FAILURE", HVD_ERROR_FAILED, NULL, N_("look at the node's own log")},
};

const XdFailureMeaning *
xd_failure_table(guint *n)
{
    *n = G_N_ELEMENTS(failures);
    return failures;
}

static int
compare_code(const void *key, const void *row)
{
    return strcmp(key, ((const XdFailureMeaning *) row)->code);
}

const XdFailureMeaning *
xd_failure_lookup(const char *code)
{
    return bsearch(code, failures, G_N_ELEMENTS(failures), sizeof failures[0], compare_code);
}

static void
append_parameter(GString *out, const char *value, gboolean as_bytes)
{
    guint64 bytes = 0;

    if (as_bytes && g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT64, &bytes, NULL)) {
        g_autofree char *size = g_format_size_full(bytes, G_FORMAT_SIZE_IEC_UNITS);

        g_string_append(out, size);
    } else {
        /* behind it sm puts what it was given, or what broke (xenapi-protocol, "SR_BACKEND_FAILURE_nn") */
        const char *option = strstr(value, " [opterr=");
        g_autofree char *shown =
            xd_escape(value, option != NULL ? option - value : -1, MAX_PARAMETER);

        g_string_append(out, shown);
    }
}

/* Expands %1 to %9; (nullable) where a parameter is missing: releases differ in their number. */
static char *
expand_detail(const char *detail, const char *const *failure)
{
    g_autoptr(GString) out = g_string_new(NULL);
    guint n = g_strv_length((char **) failure);

    for (const char *p = detail; *p != '\0'; p++) {
        guint index;

        if (*p != '%') {
            g_string_append_c(out, *p);
            continue;
        }
        index = (guint) (*++p - '0');
        if (index >= n)
            return NULL;
        append_parameter(out, failure[index], p[1] == 'B');
        p += p[1] == 'B';
    }
    return g_strdup(out->str);
}

static GStrv
redact_failure(const char *const *failure, XdArena *arena)
{
    GStrvBuilder *builder = g_strv_builder_new();
    GStrv clean;

    for (guint i = 0; failure[i] != NULL; i++) {
        g_autofree char *item = xd_arena_redact(arena, failure[i]);

        g_strv_builder_add(builder, item);
    }
    clean = g_strv_builder_end(builder);
    g_strv_builder_unref(builder);
    return clean;
}

/* A code goes into messages as it is only if it looks like one. */
static gboolean
is_code(const char *text)
{
    gsize length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

    return length > 0 && length <= 100 && text[length] == '\0';
}

GError *
xd_failure_to_error(const char *const *failure, XdArena *arena)
{
    const XdFailureMeaning *row = xd_failure_lookup(failure[0]);
    g_auto(GStrv) clean = redact_failure(failure, arena);
    g_autofree char *detail = NULL;
    const char *code = is_code(clean[0]) ? clean[0] : "a failure without a proper code";
    GError *error;

    if (row != NULL && row->detail != NULL)
        detail = expand_detail(row->detail, (const char *const *) clean);
    if (detail != NULL && g_strstrip(detail)[0] == '\0')
        g_clear_pointer(&detail, g_free);
    error = xd_error_new(row != NULL ? row->error : HVD_ERROR_FAILED, "%s%s%s%s", code,
                         detail != NULL ? " (" : "", detail != NULL ? detail : "",
                         detail != NULL ? ")" : "");
    xd_error_set_failure(error, (const char *const *) clean);
    if (row != NULL && row->advice != NULL)
        xd_error_set_advice(error, row->advice);
    return error;
}
