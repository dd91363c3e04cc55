#include "api/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/number.h"
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

static void separate(struct text *t) {
    if (t->n && !strchr("{[:", t->data[t->n - 1]))
        text_bytes(t, ",", 1);
}

void text_open(struct text *t, char open) {
    separate(t);
    text_bytes(t, &open, 1);
}

void text_close(struct text *t, char close) {
    text_bytes(t, &close, 1);
}

void text_key(struct text *t, const char *key) {
    text_json_string(t, key);
    text_bytes(t, ":", 1);
}

/* How many bytes stand for themselves: whole characters that need no escape. */
static size_t plain_bytes(const char *s, const char *end) {
    const char *at = s;
    for (size_t n = 1; n && at < end; at += n) {
        bool escaped = (unsigned char)*at < 0x20 || *at == '"' || *at == '\\';
        n = escaped ? 0 : utf8_length(at, end);
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
    separate(t);
    text_bytes(t, "\"", 1);
    for (const char *end = s + n; s < end; s++) {
        size_t plain = plain_bytes(s, end);
        text_bytes(t, s, plain);
        s += plain;
        if (s < end)
            escape(t, *s);
    }
    text_bytes(t, "\"", 1);
}

void text_json_int(struct text *t, int64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    separate(t);
    if (value < 0)
        text_bytes(t, "-", 1);
    text_bytes(t, digits + at, sizeof digits - at);
}

void text_json_float(struct text *t, float value) {
    if (!isfinite(value)) {
        text_json_null(t);
        return;
    }
    char *to = text_reserve(t, NUMBER_TEXT_MAX + 1);
    if (!to)
        return;
    if (t->n && !strchr("{[:", to[-1])) {
        *to++ = ',';
        t->n++;
    }
    t->n += number_print_float(value, to);
}

void text_json_double(struct text *t, double value) {
    if (!isfinite(value)) {
        text_json_null(t);
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
