/* Well-formed UTF-8 (RFC 3629; Unicode 15, table 3-7). Pure; any thread. */
#ifndef API_UTF8_H
#define API_UTF8_H

#include <stddef.h>

/* @return the bytes of the character at p, before end: 1 to 4; 0 for what is not UTF-8:
 * overlong forms, surrogates, code points above U+10FFFF, and what is cut short. */
size_t utf8_length(const char *p, const char *end);

#endif
