/* Base64 as RFC 4648 has it in section 4, for bytes inside JSON. Pure; any thread. */
#ifndef API_BASE64_H
#define API_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes text[0..n) in place; *bytes_n is at most 3/4 of n. The padding may be absent,
 * but not too short; what no whole byte is left of must be zero bits. @return false where
 * it is not base64; the text is then spoilt. */
bool base64_decode(char *text, size_t n, size_t *bytes_n)
    __attribute__((warn_unused_result));

#endif
