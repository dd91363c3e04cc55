#include "api/text.h"

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/check.h"

static void check_taken(struct text *t, const char *want) {
    char *got = text_take(t);
    CHECK_TEXT(got, want);
    CHECK(!t->data && !t->n && !t->failed);
    free(got);
}

/* A comma stands before each value and key but the first behind a bracket or a colon. */
static void test_commas(void) {
    struct text t = {0};
    text_open(&t, '{');
    text_key(&t, "a");
    text_json_int(&t, 1);
    text_key(&t, "b");
    text_open(&t, '[');
    text_json_float(&t, 0.5f);
    text_json_float(&t, -0.0f);
    text_json_double(&t, 0.1);
    text_json_string(&t, "x");
    text_json_bool(&t, true);
    text_json_bool(&t, false);
    text_json_null(&t);
    text_open(&t, '[');
    text_close(&t, ']');
    text_open(&t, '{');
    text_close(&t, '}');
    text_json_raw(&t, "{\"r\":1}");
    text_json_raw(&t, NULL);
    text_json_string(&t, NULL);
    text_close(&t, ']');
    text_key(&t, "c");
    text_json_double(&t, 2);
    text_close(&t, '}');
    check_taken(&t,
                "{\"a\":1,\"b\":[0.5,-0,0.1,\"x\",true,false,null,[],{},{\"r\":1},null,"
                "null],\"c\":2}");
    check_taken(&t, "");
}

static void test_numbers(void) {
    struct text t = {0};
    text_open(&t, '[');
    text_json_int(&t, INT64_MIN);
    text_json_int(&t, INT64_MAX);
    text_json_float(&t, FLT_MAX);
    text_json_float(&t, 0.1f);
    text_json_float(&t, 16777216.0f);
    text_json_float(&t, NAN);
    text_json_float(&t, -INFINITY);
    text_json_double(&t, INFINITY);
    text_json_double(&t, NAN);
    text_json_double(&t, DBL_MAX);
    text_json_double(&t, 9007199254740992.0);
    text_close(&t, ']');
    check_taken(&t, "[-9223372036854775808,9223372036854775807,3.4028235e38,0.1,16777216,"
                    "null,null,null,null,1.7976931348623157e308,9007199254740992]");
}

static void check_string(const char *s, const char *want) {
    struct text t = {0};
    text_json_string(&t, s);
    json_t *value = json_loadb(t.data, t.n, JSON_DECODE_ANY, NULL);
    CHECK_SAY(json_is_string(value), "not JSON: %.*s", (int)t.n, t.data);
    json_decref(value);
    check_taken(&t, want);
}

