#include "api/cursor.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "api/cursor_private.h"
#include "api/number.h"

char cursor_peek_far(struct cursor *c) {
    const char *p = c->at;
    while (p < c->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    c->at = p;
    return p < c->end ? *p : 0;
}

void cursor_position(const struct cursor *c, size_t *line, size_t *column) {
    *line = *column = 1;
    for (const char *p = c->start; p < c->at; p++) {
        if (*p == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)*p & 0xc0) != 0x80) {
            ++*column; /* the later bytes of a character are no columns */
        }
    }
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* @return the length of the run of letters at the cursor. */
static size_t word_length(const struct cursor *c) {
    const char *p = c->at;
    while (p < c->end && is_letter(*p))
        p++;
    return (size_t)(p - c->at);
}

static bool word_is(const struct cursor *c, size_t n, const char *word) {
    return n == strlen(word) && memcmp(c->at, word, n) == 0;
}

/* What kind of value begins at the cursor; NULL when none does. */
static const char *value_kind(const struct cursor *c) {
    char next = c->at < c->end ? *c->at : 0;
    if (next == '"')
        return "a string";
    if (next == '[')
        return "an array";
    if (next == '{')
        return "an object";
    if ((next >= '0' && next <= '9') || next == '-')
        return "a number";
    size_t n = word_length(c);
    if (word_is(c, n, "true") || word_is(c, n, "false"))
        return "a boolean";
    return word_is(c, n, "null") ? "null" : NULL;
}

const char *cursor_token(const struct cursor *c) {
    static const char *const tokens[] = {"NaN", "Infinity", "-Infinity"};
    size_t left = (size_t)(c->end - c->at);
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        size_t n = strlen(tokens[i]);
        if (left >= n && memcmp(c->at, tokens[i], n) == 0 &&
            (left == n || !is_letter(c->at[n])))
            return tokens[i];
    }
    return NULL;
}

const char *cursor_kind(struct cursor *c) {
    cursor_peek(c);
    if (c->at == c->end)
        return "the end";
    const char *kind = cursor_token(c);
    if (!kind)
        kind = value_kind(c);
    return kind ? kind : "no JSON value";
}

/* The character or word at the cursor, for messages. */
enum { GOT_MAX = 24 };
static const char *cursor_got(const struct cursor *c, char text[GOT_MAX]) {
    if (c->at == c->end)
        return "the end";
    unsigned char byte = (unsigned char)*c->at;
    size_t n = word_length(c);
    if (n > 0 && n <= 12)
        snprintf(text, GOT_MAX, "'%.*s'", (int)n, c->at);
    else if (n > 0)
        snprintf(text, GOT_MAX, "'%.9s...'", c->at);
    else
        snprintf(text, GOT_MAX, byte >= 0x20 && byte < 0x7f ? "'%c'" : "byte 0x%02x",
                 byte);
    return text;
}

bool cursor_fail(struct cursor *c, enum err_kind kind, const char *where, struct err *e,
                 const char *format, ...) {
    char place[ERR_WHERE_MAX];
    if (!where) {
        size_t line, column;
        cursor_position(c, &line, &column);
        snprintf(place, sizeof place, "line %zu, column %zu", line, column);
    }
    va_list args;
    va_start(args, format);
    err_vset(e, kind, where ? where : place, format, args);
    va_end(args);
    return false;
}

bool cursor_refuse(struct cursor *c, const char *expected, const char *where,
                   struct err *e) {
    char got[GOT_MAX];
    return cursor_fail(c, ERR_INVALID, where, e, "expected %s, got %s", expected,
                       cursor_got(c, got));
}

bool cursor_mismatch(struct cursor *c, const char *expected, const char *path,
                     struct err *e) {
    cursor_peek(c);
    const char *kind = value_kind(c);
    if (kind)
        return err_set(e, ERR_INVALID, path, "expected %s, got %s", expected, kind);
    /* NaN and its like are meant as values. */
    return cursor_refuse(c, expected, word_length(c) > 0 ? path : NULL, e);
}

bool cursor_expect(struct cursor *c, char expected, const char *where, struct err *e) {
    cursor_peek(c);
    if (c->at < c->end && *c->at == expected) {
        c->at++;
        return true;
    }
    const char text[] = {'\'', expected, '\'', 0};
    return cursor_refuse(c, text, where, e);
}

