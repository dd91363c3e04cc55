/* Models' files in the hands of programs that are not ours, and what those make of rows
 * beside what the daemon answers. */
#ifndef TESTS_FOREIGN_H
#define TESTS_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/http/reply.h"

/* Writes a file whole. */
bool foreign_write(const char *path, const char *bytes, size_t n)
    __attribute__((warn_unused_result));

/* Runs a command. @return whether it ended well; *said is all that it printed, free() it.
 */
bool foreign_run(const char *command, char **said) __attribute__((warn_unused_result));

/* `wanted` is an array of rows, each an array of the last layer's outputs; the answer has
 * them as `probabilities`, of a binary classification those of both classes, or as
 * `predictions`. CHECKs each number and how many there are. */
void foreign_check(const json_t *wanted, const json_t *answer, size_t rows_n,
                   double tolerance);

#endif