static void test_strings(void) {
    check_string("", "\"\"");
    check_string("a\"b\\c/", "\"a\\\"b\\\\c/\"");
    check_string("\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
    check_string("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
                 "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    /* What is not UTF-8: alone, cut short, overlong, a surrogate, beyond the last. */
    check_string("a\xff"
                 "b",
                 "\"a\xef\xbf\xbd"
                 "b\"");
    check_string("\xf0\x9f\x98", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_string("\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    check_string("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_string("\xf4\x90\x80\x80",
                 "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_string("\xc3", "\"\xef\xbf\xbd\"");
    check_string("\xc3\"", "\"\xef\xbf\xbd\\\"\"");
}

/* Every byte, alone and at each place of short and longer strings: the string is JSON and
 * reads back to the same where it is ASCII. */
static void test_every_byte(void) {
    enum { LENGTH_MAX = 18 };
    for (int c = 1; c < 256; c++)
        for (size_t n = 1; n <= LENGTH_MAX; n++)
            for (size_t at = 0; at < n; at++) {
                char s[LENGTH_MAX + 1] = "abcdefghijklmnopqr", want[2 * LENGTH_MAX + 4];
                s[at] = (char)c;
                s[n] = '\0';
                bool ascii = c < 0x80;
                snprintf(want, sizeof want, "%.*s%s%s", (int)at, s,
                         ascii ? (char[]){(char)c, 0} : "\xef\xbf\xbd", s + at + 1);
                struct text t = {0};
                text_json_string(&t, s);
                json_t *value = json_loadb(t.data, t.n, JSON_DECODE_ANY, NULL);
                const char *back = json_string_value(value);
                CHECK_SAY(back && strcmp(back, want) == 0, "byte %d at %zu of %zu", c, at,
                          n);
                json_decref(value);
                text_free(&t);
            }
}

/* Floats and rows of them, more than go at a time, follow what is there. */
static void test_floats(void) {
    enum { N = 1200 };
    static const size_t widths[] = {1, 2, 3, 255, 256, 257, 400, 1200};
    float values[N];
    for (size_t i = 0; i < N; i++)
        values[i] = (float)i / 7;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        struct text got = {0}, want = {0};
        size_t width = widths[w], rows_n = N / width;
        text_open(&got, '[');
        text_json_rows(&got, values, rows_n, width);
        text_json_floats(&got, values, N);
        text_json_rows(&got, values, 0, width);
        text_json_floats(&got, values, 0);
        text_json_rows(&got, values, 1, width);
        text_close(&got, ']');
        text_open(&want, '[');
        for (size_t i = 0; i < rows_n; i++) {
            text_open(&want, '[');
            for (size_t j = 0; j < width; j++)
                text_json_float(&want, values[i * width + j]);
            text_close(&want, ']');
        }
        for (size_t i = 0; i < N; i++)
            text_json_float(&want, values[i]);
        text_open(&want, '[');
        for (size_t j = 0; j < width; j++)
            text_json_float(&want, values[j]);
        text_close(&want, ']');
        text_close(&want, ']');
        char *wanted = text_take(&want);
        CHECK_SAY(got.n == strlen(wanted) && memcmp(got.data, wanted, got.n) == 0,
                  "rows of %zu", width);
        free(wanted);
        text_free(&got);
    }
}

static void test_times(void) {
    struct text t = {0};
    text_open(&t, '[');
    text_json_time(&t, 0);
    text_json_time(&t, 1);
    text_json_time(&t, 951782399999); /* behind it, the 29th of February 2000 */
    text_json_time(&t, 951782400000);
    text_json_time(&t, 4102444800000);
    text_close(&t, ']');
    check_taken(&t, "[null,\"1970-01-01T00:00:00.001Z\",\"2000-02-28T23:59:59.999Z\","
                    "\"2000-02-29T00:00:00.000Z\",\"2100-01-01T00:00:00.000Z\"]");
}

static void test_growth(void) {
    struct text t = {0};
    for (int i = 0; i < 100000; i++)
        text_format(&t, "%d,", i % 10);
    CHECK(!t.failed && t.n == 200000 && t.capacity >= t.n && t.capacity < 4 * t.n);
    CHECK(memcmp(t.data + 199980, "0,1,2,3,4,5,6,7,8,9,", 20) == 0);
    text_free(&t);
    char *room = text_reserve(&t, 3);
    if (CHECK(room)) {
        memcpy(room, "abc", 3);
        text_advance(&t, 2);
    }
    check_taken(&t, "ab");
}

/* Once memory is refused, the text is lost and says so at its end. */
static void test_failure(void) {
    struct text t = {0};
    text_string(&t, "a");
    CHECK(!text_reserve(&t, SIZE_MAX));
    CHECK(t.failed);
    text_string(&t, "b");
    text_json_float(&t, 1);
    text_json_double(&t, 1);
    text_json_floats(&t, (float[]){1, 2}, 2);
    text_json_rows(&t, (float[]){1, 2}, 1, 2);
    text_json_string(&t, "c");
    CHECK(t.n == 1);
    CHECK(!text_take(&t));
    CHECK(!t.data && !t.failed);
}

int main(void) {
    CHECK_RUN(test_commas);
    CHECK_RUN(test_numbers);
    CHECK_RUN(test_strings);
    CHECK_RUN(test_every_byte);
    CHECK_RUN(test_floats);
    CHECK_RUN(test_times);
    CHECK_RUN(test_growth);
    CHECK_RUN(test_failure);
    return check_done();
}