bool cursor_refuse_number(struct cursor *c, enum number_scan result, const char *type,
                          const char *largest, const char *path, struct err *e) {
    bool digits = c->at < c->end && (*c->at == '-' || (*c->at >= '0' && *c->at <= '9'));
    if (result == NUMBER_SYNTAX && digits)
        return cursor_fail(c, ERR_INVALID, NULL, e, "this is not a JSON number");
    if (result == NUMBER_SYNTAX)
        return cursor_mismatch(c, "a number", path, e);
    enum { SHOWN_MAX = 24 };
    const char *behind = c->at;
    number_skip(&behind, c->end);
    bool whole = behind - c->at <= SHOWN_MAX;
    int shown = whole ? (int)(behind - c->at) : SHOWN_MAX - 3;
    return err_set(e, ERR_RANGE, path, "%.*s%s is outside %s (at most %s in magnitude)",
                   shown, c->at, whole ? "" : "...", type, largest);
}

/* Over a token, where those are values; otherwise it is an error of its own. */
static bool token_skip(struct cursor *c, bool tokens, const char *where, struct err *e) {
    const char *token = cursor_token(c);
    if (token && tokens)
        c->at += strlen(token);
    else if (token)
        cursor_fail(c, ERR_INVALID, where, e,
                    "NaN and Infinity are not JSON, and no values here");
    return token && tokens;
}

/* A number, a string, or a word. */
static bool scalar_skip(struct cursor *c, bool tokens, const char *where, struct err *e) {
    char next = cursor_peek(c);
    size_t n;
    if (next == '"')
        return cursor_string_skip(c, &n, where, e);
    if ((next >= '0' && next <= '9') || next == '-')
        return number_skip(&c->at, c->end) || token_skip(c, tokens, where, e) ||
               cursor_fail(c, ERR_INVALID, where, e, "this is not a JSON number");
    if (!value_kind(c))
        return token_skip(c, tokens, where, e) || cursor_refuse(c, "a value", where, e);
    c->at += word_length(c);
    return true;
}

static bool key_skip(struct cursor *c, const char *where, struct err *e) {
    size_t n;
    if (cursor_peek(c) != '"')
        return cursor_refuse(c, "a key", where, e);
    return cursor_string_skip(c, &n, where, e) && cursor_expect(c, ':', where, e);
}

/* The arrays and objects that are open; a bit says which of the two. */
struct nesting {
    int depth, depth_max;
    uint64_t objects[CURSOR_DEPTH_MAX / 64];
};

static bool nesting_is_object(const struct nesting *n) {
    int top = n->depth - 1;
    return n->objects[top / 64] >> (top % 64) & 1;
}

/* Moves over '[' or '{' and the first key. *empty: over the closing one as well. */
static bool container_open(struct cursor *c, struct nesting *n, bool *empty,
                           const char *where, struct err *e) {
    if (n->depth == n->depth_max)
        return cursor_fail(c, ERR_INVALID, where, e,
                           "nested too deeply (at most %d levels stand here)",
                           n->depth_max);
    bool object = *c->at++ == '{';
    *empty = cursor_peek(c) == (object ? '}' : ']');
    if (*empty) {
        c->at++;
        return true;
    }
    uint64_t bit = UINT64_C(1) << (n->depth % 64);
    uint64_t *word = &n->objects[n->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    n->depth++;
    return !object || key_skip(c, where, e);
}

/* Behind a value: moves over what closes, and over the comma (and key) before the next.
 */
static bool container_next(struct cursor *c, struct nesting *n, const char *where,
                           struct err *e) {
    while (n->depth > 0) {
        bool object = nesting_is_object(n);
        char next = cursor_peek(c);
        if (next == ',') {
            c->at++;
            return !object || key_skip(c, where, e);
        }
        if (next != (object ? '}' : ']'))
            return cursor_refuse(c, object ? "',' or '}'" : "',' or ']'", where, e);
        c->at++;
        n->depth--;
    }
    return true;
}

static bool value_skip(struct cursor *c, int depth_max, bool tokens, const char *where,
                       struct err *e) {
    assert(depth_max >= 0 && depth_max <= CURSOR_DEPTH_MAX);
    struct nesting n = {.depth_max = depth_max};
    do {
        char next = cursor_peek(c);
        if (next == '[' || next == '{') {
            bool empty = false;
            if (!container_open(c, &n, &empty, where, e))
                return false;
            if (!empty)
                continue;
        } else if (!scalar_skip(c, tokens, where, e)) {
            return false;
        }
        if (!container_next(c, &n, where, e))
            return false;
    } while (n.depth > 0);
    return true;
}

bool cursor_skip(struct cursor *c, int depth_max, const char *where, struct err *e) {
    return value_skip(c, depth_max, false, where, e);
}

bool cursor_skip_tokens(struct cursor *c, int depth_max, const char *where,
                        struct err *e) {
    return value_skip(c, depth_max, true, where, e);
}
