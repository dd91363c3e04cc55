/* What this process may use of the machine. Any thread. */
#ifndef SERVER_MACHINE_H
#define SERVER_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* The number of CPUs: the affinity mask and the cgroup's quota (v1 and v2), rounded up;
 * at least 1, at most 64. */
size_t machine_cpus(void);

/* The bytes of memory: the machine's, or the cgroup's limit if that is lower (v1 and v2).
 */
int64_t machine_memory(void);

/* How many processes the system has killed for want of memory so far: in the cgroup
 * (v2), or on the machine where that is not told; 0: not known. */
int64_t machine_memory_kills(void);

/* The processor time that was idle, or went to those who give way (nice), in microseconds
 * of one processor and since some time: of the CPUs that this process may use, the
 * machine's as a whole, not its cgroup's. To the next 10 ms; -1: not known. */
int64_t machine_spare_us(void);

#endif
