/* What this process uses of its machine, for its metrics. Linux; any thread. */
#ifndef SERVER_PROCESS_USAGE_H
#define SERVER_PROCESS_USAGE_H

#include <stdint.h>

/* What could not be read is negative. */
struct process_usage {
    int64_t resident_bytes;
    int64_t files;     /* open descriptors */
    int64_t files_max; /* their limit; of none: INT64_MAX */
    double cpu_s;      /* in user and system mode, of all its threads */
};
struct process_usage process_usage_read(void);

#endif
