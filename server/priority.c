#include "server/priority.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/log.h"

enum { NICE_MAX = 19 };

/* The kernel takes the processor away from an idle process as soon as anybody else wants
 * it: a prediction then waits for no turn to end. */
void priority_lower(int64_t niceness) {
    bool idle = niceness >= NICENESS_IDLE;
    errno = 0;
    if (setpriority(PRIO_PROCESS, 0, idle ? NICE_MAX : (int)niceness) != 0)
        log_write(LOG_WARN, "the worker's priority could not be lowered", "error",
                  LOG_TEXT(strerror(errno)), NULL);
    struct sched_param none = {0};
    sched_setscheduler(0, idle ? SCHED_IDLE : SCHED_BATCH, &none); /* a hint */
}

/* As sched_setattr(2) has it; the C library does not know it. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

static bool attributes_get(struct attributes *attributes) {
    *attributes = (struct attributes){.size = sizeof *attributes};
    return syscall(SYS_sched_getattr, 0, attributes, sizeof *attributes, 0) == 0;
}

static void attributes_set(struct attributes *attributes) {
    attributes->size = sizeof *attributes;
    attributes->flags = 0;
    syscall(SYS_sched_setattr, 0, attributes, 0); /* a hint */
}

void priority_turns(int64_t us) {
    struct attributes attributes;
    if (!attributes_get(&attributes))
        return;
    attributes.runtime_ns = (uint64_t)us * 1000;
    attributes_set(&attributes);
}

void priority_patient(bool patient) {
    struct attributes attributes;
    uint32_t from = patient ? SCHED_OTHER : SCHED_BATCH;
    int began_as = sched_getscheduler(getpid()) & ~SCHED_RESET_ON_FORK;
    if (!attributes_get(&attributes) || attributes.policy != from ||
        began_as != SCHED_OTHER)
        return;
    attributes.policy = patient ? SCHED_BATCH : SCHED_OTHER;
    attributes_set(&attributes); /* and the turns stay as long as they were */
}
