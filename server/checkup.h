/* `descentd check`: what a server would find here, without serving. */
#ifndef SERVER_CHECKUP_H
#define SERVER_CHECKUP_H

#include <stdio.h>

#include "server/config.h"

/* Looks at the BLAS library, the store (which is made where there is none), the address,
 * the tokens and the limits of the machine, and prints a line of each to `to`. @return
 * how many of them keep a server from starting. */
int checkup_run(const struct config *config, FILE *to);

#endif
