#include "server/machine.h"

#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The quotient of the two numbers in a cgroup's files, rounded up; 0: no quota. */
static size_t quota_cpus(const char *quota_path, const char *period_path) {
    long long quota = -1, period = 100000;
    FILE *f = fopen(quota_path, "re");
    if (!f)
        return 0;
    int got = fscanf(f, "%lld %lld", &quota, &period); /* "max 100000" leaves -1 */
    fclose(f);
    if (period_path && (f = fopen(period_path, "re"))) {
        if (fscanf(f, "%lld", &period) != 1)
            period = 100000;
        fclose(f);
    }
    if (got < 1 || quota <= 0 || period <= 0)
        return 0;
    return (size_t)((quota + period - 1) / period);
}

size_t machine_cpus(void) {
    cpu_set_t set;
    size_t n = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
    size_t quota = quota_cpus("/sys/fs/cgroup/cpu.max", NULL);
    if (!quota)
        quota = quota_cpus("/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
                           "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (quota && quota < n)
        n = quota;
    return n < 1 ? 1 : n > 64 ? 64 : n;
}

/* The number in a cgroup's file; INT64_MAX: no such file, or no limit ("max"). */
static int64_t limit_read(const char *path) {
    long long limit = INT64_MAX;
    FILE *f = fopen(path, "re");
    if (f) {
        if (fscanf(f, "%lld", &limit) != 1 || limit <= 0)
            limit = INT64_MAX;
        fclose(f);
    }
    return limit;
}

int64_t machine_memory(void) {
    int64_t pages = sysconf(_SC_PHYS_PAGES), least = pages * sysconf(_SC_PAGESIZE);
    int64_t limits[] = {limit_read("/sys/fs/cgroup/memory.max"),
                        limit_read("/sys/fs/cgroup/memory/memory.limit_in_bytes")};
    for (size_t i = 0; i < 2; i++)
        if (limits[i] < least)
            least = limits[i];
    return least;
}

/* The number behind `key` at the start of a line; -1: no such file or line. */
static int64_t line_read(const char *path, const char *key) {
    char word[64];
    long long number = -1, found = -1;
    FILE *f = fopen(path, "re");
    while (f && found < 0 && fscanf(f, "%63s %lld", word, &number) == 2)
        if (strcmp(word, key) == 0)
            found = number;
    if (f)
        fclose(f);
    return found;
}

int64_t machine_memory_kills(void) {
    int64_t kills = line_read("/sys/fs/cgroup/memory.events", "oom_kill");
    if (kills < 0)
        kills = line_read("/proc/vmstat", "oom_kill");
    return kills < 0 ? 0 : kills;
}

int64_t machine_spare_us(void) {
    cpu_set_t set;
    long long ticks = 0, user, nice, system, idle, io;
    int64_t tick_us = 1000000 / sysconf(_SC_CLK_TCK);
    unsigned cpu;
    FILE *f =
        sched_getaffinity(0, sizeof set, &set) == 0 ? fopen("/proc/stat", "re") : NULL;
    if (!f)
        return -1;
    bool found = false, line = fscanf(f, "cpu %*[^\n]\n") == 0;
    while (line && fscanf(f, "cpu%u %lld %lld %lld %lld %lld%*[^\n]\n", &cpu, &user,
                          &nice, &system, &idle, &io) == 6) {
        if (cpu < CPU_SETSIZE && CPU_ISSET(cpu, &set)) {
            ticks += nice + idle + io;
            found = true;
        }
    }
    fclose(f);
    return found ? ticks * tick_us : -1;
}
