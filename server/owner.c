#include "server/owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BOOT_ID_CHARACTERS = 8 };

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

static void host_name(char out[64]) {
    if (gethostname(out, 64) != 0)
        snprintf(out, 64, "unknown");
    out[63] = '\0';
    for (char *c = out; *c; c++)
        if (*c == '/')
            *c = '_';
}

void owner_of(pid_t pid, char out[STORE_OWNER_MAX]) {
    char host[64], boot[BOOT_ID_CHARACTERS + 1];
    host_name(host);
    boot_id(boot);
    snprintf(out, STORE_OWNER_MAX, "%s/%s/%ld/%llu", host, boot, (long)pid,
             start_ticks((long)pid));
}

void owner_machine(const char *owner, char out[STORE_OWNER_MAX]) {
    const char *boot = strchr(owner, '/'), *pid = boot ? strchr(boot + 1, '/') : NULL;
    snprintf(out, STORE_OWNER_MAX, "%.*s", pid ? (int)(pid + 1 - owner) : 0, owner);
}

bool owner_is_dead(const char *owner) {
    char host[64], boot[BOOT_ID_CHARACTERS + 1], here[64], now[BOOT_ID_CHARACTERS + 1];
    long pid;
    unsigned long long start;
    if (sscanf(owner, "%63[^/]/%8[^/]/%ld/%llu", host, boot, &pid, &start) != 4)
        return false;
    host_name(here);
    boot_id(now);
    if (strcmp(host, here) != 0)
        return false;
    /* No start: it was dead already when it was named, and must not look like itself. */
    return strcmp(boot, now) != 0 || !start || start_ticks(pid) != start;
}
