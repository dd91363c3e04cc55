#include "api/text.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/number.h"
#include "api/plain.h"
#include "api/utf8.h"
#include "engine/memory.h"

void text_free(struct text *t) {
    free(t->data);
    *t = (struct text){0};
}

char *text_reserve(struct text *t, size_t n) {
    size_t need;
    if (t->failed || !size_add(t->n, n, &need)) {
        t->failed = true;
        return NULL;
    }
    if (need > t->capacity) {
        size_t grown = t->capacity < 256 ? 256 : t->capacity;
        while (grown < need && !__builtin_mul_overflow(grown, 2, &grown)) {
        }
        char *data = grown < need ? NULL : realloc(t->data, grown);
        if (!data) {
            t->failed = true;
            return NULL;
        }
        t->data = data;
        t->capacity = grown;
    }
    return t->data + t->n;
}

void text_advance(struct text *t, size_t n) {
    t->n += n;
}

void text_bytes(struct text *t, const char *bytes, size_t n) {
    char *to = text_reserve(t, n);
    if (!to)
        return;
    memcpy(to, bytes, n);
    t->n += n;
}

void text_string(struct text *t, const char *s) {
    text_bytes(t, s, strlen(s));
}

void text_format(struct text *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *to = n < 0 ? NULL : text_reserve(t, (size_t)n + 1);
    if (!to) {
        t->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf(to, (size_t)n + 1, format, args);
    va_end(args);
    t->n += (size_t)n;
}

char *text_take(struct text *t) {
    text_bytes(t, "", 1);
    if (t->failed) {
        text_free(t);
        return NULL;
    }
    char *data = t->data;
    *t = (struct text){0};
    return data;
}

/* Whether a comma stands before what comes next. */
static bool comma_needed(const struct text *t) {
    char last = t->n ? t->data[t->n - 1] : '[';
    return last != '[' && last != '{' && last != ':';
}

static inline void byte_put(struct text *t, char c) {
    if (!t->failed && (t->n < t->capacity || text_reserve(t, 1)))
        t->data[t->n++] = c;
}

static void separate(struct text *t) {
    if (comma_needed(t))
        byte_put(t, ',');
}

void text_open(struct text *t, char open) {
    separate(t);
    byte_put(t, open);
}

void text_close(struct text *t, char close) {
    byte_put(t, close);
}

void text_key(struct text *t, const char *key) {
    text_json_string(t, key);
    byte_put(t, ':');
}

/* Whether 4 to 7 bytes stand for themselves; the middle ones are looked at twice. */
static bool few_are_plain(const char *s, const char *end) {
    uint32_t first, last;
    memcpy(&first, s, sizeof first);
    memcpy(&last, end - sizeof last, sizeof last);
    return !plain_others(first | (uint64_t)last << 32);
}

/* How many bytes stand for themselves: whole characters that need no escape. */
static size_t plain_bytes(const char *s, const char *end) {
    const char *at = s;
    uint64_t word;
    if (end - s >= 4 && end - s < (ptrdiff_t)sizeof word && few_are_plain(s, end))
        return (size_t)(end - s);
    for (; end - at >= (ptrdiff_t)sizeof word; at += sizeof word) {
        memcpy(&word, at, sizeof word);
        if (plain_others(word))
            break;
    }
    if (end - s >= (ptrdiff_t)sizeof word && end - at < (ptrdiff_t)sizeof word) {
        memcpy(&word, end - sizeof word, sizeof word); /* some of them again */
        if (!plain_others(word))
            return (size_t)(end - s);
    }
    for (size_t n = 1; n && at < end; at += n) {
        bool escaped = (unsigned char)*at < 0x20 || *at == '"' || *at == '\\';
        n = escaped ? 0 : (unsigned char)*at < 0x80 ? 1 : utf8_length(at, end);
    }
    return (size_t)(at - s);
}

/* A byte that is not UTF-8 becomes U+FFFD: messages quote what came from outside, and cut
 * it. */
static void escape(struct text *t, char c) {
    static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *name = strchr(named, c);
    if (name)
        text_format(t, "\\%c", letters[name - named]);
    else if ((unsigned char)c < 0x20)
        text_format(t, "\\u%04x", (unsigned char)c);
    else
        text_string(t, "\xef\xbf\xbd");
}

void text_json_string(struct text *t, const char *s) {
    if (s)
        text_json_bytes(t, s, strlen(s));
    else
        text_json_null(t);
}

void text_json_bytes(struct text *t, const char *s, size_t n) {
    size_t plain = plain_bytes(s, s + n);
    char *to = text_reserve(t, plain + 3), *at = to;
    if (!to)
        return;
    if (comma_needed(t))
        *at++ = ',';
    *at++ = '"';
    memcpy(at, s, plain);
    at += plain;
    if (plain == n)
        *at++ = '"';
    t->n += (size_t)(at - to);
    if (plain == n)
        return;
    for (const char *end = s + n, *rest = s + plain; rest < end;) {
        escape(t, *rest++);
        plain = plain_bytes(rest, end);
        text_bytes(t, rest, plain);
        rest += plain;
    }
    byte_put(t, '"');
}

void text_json_int(struct text *t, int64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *to = text_reserve(t, sizeof digits + 2), *end = to;
    if (!to)
        return;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (comma_needed(t))
        *end++ = ',';
    if (value < 0)
        *end++ = '-';
    while (at < sizeof digits)
        *end++ = digits[at++];
    t->n += (size_t)(end - to);
}

void text_json_float(struct text *t, float value) {
    if (!isfinite(value)) {
        text_json_null(t);
        return;
    }
    char *to = text_reserve(t, NUMBER_TEXT_MAX + 1);
    if (!to)
        return;
    if (comma_needed(t)) {
        *to++ = ',';
        t->n++;
    }
    t->n += number_print_float(value, to);
}

/* Floats that are printed at a time: while they are, there is room for the longest. */
enum { FLOATS_AT_A_TIME = 256 };

void text_json_floats(struct text *t, const float *values, size_t n) {
    for (size_t i = 0; i < n; i += FLOATS_AT_A_TIME) {
        size_t some = n - i < FLOATS_AT_A_TIME ? n - i : FLOATS_AT_A_TIME;
        char *to = text_reserve(t, some * NUMBER_TEXT_MAX + 1), *at = to;
        if (!to)
            return;
        if (comma_needed(t))
            *at++ = ',';
        at += number_print_floats(values + i, some, at);
        t->n += (size_t)(at - to);
    }
}

/* Of at most FLOATS_AT_A_TIME columns. */
static void narrow_rows(struct text *t, const float *values, size_t rows_n,
                        size_t columns_n) {
    size_t most = FLOATS_AT_A_TIME / columns_n;
    for (size_t i = 0; i < rows_n; i += most) {
        size_t some = rows_n - i < most ? rows_n - i : most;
        char *to = text_reserve(t, some * (columns_n * NUMBER_TEXT_MAX + 2) + 1);
        char *at = to;
        if (!to)
            return;
        if (comma_needed(t))
            *at++ = ',';
        at += number_print_rows(values + i * columns_n, some, columns_n, at);
        t->n += (size_t)(at - to);
    }
}

void text_json_rows(struct text *t, const float *values, size_t rows_n,
                    size_t columns_n) {
    assert(columns_n > 0);
    if (columns_n <= FLOATS_AT_A_TIME) {
        narrow_rows(t, values, rows_n, columns_n);
        return;
    }
    for (size_t i = 0; i < rows_n; i++) {
        text_open(t, '[');
        text_json_floats(t, values + i * columns_n, columns_n);
        text_close(t, ']');
    }
}

size_t text_floats_bytes(size_t n) {
    const size_t usual = 12;
    return n * usual + (n < FLOATS_AT_A_TIME ? n : FLOATS_AT_A_TIME) * NUMBER_TEXT_MAX;
}

void text_json_double(struct text *t, double value) {
    if (!isfinite(value)) {
        text_json_null(t);
        return;
    }
    const double whole_max = 1e15; /* is written plainly */
    if (fabs(value) < whole_max && value == (double)(int64_t)value &&
        (value != 0 || !signbit(value))) {
        text_json_int(t, (int64_t)value);
        return;
    }
    separate(t);
    char *to = text_reserve(t, NUMBER_TEXT_MAX);
    if (to)
        t->n += number_print_double(value, to);
}

void text_json_bool(struct text *t, bool value) {
    text_json_raw(t, value ? "true" : "false");
}

void text_json_null(struct text *t) {
    text_json_raw(t, "null");
}

void text_json_raw(struct text *t, const char *json) {
    separate(t);
    text_string(t, json ? json : "null");
}

void text_json_time(struct text *t, int64_t ms) {
    if (!ms) {
        text_json_null(t);
        return;
    }
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    separate(t);
    text_format(t, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                (int)(ms % 1000));
}

void text_member_string(struct text *t, const char *key, const char *value) {
    text_key(t, key);
    text_json_string(t, value && *value ? value : NULL);
}

void text_member_int(struct text *t, const char *key, int64_t value) {
    text_key(t, key);
    text_json_int(t, value);
}

void text_member_double(struct text *t, const char *key, double value) {
    text_key(t, key);
    text_json_double(t, value);
}

void text_member_bool(struct text *t, const char *key, bool value) {
    text_key(t, key);
    text_json_bool(t, value);
}

void text_member_time(struct text *t, const char *key, int64_t ms) {
    text_key(t, key);
    text_json_time(t, ms);
}

void text_member_count(struct text *t, const char *key, int64_t value) {
    text_key(t, key);
    if (value)
        text_json_int(t, value);
    else
        text_json_null(t);
}
