#include "server/owner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BOOT_ID_CHARACTERS = 8, NAMESPACE_CHARACTERS = 24 };

static void boot_id(char out[BOOT_ID_CHARACTERS + 1]) {
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    snprintf(out, BOOT_ID_CHARACTERS + 1, "unknown");
    if (f) {
        if (!fgets(out, BOOT_ID_CHARACTERS + 1, f))
            snprintf(out, BOOT_ID_CHARACTERS + 1, "unknown");
        fclose(f);
    }
}

/* Clock ticks from boot to the process's start (proc(5), field 22); 0: no such process,
 * or a zombie, which holds nothing any more. */
static unsigned long long start_ticks(long pid) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    size_t n = fread(line, 1, sizeof line - 1, f);
    fclose(f);
    line[n] = '\0';
    char *at = strrchr(line, ')'); /* the name may hold anything */
    if (!at || strlen(at) < 4 || at[2] == 'Z' || at[2] == 'X')
        return 0;
    for (int field = 2; field < 22 && at; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

/* The number of this process's pid namespace; "" where the system does not tell. */
static void pid_namespace(char out[NAMESPACE_CHARACTERS]) {
    char link[64], *at = NULL;
    ssize_t n = readlink("/proc/self/ns/pid", link, sizeof link - 1);
    if (n > 0) {
        link[n] = '\0'; /* pid:[4026531836] */
        at = strchr(link, '[');
    }
    snprintf(out, NAMESPACE_CHARACTERS, "%.*s", at ? (int)strcspn(at + 1, "]") : 0,
             at ? at + 1 : "");
}

static void host_name(char out[64]) {
    if (gethostname(out, 64) != 0)
        snprintf(out, 64, "unknown");
    out[63] = '\0';
    for (char *c = out; *c; c++)
        if (*c == '/')
            *c = '_';
}

void owner_of(pid_t pid, char out[STORE_OWNER_MAX]) {
    char host[64], boot[BOOT_ID_CHARACTERS + 1], space[NAMESPACE_CHARACTERS];
    host_name(host);
    boot_id(boot);
    pid_namespace(space);
    snprintf(out, STORE_OWNER_MAX, "%s/%s/%ld/%llu/%s", host, boot, (long)pid,
             start_ticks((long)pid), space);
}

void owner_machine(const char *owner, char out[STORE_OWNER_MAX]) {
    const char *boot = strchr(owner, '/'), *pid = boot ? strchr(boot + 1, '/') : NULL;
    snprintf(out, STORE_OWNER_MAX, "%.*s", pid ? (int)(pid + 1 - owner) : 0, owner);
}

/* Whether a process that is not to be seen is there all the same: another user's, where
 * /proc hides those. */
static bool is_hidden(long pid) {
    return kill((pid_t)pid, 0) != 0 && errno == EPERM;
}

bool owner_is_dead(const char *owner, bool shared) {
    char host[64], boot[BOOT_ID_CHARACTERS + 1], here[64], now[BOOT_ID_CHARACTERS + 1];
    char space[NAMESPACE_CHARACTERS] = "", ours[NAMESPACE_CHARACTERS];
    long pid;
    unsigned long long start;
    if (sscanf(owner, "%63[^/]/%8[^/]/%ld/%llu/%23s", host, boot, &pid, &start, space) <
        4)
        return false;
    host_name(here);
    boot_id(now);
    pid_namespace(ours);
    bool same_boot = strcmp(boot, now) == 0;
    if (strcmp(host, here) != 0 ||
        (shared && (!same_boot || !*ours || strcmp(space, ours) != 0)))
        return false;
    /* No start: it was dead already when it was named, and must not look like itself. */
    if (!same_boot || !start)
        return true;
    unsigned long long ticks = start_ticks(pid);
    return ticks ? ticks != start : !is_hidden(pid);
}
