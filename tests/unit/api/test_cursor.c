#include "api/cursor.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

/* A text in a block of exactly its size: a read behind it is seen by the sanitizer. */
struct text {
    char *block;
    struct cursor c;
};

static struct text text_new_n(const char *from, size_t n) {
    struct text t = {malloc(n ? n : 1), {0}};
    if (!t.block)
        abort();
    memcpy(t.block, from, n);
    t.c = (struct cursor){t.block, t.block, t.block + n};
    return t;
}
static struct text text_new(const char *from) {
    return text_new_n(from, strlen(from));
}

static bool skips(const char *from, size_t n) {
    struct text t = text_new_n(from, n);
    struct err e = {0};
    bool ok = cursor_skip(&t.c, 16, NULL, &e);
    if (ok)
        CHECK_SAY(e.kind == ERR_NONE, "%.*s", (int)n, from);
    else
        CHECK_SAY(e.kind == ERR_INVALID && e.text[0] && strncmp(e.where, "line ", 5) == 0,
                  "%.*s: %s", (int)n, from, e.where);
    ok = ok && t.c.at == t.c.end;
    free(t.block);
    return ok;
}

static void test_skip_accepts(void) {
    static const char *const texts[] = {
        "0",
        "-0",
        "1.5e-7",
        "1e999",
        "true",
        "false",
        "null",
        "\"\"",
        "[]",
        "{}",
        " [ ] ",
        "\t\r\n {\"a\" : [1 , {\"b\":null}, [[]]] , \"\" : \"\"}",
        "[[[],{}],{\"a\":{}}]",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u00fF\\ud83d\\ude00\"",
        "\"\x7f\"",
        "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"",
        "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
        "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t n = strlen(texts[i]);
        while (n && texts[i][n - 1] == ' ')
            n--; /* what follows is not the value's */
        CHECK_SAY(skips(texts[i], n), "%s", texts[i]);
    }
}

