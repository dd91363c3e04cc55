/* {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }: the keys in any order,
 * each once and no other. Pickled and structured arrays are refused by their descr. */
#include "api/reader_npy.h"

#include <string.h>

static const char MAGIC[] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

size_t reader_npy_prefix_decode(const char *prefix, struct err *e) {
    if (memcmp(prefix, MAGIC, sizeof MAGIC) != 0)
        return err_set(e, ERR_INVALID, NULL,
                       "not an npy file: its first bytes are not \\x93NUMPY");
    if (prefix[6] < 1 || prefix[6] > 3 || prefix[7] != 0)
        return err_set(e, ERR_INVALID, NULL,
                       "version %d.%d of npy: versions 1.0, 2.0 and 3.0 are read",
                       (unsigned char)prefix[6], (unsigned char)prefix[7]);
    return prefix[6] == 1 ? 2 : 4;
}

bool reader_npy_length_decode(const char *bytes, size_t n, size_t *length,
                              struct err *e) {
    *length = 0;
    for (size_t i = n; i > 0; i--) /* little-endian */
        *length = *length << 8 | (unsigned char)bytes[i - 1];
    return *length <= NPY_HEADER_BYTES_MAX ||
           err_set(e, ERR_TOO_LARGE, NULL, "an npy header of more than %d bytes",
                   NPY_HEADER_BYTES_MAX);
}

struct scan {
    const char *at, *end;
};

static char scan_peek(struct scan *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t'))
        s->at++;
    return s->at < s->end ? *s->at : 0;
}

static bool scan_take(struct scan *s, char c) {
    bool there = scan_peek(s) == c && s->at < s->end;
    s->at += there;
    return there;
}

/* A string without escapes. */
static bool string_scan(struct scan *s, const char **text, size_t *n) {
    char quote = scan_peek(s);
    if (quote != '\'' && quote != '"')
        return false;
    *text = s->at + 1;
    const char *close = memchr(*text, quote, (size_t)(s->end - *text));
    if (!close)
        return false;
    *n = (size_t)(close - *text);
    s->at = close + 1;
    return true;
}

static bool word_take(struct scan *s, const char *word) {
    size_t n = strlen(word);
    scan_peek(s);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
        return false;
    s->at += n;
    return true;
}

static bool refuse(const char *why, struct err *e) {
    return err_set(e, ERR_INVALID, NULL, "the npy header: %s", why);
}

static const struct {
    char code;
    enum matrix_kind kind;
    const char *widths;
} KINDS[] = {
    {'b', MATRIX_BOOLEAN, "1"},
    {'i', MATRIX_SIGNED, "1248"},
    {'u', MATRIX_UNSIGNED, "1248"},
    {'f', MATRIX_FLOAT, "248"},
};

/* "<f8": byte order, kind, bytes. */
static bool descr_decode(const char *text, size_t n, struct matrix_shape *shape,
                         struct err *e) {
    if (n == 3 && strchr("<>|", text[0])) {
        for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
            if (KINDS[i].code != text[1] || !strchr(KINDS[i].widths, text[2]))
                continue;
            if (text[0] == '|' && text[2] != '1')
                break;
            shape->kind = KINDS[i].kind;
            shape->width = (size_t)(text[2] - '0');
            shape->big_endian = text[0] == '>';
            return true;
        }
    }
    if (n > 0 && memchr(text, 'O', n))
        return refuse("an array of objects is not accepted", e);
    return err_set(e, ERR_INVALID, NULL,
                   "the npy header: expected a numeric descr such as '<f8', got '%.*s'",
                   n < 16 ? (int)n : 16, text);
}

static bool descr_scan(struct scan *s, struct matrix_shape *shape, struct err *e) {
    const char *text;
    size_t n;
    if (scan_peek(s) == '[')
        return refuse("a structured array is not accepted", e);
    if (!string_scan(s, &text, &n))
        return refuse("expected a string behind 'descr'", e);
    return descr_decode(text, n, shape, e);
}

static bool order_scan(struct scan *s, struct matrix_shape *shape, struct err *e) {
    shape->fortran = word_take(s, "True");
    return shape->fortran || word_take(s, "False") ||
           refuse("expected True or False behind 'fortran_order'", e);
}

static bool dimension_scan(struct scan *s, uint64_t *out, struct err *e) {
    char first = scan_peek(s);
    if (first < '0' || first > '9')
        return refuse("expected a dimension in 'shape'", e);
    *out = 0;
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, (uint64_t)(*s->at - '0'), out))
            return err_set(e, ERR_TOO_LARGE, NULL, "the dimensions overflow");
    if (s->at < s->end && *s->at == 'L') /* as Python 2 wrote them */
        s->at++;
    return true;
}

static bool shape_scan(struct scan *s, struct matrix_shape *shape, struct err *e) {
    if (!scan_take(s, '('))
        return refuse("expected a tuple behind 'shape'", e);
    while (!scan_take(s, ')')) {
        if (shape->dimensions_n == MATRIX_DIMENSIONS_MAX)
            return refuse("too many dimensions", e);
        if (!dimension_scan(s, &shape->dimensions[shape->dimensions_n++], e))
            return false;
        if (!scan_take(s, ',') && scan_peek(s) != ')')
            return refuse("expected ',' or ')' in 'shape'", e);
    }
    return true;
}

static const struct {
    const char *key;
    bool (*scan)(struct scan *s, struct matrix_shape *shape, struct err *e);
} KEYS[] = {{"descr", descr_scan}, {"fortran_order", order_scan}, {"shape", shape_scan}};
enum { KEYS_N = sizeof KEYS / sizeof *KEYS };

static bool member_scan(struct scan *s, unsigned *seen, struct matrix_shape *shape,
                        struct err *e) {
    const char *key;
    size_t n;
    if (!string_scan(s, &key, &n) || !scan_take(s, ':'))
        return refuse("expected a key and ':'", e);
    for (unsigned i = 0; i < KEYS_N; i++) {
        if (strlen(KEYS[i].key) != n || memcmp(KEYS[i].key, key, n) != 0)
            continue;
        if (*seen & 1U << i)
            return refuse("a key stands twice", e);
        *seen |= 1U << i;
        return KEYS[i].scan(s, shape, e);
    }
    return refuse("expected the keys 'descr', 'fortran_order' and 'shape' alone", e);
}

bool reader_npy_header_decode(const char *header, size_t n, struct matrix_shape *shape,
                              struct err *e) {
    struct scan s = {header, header + n};
    unsigned seen = 0;
    *shape = (struct matrix_shape){0};
    if (!scan_take(&s, '{'))
        return refuse("expected a dict", e);
    while (!scan_take(&s, '}')) {
        if (!member_scan(&s, &seen, shape, e))
            return false;
        if (!scan_take(&s, ',') && scan_peek(&s) != '}')
            return refuse("expected ',' or '}'", e);
    }
    scan_peek(&s);
    if (s.at < s.end)
        return refuse("something stands behind the dict", e);
    if (seen != (1U << KEYS_N) - 1)
        return refuse("one of 'descr', 'fortran_order' and 'shape' is missing", e);
    return true;
}
