#include "server/machine.h"

#include <time.h>
#include <unistd.h>

#include "server/clock.h"
#include "tests/unit/check.h"

static void there_is_something_of_each(void) {
    CHECK(machine_cpus() >= 1 && machine_cpus() <= 64);
    CHECK(machine_memory() > 1 << 20);
    CHECK(machine_memory_kills() >= 0);
}

/* No processor is idle for longer than it is there. */
static void spare_time_passes(void) {
    enum { TICK_US = 10000 };
    int64_t cpus = sysconf(_SC_NPROCESSORS_CONF);
    int64_t from_us = clock_mono_us(), spare_us = machine_spare_us();
    if (!CHECK(spare_us >= 0))
        return;
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    int64_t more_us = machine_spare_us() - spare_us;
    int64_t took_us = clock_mono_us() - from_us;
    CHECK_SAY(more_us >= 0 && more_us <= (took_us + 2 * TICK_US) * cpus,
              "%lld us spare in %lld us", (long long)more_us, (long long)took_us);
}

int main(void) {
    CHECK_RUN(there_is_something_of_each);
    CHECK_RUN(spare_time_passes);
    return check_done();
}
