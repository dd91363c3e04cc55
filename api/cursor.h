/* A place in a JSON text, for the scanners that read large bodies without a tree.
 *
 * They check RFC 8259's grammar as strictly as jansson does, allocate nothing but what they
 * are asked to fill, and do not recurse. Any thread; one thread a cursor. */
#ifndef API_CURSOR_H
#define API_CURSOR_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/err.h"

struct cursor {
    const char *start; /* of the whole text */
    const char *at;
    const char *end;
};

/* Moves over white space. @return the character there, or 0 at the end. */
char cursor_peek(struct cursor *c);

/* Moves over white space and `expected`. false with ERR_INVALID that says what came. */
bool cursor_expect(struct cursor *c, char expected, const char *where, struct err *e)
    __attribute__((warn_unused_result));

/* Moves over one whole value of any kind, checking its grammar; nesting up to `depth_max`.
 * Strings are checked as UTF-8 and for escapes; lone surrogates are refused. */
bool cursor_skip(struct cursor *c, int depth_max, const char *where, struct err *e)
    __attribute__((warn_unused_result));

/* Moves over one string and decodes it (escapes, surrogate pairs; \u0000 is refused).
 * @return a new NUL-terminated string, free() it; NULL with ERR_INVALID, or ERR_TOO_LARGE
 * over bytes_max bytes, or ERR_NO_MEMORY. */
char *cursor_string(struct cursor *c, size_t bytes_max, const char *where, struct err *e)
    __attribute__((warn_unused_result));

/* What stands at the cursor, for messages: "a string", "an object", "the end", ... */
const char *cursor_kind(struct cursor *c);

/* Line and column (from 1) of the cursor, for grammar errors. */
void cursor_position(const struct cursor *c, size_t *line, size_t *column);

#endif
