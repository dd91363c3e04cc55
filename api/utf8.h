/* Well-formed UTF-8 (RFC 3629; Unicode 15, table 3-7), and places in a text for messages.
 * Pure; any thread. */
#ifndef API_UTF8_H
#define API_UTF8_H

#include <stddef.h>

/* @return the bytes of the character at p, before end: 1 to 4; 0 for what is not UTF-8:
 * overlong forms, surrogates, code points above U+10FFFF, and what is cut short. */
size_t utf8_length(const char *p, const char *end);

/* @return the length of the longest prefix of text[0..n) that is whole characters of
 * UTF-8 other than NUL; n when all of it is. */
size_t utf8_prefix(const char *text, size_t n);

/* @return how many of text[0..n) may be kept when it is cut to at most `max` bytes
 * without splitting a character. */
size_t utf8_cut(const char *text, size_t n, size_t max);

/* A place in a text; both from 1, the column in characters. */
struct utf8_place {
    size_t line, column;
};

/* Moves the place over text[0..n). A line ends with LF alone, as in JSON. */
void utf8_advance(struct utf8_place *place, const char *text, size_t n);

#endif
