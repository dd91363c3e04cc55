/* Who may ask: bearer tokens (RFC 6750, section 2.1) from a file.
 *
 * The file has a token a line, or the SHA-256 of one as "sha256:" and 64 hexadecimal
 * digits; empty lines and those that begin with # are passed over. Kept are the SHA-256s
 * alone. Any thread. */
#ifndef SERVER_TOKENS_H
#define SERVER_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/err.h"

enum { TOKENS_MAX = 1000, TOKEN_BYTES_MIN = 16, TOKEN_BYTES_MAX = 512 };

struct tokens;

/* ERR_INVALID names the line (or that there is no token at all), ERR_UNAVAILABLE says why
 * the file cannot be read. */
struct tokens *tokens_open(const char *path, struct err *e)
    __attribute__((warn_unused_result));
void tokens_close(struct tokens *t); /* NULL is allowed */

/* Reads the file again. On an error the tokens stay as they were. */
bool tokens_reload(struct tokens *t, struct err *e) __attribute__((warn_unused_result));

size_t tokens_count(struct tokens *t);

/* Whether the value of an Authorization header (NULL: none) carries one of the tokens. It
 * takes as long for a wrong token as for a right one, wherever they differ. */
bool tokens_allow(struct tokens *t, const char *authorization);

#endif
