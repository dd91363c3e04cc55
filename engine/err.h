/* What went wrong, where, and what the caller can do about it.
 *
 * A `struct err` is owned by the caller and starts zeroed; the first error wins, so a
 * chain of calls may share one. It holds no pointers: copy it freely. Any thread. */
#ifndef ENGINE_ERR_H
#define ENGINE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

/* The kinds say what the caller can do next, not which line failed. */
enum err_kind {
    ERR_NONE,
    ERR_INVALID,         /* the input breaks its format: correct it */
    ERR_RANGE,           /* well-formed, but outside what the mathematics allows */
    ERR_UNAUTHENTICATED, /* the caller has not said who it is */
    ERR_FORBIDDEN,       /* this caller may not */
    ERR_NOT_FOUND,       /* the named thing does not exist */
    ERR_METHOD,          /* the thing exists, the verb does not fit it */
    ERR_CONFLICT,        /* the thing's state does not allow it */
    ERR_LENGTH,          /* a body came without its length */
    ERR_TOO_LARGE,       /* over a limit that the message names */
    ERR_HEAD_TOO_LARGE,  /* the same of what comes before a body */
    ERR_MEDIA,           /* a media type or coding that is not understood */
    ERR_BUSY,            /* a bound on work in progress: try again later */
    ERR_CONTENDED,       /* others have had the store for too long: try again */
    ERR_UNAVAILABLE,     /* starting or draining: try again, or elsewhere */
    ERR_CANCELLED,       /* somebody asked for it to stop */
    ERR_DEADLINE,        /* out of time */
    ERR_NO_MEMORY,       /* the machine has no more */
    ERR_STORAGE,         /* the store failed; nothing was acknowledged */
    ERR_NUMERIC,         /* a result that is not finite */
    ERR_INTERNAL,        /* a bug of ours */
    ERR_KINDS_N
};

enum { ERR_TEXT_MAX = 240, ERR_WHERE_MAX = 128 };

struct err {
    enum err_kind kind;
    char text[ERR_TEXT_MAX];   /* one sentence, lower case, no full stop */
    char where[ERR_WHERE_MAX]; /* JSON pointer, line, or column; "" when there is none */
};

/* Records an error unless one stands already. `where` may be NULL.
 * @return false always, so that a function can end with `return err_set(...)`. */
bool err_set(struct err *e, enum err_kind kind, const char *where, const char *format,
             ...) __attribute__((format(printf, 4, 5)));

/* The same with a va_list. */
bool err_vset(struct err *e, enum err_kind kind, const char *where, const char *format,
              va_list args) __attribute__((format(printf, 4, 0)));

#endif
