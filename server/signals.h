/* SIGTERM, SIGINT and SIGHUP as something to wait for.
 *
 * By handlers, not by blocking them: OpenBLAS starts threads before main, which block
 * nothing. The kernel gives a signal to any thread that does not block it, and the
 * default there is death, or for the first process of a container nothing at all. */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include <stdbool.h>

#include "engine/err.h"

/* From here on both signals are caught. Once in a process. @return a descriptor that is
 * readable when one has come, for signals_take; -1 on an error. It stays open. */
int signals_open(struct err *e) __attribute__((warn_unused_result));

/* SIGHUP is one of them from here on, too, instead of ending the process; or it does
 * nothing. Behind signals_open. */
void signals_add_hangup(void);
void signals_ignore_hangup(void);

/* At the start: whether the process belongs to a terminal, whose end is a SIGHUP that is
 * meant for it (nohup ignores those). */
bool signals_of_terminal(void);
/* Whether there is a terminal now: not any more, once it has ended. */
bool signals_terminal_is(void);

/* Waits for a signal. @return its number. */
int signals_take(int fd);

/* From here on a signal ends the process at once, with 128 + its number. */
void signals_end_at_once(void);

/* The same with 0, until signals_resume, and for one that came and was not taken, too:
 * there is nothing in hand that could be lost. Behind signals_open. */
void signals_end_idle(void);
void signals_resume(void); /* as signals_open left it */

#endif
