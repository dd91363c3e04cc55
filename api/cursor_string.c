/* Strings of the cursor: UTF-8 (RFC 3629) and JSON's escapes (RFC 8259, section 7). */
#include "api/cursor_private.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/plain.h"
#include "api/utf8.h"

/* Bytes that stand for themselves. */
static inline bool is_plain(char c) {
    unsigned char byte = (unsigned char)c;
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Over the run of plain bytes at p. */
static inline const char *plain_skip(const char *p, const char *end) {
    for (; end - p >= 8; p += 8) {
        uint64_t bytes;
        memcpy(&bytes, p, sizeof bytes);
        uint64_t others = plain_others(bytes);
        if (others) {
            if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
                return p + __builtin_ctzll(others) / 8;
            break;
        }
    }
    while (p < end && is_plain(*p))
        p++;
    return p;
}

static size_t utf8_encode(uint32_t code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(leads[n] | code);
    return n;
}

/* "XXXX" behind \u. */
static bool hex_scan(const char *p, const char *end, uint32_t *code) {
    if (end - p < 4)
        return false;
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            digit = (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
        *code = *code << 4 | digit;
    }
    return true;
}

/* Decodes \uXXXX, or a pair of them; `p` is on the backslash. @return how many characters
 * of text it took, 0 with *why. */
static size_t unicode_decode(const char *p, const char *end, uint32_t *code,
                             const char **why) {
    *why = "\\u needs four hexadecimal digits";
    if (!hex_scan(p + 2, end, code))
        return 0;
    *why = "\\u0000 is not accepted";
    if (*code == 0)
        return 0;
    if (*code < 0xd800 || *code > 0xdfff)
        return 6;
    uint32_t low;
    *why = "half of a surrogate pair";
    if (*code > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u' ||
        !hex_scan(p + 8, end, &low) || low < 0xdc00 || low > 0xdfff)
        return 0;
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

/* Decodes the escape at *at. @return the bytes of its character, 0 with *why. */
static size_t escape_decode(const char **at, const char *end, char out[4],
                            const char **why) {
    static const char NAMES[] = "\"\\/bfnrt", MEANINGS[] = "\"\\/\b\f\n\r\t";
    const char *p = *at;
    char name = end - p < 2 ? 0 : p[1];
    if (name == 'u') {
        uint32_t code;
        size_t taken = unicode_decode(p, end, &code, why);
        *at += taken;
        return taken ? utf8_encode(code, out) : 0;
    }
    const char *found = name ? strchr(NAMES, name) : NULL;
    if (!found) {
        *why = "this is not an escape of JSON";
        return 0;
    }
    out[0] = MEANINGS[found - NAMES];
    *at += 2;
    return 1;
}

/* Decodes the character at *at, which is before the end and no closing quote, and moves
 * behind it. @return its bytes, 0 with *why. */
static size_t character_decode(const char **at, const char *end, char out[4],
                               const char **why) {
    const char *p = *at;
    if (*p == '\\')
        return escape_decode(at, end, out, why);
    size_t n = is_plain(*p) ? 1 : (unsigned char)*p < 0x20 ? 0 : utf8_length(p, end);
    if (n == 0) {
        *why = (unsigned char)*p < 0x20 ? "a control character must be escaped"
                                        : "this is not UTF-8";
        return 0;
    }
    memcpy(out, p, n);
    *at += n;
    return n;
}

/* Walks the string whose quote the cursor stands on and counts its bytes; decodes them
 * where `text` is not NULL. False with *why; NULL then means longer than text_max. */
static bool string_walk(struct cursor *c, char *text, size_t text_max, size_t *n,
                        const char **why) {
    size_t used = 0;
    c->at++;
    while (c->at < c->end && *c->at != '"') {
        const char *run = c->at;
        c->at = plain_skip(run, c->end);
        char out[4];
        size_t length = (size_t)(c->at - run);
        if (length == 0) {
            length = character_decode(&c->at, c->end, out, why);
            run = out;
            if (length == 0)
                return false;
        }
        *why = NULL;
        if (length > text_max - used)
            return false;
        if (text)
            memcpy(text + used, run, length);
        used += length;
    }
    *why = "a string without its closing quote";
    if (c->at == c->end)
        return false;
    c->at++;
    *n = used;
    return true;
}

static bool string_scan(struct cursor *c, char *text, size_t text_max, size_t *n,
                        const char *where, struct err *e) {
    const char *why = NULL;
    if (string_walk(c, text, text_max, n, &why))
        return true;
    if (why)
        return cursor_fail(c, ERR_INVALID, where, e, "%s", why);
    return cursor_fail(c, ERR_TOO_LARGE, where, e, "a string of more than %zu bytes",
                       text_max);
}

bool cursor_string_skip(struct cursor *c, size_t *n, const char *where, struct err *e) {
    return string_scan(c, NULL, SIZE_MAX, n, where, e);
}

bool cursor_decode(struct cursor *c, char *text, size_t text_max, size_t *n,
                   const char *where, struct err *e) {
    if (cursor_peek(c) != '"')
        return cursor_refuse(c, "a string", where, e);
    return string_scan(c, text, text_max, n, where, e);
}

/* The string of n bytes, decoded, whose quote the cursor stands on. */
static char *string_new(struct cursor from, size_t n, const char *where, struct err *e) {
    /* n is never SIZE_MAX: a string is shorter than its text by the quotes. */
    char *text = malloc(n + 1);
    if (!text) {
        err_set(e, ERR_NO_MEMORY, where, "no memory for a string of %zu bytes", n);
        return NULL;
    }
    if (!string_scan(&from, text, n, &n, where, e)) {
        free(text);
        return NULL;
    }
    text[n] = 0;
    return text;
}

char *cursor_string(struct cursor *c, size_t bytes_max, const char *where,
                    struct err *e) {
    if (cursor_peek(c) != '"') {
        cursor_refuse(c, "a string", where, e);
        return NULL;
    }
    struct cursor from = *c;
    size_t n;
    return string_scan(c, NULL, bytes_max, &n, where, e) ? string_new(from, n, where, e)
                                                         : NULL;
}

bool cursor_text(struct cursor *c, size_t bytes_max, struct cursor_text *out,
                 const char *where, struct err *e) {
    *out = (struct cursor_text){0};
    if (cursor_peek(c) != '"')
        return cursor_refuse(c, "a string", where, e);
    struct cursor from = *c;
    if (!string_scan(c, NULL, bytes_max, &out->n, where, e))
        return false;
    out->text = from.at + 1;
    if (out->n == (size_t)(c->at - from.at) - 2)
        return true; /* an escape is longer than what it stands for */
    out->text = out->owned = string_new(from, out->n, where, e);
    return out->owned;
}

bool cursor_string_is(const struct cursor *c, const char *text) {
    const char *p = c->at + 1;
    while (p < c->end && *p != '"') {
        char out[4];
        const char *why;
        size_t n = character_decode(&p, c->end, out, &why);
        if (n == 0 || strncmp(text, out, n) != 0)
            return false;
        text += n;
    }
    return *text == 0;
}
