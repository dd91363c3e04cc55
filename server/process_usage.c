#include "server/process_usage.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* proc(5), statm: the second number counts resident pages. */
static int64_t resident_bytes(void) {
    long long pages = -1;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%*d %lld", &pages) != 1)
            pages = -1;
        fclose(f);
    }
    return pages < 0 ? -1 : (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t files_open(void) {
    DIR *d = opendir("/proc/self/fd");
    int64_t n = -1; /* its own is there too */
    for (const struct dirent *entry; d && (entry = readdir(d));)
        n += entry->d_name[0] != '.';
    if (d)
        closedir(d);
    return d ? n : -1;
}

static int64_t files_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return -1;
    return limit.rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)limit.rlim_cur;
}

static double seconds_of(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

struct process_usage process_usage_read(void) {
    struct rusage used;
    bool known = getrusage(RUSAGE_SELF, &used) == 0;
    return (struct process_usage){
        .resident_bytes = resident_bytes(),
        .files = files_open(),
        .files_max = files_limit(),
        .cpu_s = known ? seconds_of(used.ru_utime) + seconds_of(used.ru_stime) : -1,
    };
}
