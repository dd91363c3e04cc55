/* The process that trains: claims jobs from the store and runs them, one at a time.
 *
 * Two threads beside the team: the trainer's, which never waits for the disk, and the
 * keeper's, which writes points and heartbeats and hears of cancellations. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "server/config.h"

/* Runs until SIGTERM, SIGINT, or the end of its server. A job in hand goes back to the
 * queue.
 * @return the exit code of the process. */
int worker_run(const struct config *config);

#endif
