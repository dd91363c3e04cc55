/* A growing buffer that text is written to, JSON above all.
 *
 * Commas need no bookkeeping: a value or key is preceded by one unless it follows an
 * opening bracket or a colon. When memory runs out the buffer is marked `failed` and
 * swallows the rest, so that a writer checks once, at its end. One thread at a time. */
#ifndef API_TEXT_H
#define API_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *data; /* owned; not NUL-terminated. Zero-initialise, text_free */
    size_t n, capacity;
    bool failed;
};

void text_free(struct text *t);

/* Room for n more bytes at the end, or NULL (failed). text_advance says how many were
 * used. */
char *text_reserve(struct text *t, size_t n);
void text_advance(struct text *t, size_t n);

void text_bytes(struct text *t, const char *bytes, size_t n);
void text_string(struct text *t, const char *s);
void text_format(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* @return the text with a NUL behind it, taken from *t (free() it); NULL when it failed.
 */
char *text_take(struct text *t);

/* JSON. `open` is '{' or '['. */
void text_open(struct text *t, char open);
void text_close(struct text *t, char close);
void text_key(struct text *t, const char *key);
/* NULL: null. What is not UTF-8 becomes U+FFFD, so that the document is JSON for certain.
 */
void text_json_string(struct text *t, const char *s);
/* The same for n bytes, which hold no NUL. */
void text_json_bytes(struct text *t, const char *s, size_t n);
void text_json_int(struct text *t, int64_t value);
void text_json_float(struct text *t, float value);   /* shortest; not finite: null */
void text_json_double(struct text *t, double value); /* shortest; not finite: null */
/* n floats, all finite, one behind the other in the array that is open; or rows of at
 * least one, an array each. */
void text_json_floats(struct text *t, const float *values, size_t n);
void text_json_rows(struct text *t, const float *values, size_t rows_n, size_t columns_n);
/* About what n of them take, and the room that the last ones want while they are printed;
 * n at most 2^32. */
size_t text_floats_bytes(size_t n);
void text_json_bool(struct text *t, bool value);
void text_json_null(struct text *t);
void text_json_raw(struct text *t, const char *json); /* a whole value; NULL: null */

/* RFC 3339 in UTC with milliseconds; 0: null. */
void text_json_time(struct text *t, int64_t ms);

/* A key and its value. */
void text_member_string(struct text *t, const char *key,
                        const char *value); /* NULL or "": null */
void text_member_int(struct text *t, const char *key, int64_t value);
void text_member_double(struct text *t, const char *key, double value);
void text_member_bool(struct text *t, const char *key, bool value);
void text_member_time(struct text *t, const char *key, int64_t ms);
/* Of a number from 1 on: 0 is null. */
void text_member_count(struct text *t, const char *key, int64_t value);

#endif
