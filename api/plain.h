/* Bytes of a JSON string that stand for themselves, eight at a time. Private to api/. */
#ifndef API_PLAIN_H
#define API_PLAIN_H

#include <stdint.h>

/* The top bits of those of eight bytes that are a control character, a quote, a backslash
 * or not ASCII; 0: they are all plain. What a subtraction borrows goes upwards: the
 * lowest bit that is set is right, those above it may be of plain bytes. */
static inline uint64_t plain_others(uint64_t bytes) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quote = bytes ^ ones * '"', backslash = bytes ^ ones * '\\';
    return (bytes | ((bytes - ones * 0x20) & ~bytes) | ((quote - ones) & ~quote) |
            ((backslash - ones) & ~backslash)) &
           ones << 7;
}

#endif
