/* Who holds a lease: a process, named so that others on its machine can tell whether it
 * still lives: "host/boot/pid/start/namespace", the last of its pids. */
#ifndef SERVER_OWNER_H
#define SERVER_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "server/store.h"

/* The name of process `pid`, which must be alive. */
void owner_of(pid_t pid, char out[STORE_OWNER_MAX]);

/* What the owners on its machine begin with: "host/boot/". */
void owner_machine(const char *owner, char out[STORE_OWNER_MAX]);

/* Whether the process is known to be dead: it was of this host, and of another boot or is
 * no longer there. Of another host nothing is known: false. With `shared` others may be
 * called as this host is, machines or containers: then something is known of this boot's
 * pids in this namespace alone. */
bool owner_is_dead(const char *owner, bool shared);

#endif
