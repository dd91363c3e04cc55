/* A place in a JSON text, for the scanners that read large bodies without a tree.
 *
 * They check RFC 8259's grammar as strictly as jansson does, allocate nothing but what
 * they are asked to fill, and do not recurse. Any thread; one thread a cursor. On an
 * error the cursor stands where the text went wrong. Where `where` is NULL, the error
 * says "line 3, column 7", the place of the cursor. */
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
char cursor_peek_far(struct cursor *c);
static inline char cursor_peek(struct cursor *c) {
    bool here = c->at < c->end && (unsigned char)*c->at > ' '; /* as it mostly is */
    return here ? *c->at : cursor_peek_far(c);
}

/* Grammar: ERR_INVALID that says "expected ',' or ']', got '}'", where `expected` is the
 * words between, on the character or word at the cursor. @return false. */
bool cursor_refuse(struct cursor *c, const char *expected, const char *where,
                   struct err *e);

/* Type: ERR_INVALID at `path` that says "expected a number, got a string"; but where not
 * even a wrong value stands, cursor_refuse without `where`. @return false. */
bool cursor_mismatch(struct cursor *c, const char *expected, const char *path,
                     struct err *e);

/* Moves over white space and `expected`. false with ERR_INVALID that says what came. */
bool cursor_expect(struct cursor *c, char expected, const char *where, struct err *e)
    __attribute__((warn_unused_result));

/* Moves over one whole value of any kind, checking its grammar; nesting up to `depth_max`
 * (at most CURSOR_DEPTH_MAX; over it is ERR_INVALID). Strings are checked as UTF-8 and
 * for escapes; lone surrogates and \u0000 are refused. */
enum { CURSOR_DEPTH_MAX = 1024 };
bool cursor_skip(struct cursor *c, int depth_max, const char *where, struct err *e)
    __attribute__((warn_unused_result));

/* What JavaScript and Python write for a number that is not finite, where it stands at
 * the cursor: "NaN", "Infinity", "-Infinity"; or NULL. */
const char *cursor_token(const struct cursor *c);

/* cursor_skip, with those three as values. */
bool cursor_skip_tokens(struct cursor *c, int depth_max, const char *where, struct err *e)
    __attribute__((warn_unused_result));

/* Moves over one string and decodes it (escapes, surrogate pairs; \u0000 is refused).
 * @return a new NUL-terminated string, free() it; NULL with ERR_INVALID, or ERR_TOO_LARGE
 * over bytes_max bytes, or ERR_NO_MEMORY. */
char *cursor_string(struct cursor *c, size_t bytes_max, const char *where, struct err *e)
    __attribute__((warn_unused_result));

/* A string as it stands in the source where that needs no decoding, or else decoded. It
 * ends with no NUL. */
struct cursor_text {
    const char *text; /* (n) */
    size_t n;
    char *owned; /* free() it; NULL where the text is the source's */
};

/* Moves over one string like cursor_string; the errors are the same. */
bool cursor_text(struct cursor *c, size_t bytes_max, struct cursor_text *out,
                 const char *where, struct err *e) __attribute__((warn_unused_result));

/* Moves over one string like cursor_string, into text[0..text_max), without a NUL; the
 * errors are the same. */
bool cursor_decode(struct cursor *c, char *text, size_t text_max, size_t *n,
                   const char *where, struct err *e) __attribute__((warn_unused_result));

/* Whether the string at the cursor, which cursor_skip has accepted, decodes to `text`. */
bool cursor_string_is(const struct cursor *c, const char *text);

/* What stands at the cursor, for messages: "a string", "an object", "the end", "NaN" */
const char *cursor_kind(struct cursor *c);

/* Line and column (from 1, in characters) of the cursor, for grammar errors. */
void cursor_position(const struct cursor *c, size_t *line, size_t *column);

#endif
