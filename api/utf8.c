#include "api/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t utf8_length(const char *p, const char *end) {
    unsigned char lead = p < end ? (unsigned char)*p : 0xff;
    if (lead < 0x80)
        return 1;
    size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || (size_t)(end - p) < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return 0;
    unsigned char second = (unsigned char)p[1];
    bool refused = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                   (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
    return refused ? 0 : n;
}

size_t utf8_prefix(const char *text, size_t n) {
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t at = 0;
    while (at < n) {
        uint64_t word;
        while (n - at >= sizeof word) {
            memcpy(&word, text + at, sizeof word);
            if ((word | (word - ones)) & tops) /* a byte of 0, or of 0x80 and more */
                break;
            at += sizeof word;
        }
        if (at == n)
            break;
        size_t length = text[at] ? utf8_length(text + at, text + n) : 0;
        if (length == 0)
            break;
        at += length;
    }
    return at;
}

size_t utf8_cut(const char *text, size_t n, size_t max) {
    if (n <= max)
        return n;
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

void utf8_advance(struct utf8_place *place, const char *text, size_t n) {
    const char *end = text + n, *next;
    while ((next = memchr(text, '\n', (size_t)(end - text)))) {
        place->line++;
        place->column = 1;
        text = next + 1;
    }
    for (; text < end; text++)
        place->column += ((unsigned char)*text & 0xc0) != 0x80;
}