static void test_skip_refuses(void) {
    static const char *const texts[] = {"",
                                        " ",
                                        "-",
                                        "01",
                                        "1.",
                                        ".1",
                                        "+1",
                                        "1e",
                                        "tru",
                                        "truee",
                                        "True",
                                        "nul",
                                        "NaN",
                                        "Infinity",
                                        "-Infinity",
                                        "'a'",
                                        "[",
                                        "]",
                                        "{",
                                        "}",
                                        "[,]",
                                        "[1,]",
                                        "[,1]",
                                        "[1 2]",
                                        "[1}",
                                        "{1:2}",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{,}",
                                        "{\"a\" 1}",
                                        "{\"a\":1]",
                                        "{\"a\":1 \"b\":2}",
                                        "{a:1}",
                                        "[1;2]",
                                        "[//\n1]",
                                        "\"",
                                        "\"a",
                                        "\"\\\"",
                                        "\"\\",
                                        "\"\\x41\"",
                                        "\"\\'\"",
                                        "\"\\u12\"",
                                        "\"\\u12g4\"",
                                        "\"\\u000",
                                        "\"\\u0000\"",
                                        "\"\\ud800\"",
                                        "\"\\udc00\"",
                                        "\"\\ud800\\ud800\"",
                                        "\"\\ud800x\"",
                                        "\"\\ud83d\\u",
                                        "\"\\ud83d\\n\"",
                                        "\"\t\"",
                                        "\"\n\"",
                                        "\"\x1f\"",
                                        "\"\x80\"",
                                        "\"\xbf\"",
                                        "\"\xc0\x80\"",
                                        "\"\xc1\xbf\"",
                                        "\"\xc2\"",
                                        "\"\xc2",
                                        "\"\xc2x\"",
                                        "\"\xe0\x9f\xbf\"",
                                        "\"\xe2\x82\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\xed\xbf\xbf\"",
                                        "\"\xf0\x8f\xbf\xbf\"",
                                        "\"\xf4\x90\x80\x80\"",
                                        "\"\xf5\x80\x80\x80\"",
                                        "\"\xff\"",
                                        "\"\xf0\x9f\x98\"",
                                        "\xef\xbb\xbf[]",
                                        "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
                                        "{\"\\ud800\":1}",
                                        "\v1",
                                        "[1\f]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        CHECK_SAY(!skips(texts[i], strlen(texts[i])), "%s", texts[i]);
    CHECK(!skips("\"\0\"", 3));
    CHECK(!skips("[\0]", 3));
    CHECK(!skips("\0", 1));
}

/* No beginning of a value that needs its end is a value. */
static void test_skip_prefixes(void) {
    static const char text[] =
        "{\"k\\u00e9y\": [1.5e-3, true, {\"a\": \"\xf0\x9f\x98\x80 "
        "\\ud83d\\ude00\\n\"}, null, [], {}], \"b\": -0.1}";
    for (size_t n = 0; n < sizeof text - 1; n++)
        CHECK_SAY(!skips(text, n), "the first %zu bytes", n);
    CHECK(skips(text, sizeof text - 1));
}

static void test_skip_deep(void) {
    enum { N = 1 << 20 };
    char *deep = malloc(N);
    if (!deep)
        abort();
    memset(deep, '[', N);
    CHECK(!skips(deep, N));
    for (size_t i = 0; i + 5 <= N; i += 5)
        memcpy(deep + i, "{\"a\":", 5);
    CHECK(!skips(deep, N));
    /* The largest depth there is, mixed: the bits must not run into each other. */
    size_t n = 0;
    for (int i = 0; i < CURSOR_DEPTH_MAX; i++) {
        memcpy(deep + n, i % 3 ? "[0,{},[]," : "{\"a\":", i % 3 ? 9 : 5);
        n += i % 3 ? 9 : 5;
    }
    deep[n++] = '1';
    for (int i = CURSOR_DEPTH_MAX - 1; i >= 0; i--)
        deep[n++] = i % 3 ? ']' : '}';
    struct cursor c = {deep, deep, deep + n};
    struct err e = {0};
    /* The innermost is an object, so that its [] stands at the largest depth but one. */
    CHECK((CURSOR_DEPTH_MAX - 1) % 3 == 0);
    CHECK_SAY(cursor_skip(&c, CURSOR_DEPTH_MAX, NULL, &e), "%s: %s", e.where, e.text);
    CHECK(c.at == c.end);
    c.at = deep;
    CHECK(!cursor_skip(&c, CURSOR_DEPTH_MAX - 1, "/here", &e));
    CHECK_TEXT(e.where, "/here");
    CHECK(e.kind == ERR_INVALID && strstr(e.text, "nested too deeply"));
    struct err none = {0};
    struct cursor flat = {"1", "1", NULL};
    flat.start = "1]";
    flat.at = flat.start;
    flat.end = flat.start + 2;
    CHECK(cursor_skip(&flat, 0, NULL, &none) && *flat.at == ']');
    free(deep);
}

static void check_string(const char *json, const char *want) {
    struct text t = text_new(json);
    struct err e = {0};
    char *got = cursor_string(&t.c, 100, NULL, &e);
    CHECK_TEXT(got, want);
    CHECK(t.c.at == t.c.end);
    t.c.at = t.c.start;
    char buffer[64];
    size_t n = 99;
    CHECK(cursor_decode(&t.c, buffer, sizeof buffer, &n, NULL, &e) && n == strlen(want) &&
          memcmp(buffer, want, n) == 0);
    t.c.at = t.c.start;
    struct cursor_text text;
    CHECK(cursor_text(&t.c, 100, &text, NULL, &e) && t.c.at == t.c.end &&
          text.n == strlen(want) && memcmp(text.text, want, n) == 0);
    CHECK(strchr(json, '\\') ? text.owned == text.text
                             : !text.owned && text.text == t.c.start + 1);
    free(text.owned);
    t.c.at = t.c.start;
    CHECK(cursor_string_is(&t.c, want));
    char other[64];
    snprintf(other, sizeof other, "%sx", want);
    CHECK(!cursor_string_is(&t.c, other));
    if (want[0]) {
        other[strlen(want) - 1] = 0;
        CHECK(!cursor_string_is(&t.c, other));
        snprintf(other, sizeof other, "%s", want);
        other[0] ^= 1;
        CHECK(!cursor_string_is(&t.c, other));
    }
    free(got);
    free(t.block);
}

static void test_string(void) {
    check_string("\"\"", "");
    check_string("\"abc\"", "abc");
    check_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
    check_string("\"inst\\u0061nces\"", "instances");
    check_string("\"\\u007f\\u0080\\u07FF\\u0800\\uffff\"",
                 "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
    check_string("\"\\uD83D\\uDE00\\ud800\\udc00\\udbff\\udfff\"",
                 "\xf0\x9f\x98\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
    check_string("\"a\xf0\x9f\x98\x80z\"", "a\xf0\x9f\x98\x80z");
}

/* Any byte at any place of a string, which is read by several at a time. */
static void test_string_bytes(void) {
    enum { N = 20 };
    for (size_t place = 0; place < N; place++)
        for (int byte = 1; byte < 256; byte++) {
            char json[N + 3] = "\"";
            memset(json + 1, 'x', N);
            json[1 + place] = (char)byte;
            json[1 + N] = '"';
            struct text t = text_new(json);
            struct err e = {0};
            struct cursor_text text;
            bool ok = cursor_text(&t.c, N, &text, NULL, &e), bare = byte == '"';
            bool good = byte >= 0x20 && byte < 0x80 && byte != '\\';
            CHECK_SAY(ok == good, "byte %d at %zu: %s", byte, place, e.text);
            CHECK(!ok || (text.n == (bare ? place : N) && !text.owned));
            size_t at = 1 + (bare ? place + 1 : good ? N + 1 : place);
            bool closes = byte != '\\' || place + 1 < N; /* that one is no quote then */
            CHECK(!closes || t.c.at == t.c.start + at);
            free(t.block);
        }
}

static void test_string_refuses(void) {
    struct text t = text_new("  \"abcdef\"");
    struct err e = {0};
    CHECK(!cursor_string(&t.c, 5, "/x", &e));
    CHECK(e.kind == ERR_TOO_LARGE);
    CHECK_TEXT(e.where, "/x");
    CHECK_TEXT(e.text, "a string of more than 5 bytes");
    t.c.at = t.c.start;
    e = (struct err){0};
    char *whole = cursor_string(&t.c, 6, "/x", &e);
    CHECK_TEXT(whole, "abcdef");
    free(whole);
    free(t.block);

    t = text_new("\n 12");
    CHECK(!cursor_string(&t.c, 5, NULL, &e));
    CHECK_TEXT(e.where, "line 2, column 2");
    CHECK_TEXT(e.text, "expected a string, got '1'");
    free(t.block);

    static const char *const texts[] = {
        "\"abc", "\"a\\\"", "\"\\ud800\"", "\"\\u0000\"", "\"\xff\"", "\"\x01\"", ""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        t = text_new(texts[i]);
        e = (struct err){0};
        CHECK(!cursor_string(&t.c, 100, NULL, &e) && e.kind == ERR_INVALID);
        struct cursor_text text;
        t.c.at = t.c.start;
        CHECK(!cursor_text(&t.c, 100, &text, NULL, &e) && !text.owned);
        free(t.block);
    }
}

/* Where they are values; the rest of the grammar is as it was. */
static void test_tokens(void) {
    static const char *const good[] = {"NaN", "-Infinity", "[NaN,Infinity, -Infinity ]",
                                       "{\"a\":[NaN],\"b\":1}"};
    static const char *const bad[] = {"-NaN",      "NaNa",       "nan",     "[Infinity2]",
                                      "+Infinity", "- Infinity", "{NaN:1}", "Inf"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct text t = text_new(good[i]);
        struct err e = {0};
        CHECK_SAY(cursor_skip_tokens(&t.c, 8, NULL, &e), "%s: %s", good[i], e.text);
        CHECK(t.c.at == t.c.end);
        t.c.at = t.c.start;
        CHECK(!cursor_skip(&t.c, 8, NULL, &e) && strstr(e.text, "NaN and Infinity"));
        free(t.block);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct text t = text_new(bad[i]);
        struct err e = {0};
        CHECK_SAY(!cursor_skip_tokens(&t.c, 8, NULL, &e), "%s", bad[i]);
        free(t.block);
    }
}

static void test_kind(void) {
    static const char *const cases[][2] = {{"\"a\"", "a string"},
                                           {" [", "an array"},
                                           {"\n{", "an object"},
                                           {"-1", "a number"},
                                           {"7", "a number"},
                                           {"true", "a boolean"},
                                           {"false,", "a boolean"},
                                           {"null]", "null"},
                                           {"", "the end"},
                                           {"  ", "the end"},
                                           {"nulll", "no JSON value"},
                                           {"NaN", "NaN"},
                                           {"-Infinity]", "-Infinity"},
                                           {"Infinity", "Infinity"},
                                           {"-NaN", "a number"},
                                           {"NaNs", "no JSON value"},
                                           {"Infinit", "no JSON value"},
                                           {"}", "no JSON value"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text t = text_new(cases[i][0]);
        CHECK_TEXT(cursor_kind(&t.c), cases[i][1]);
        free(t.block);
    }
}

static void check_message(const char *json, const char *where, const char *text) {
    struct text t = text_new(json);
    struct err e = {0};
    CHECK(!cursor_skip(&t.c, 8, NULL, &e));
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, text);
    free(t.block);
}

static void test_messages(void) {
    check_message("[1}", "line 1, column 3", "expected ',' or ']', got '}'");
    check_message("{\"a\":1]", "line 1, column 7", "expected ',' or '}', got ']'");
    check_message("[\n  1,\n]", "line 3, column 1", "expected a value, got ']'");
    check_message("[1, NaN]", "line 1, column 5",
                  "NaN and Infinity are not JSON, and no values here");
    check_message("[-Infinity]", "line 1, column 2",
                  "NaN and Infinity are not JSON, and no values here");
    check_message("[\"\xc3\xa9\xf0\x9f\x98\x80\" NaN]", "line 1, column 7",
                  "expected ',' or ']', got 'NaN'");
    check_message("{\"a\" 1}", "line 1, column 6", "expected ':', got '1'");
    check_message("{a", "line 1, column 2", "expected a key, got 'a'");
    check_message("[", "line 1, column 2", "expected a value, got the end");
    check_message("[\x01", "line 1, column 2", "expected a value, got byte 0x01");
    check_message("[Hippopotamuses]", "line 1, column 2",
                  "expected a value, got 'Hippopota...'");
    check_message("[01]", "line 1, column 2", "this is not a JSON number");
    check_message("[\"ab\\x\"]", "line 1, column 5", "this is not an escape of JSON");
    check_message("[\"ab\n\"]", "line 1, column 5",
                  "a control character must be escaped");
    check_message("[\"ab\xff\"]", "line 1, column 5", "this is not UTF-8");
    check_message("[\"ab", "line 1, column 5", "a string without its closing quote");
    check_message("[[[[[[[[[", "line 1, column 9",
                  "nested too deeply (at most 8 levels stand here)");
}

static void test_expect(void) {
    struct text t = text_new(" \n: x");
    struct err e = {0};
    CHECK(cursor_expect(&t.c, ':', "/a", &e) && t.c.at == t.c.start + 3);
    CHECK(cursor_peek(&t.c) == 'x');
    CHECK(!cursor_expect(&t.c, ']', "/a", &e));
    CHECK_TEXT(e.where, "/a");
    CHECK_TEXT(e.text, "expected ']', got 'x'");
    free(t.block);
    t = text_new("");
    CHECK(cursor_peek(&t.c) == 0);
    CHECK(!cursor_expect(&t.c, 0, NULL, &e));
    free(t.block);
}

int main(void) {
    CHECK_RUN(test_skip_accepts);
    CHECK_RUN(test_skip_refuses);
    CHECK_RUN(test_skip_prefixes);
    CHECK_RUN(test_skip_deep);
    CHECK_RUN(test_string);
    CHECK_RUN(test_string_bytes);
    CHECK_RUN(test_string_refuses);
    CHECK_RUN(test_tokens);
    CHECK_RUN(test_kind);
    CHECK_RUN(test_messages);
    CHECK_RUN(test_expect);
    return check_done();
}
