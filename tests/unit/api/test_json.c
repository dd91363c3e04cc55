#include "api/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/check.h"

static json_t *read_text(const char *text) {
    struct err e = {0};
    json_t *root = json_read(text, strlen(text), &e);
    CHECK_SAY(root, "%s: %s", text, e.text);
    return root;
}

static void check_unreadable(const char *text, enum err_kind kind, const char *where,
                             const char *message) {
    struct err e = {0};
    CHECK_SAY(!json_read(text, strlen(text), &e), "%s", text);
    CHECK_SAY(e.kind == kind, "%s: kind %d", text, e.kind);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, message);
}

static void test_read(void) {
    json_decref(read_text(" {\"a\":1} "));
    check_unreadable("{\"a\":1}x", ERR_INVALID, "line 1, column 8",
                     "not valid JSON: end of file expected near 'x'");
    check_unreadable("{\n\"a\":}", ERR_INVALID, "line 2, column 5",
                     "not valid JSON: unexpected token near '}'");
    check_unreadable("{\"a\":1,\"a\":2}", ERR_INVALID, "/a",
                     "duplicate key: \"a\" is given twice");
    /* Beyond 64 bits it is still a number: its own bounds refuse it where it stands. */
    json_t *huge = read_text("{\"a\":9223372036854775808}");
    CHECK(json_number_value(json_object_get(huge, "a")) == 9223372036854775808.0);
    json_decref(huge);
    check_unreadable("{\"a\":1e309}", ERR_RANGE, "/a", "a number beyond float64");
    check_unreadable("[{\"b/\":[1,{\"c\":{}},\"1e400\",-1e400]}]", ERR_RANGE, "/0/b~1/3",
                     "a number beyond float64");
    check_unreadable("{\"a\":[],\"b\":{\"x\":{\"a\":1},\"a\":2,\"\\u0061\":[3]}}",
                     ERR_INVALID, "/b/a", "duplicate key: \"a\" is given twice");
    check_unreadable("[[{}],[],[{\"a\":\"{\",\"b\":[]},{\"b\":1e300,\"a\":1,\"b\":0}]]",
                     ERR_INVALID, "/2/1/b", "duplicate key: \"b\" is given twice");
    check_unreadable("{\"a\":NaN}", ERR_INVALID, "line 1, column 8",
                     "not valid JSON: invalid token near 'NaN'");
    static const char nul[] = "{\"a\":\n1\0}";
    struct err e = {0};
    CHECK(!json_read(nul, sizeof nul - 1, &e) && e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, "line 2, column 2");
    CHECK_TEXT(e.text, "expected JSON, got byte 0x00");
    check_unreadable("7", ERR_INVALID, "line 1, column 1",
                     "not valid JSON: '[' or '{' expected near '7'");
}

static void check_kind(const char *text, const char *kind) {
    json_t *root = read_text(text);
    CHECK_TEXT(json_kind(json_array_get(root, 0)), kind);
    json_decref(root);
}

static void test_kinds(void) {
    check_kind("[{}]", "an object");
    check_kind("[[]]", "an array");
    check_kind("[\"\"]", "a string");
    check_kind("[1]", "a number");
    check_kind("[1.5]", "a number");
    check_kind("[true]", "a boolean");
    check_kind("[false]", "a boolean");
    check_kind("[null]", "null");
    check_kind("[]", "nothing");
}

/* ---- paths
 * ------------------------------------------------------------------------------ */

static void test_paths(void) {
    char path[ERR_WHERE_MAX], longer[ERR_WHERE_MAX];
    json_path_key(path, "", "a");
    CHECK_TEXT(path, "/a");
    json_path_index(longer, path, 12);
    CHECK_TEXT(longer, "/a/12");
    json_path_key(path, "/x", "a/b~c");
    CHECK_TEXT(path, "/x/a~1b~0c");
    json_path_key(path, "", "");
    CHECK_TEXT(path, "/");
    /* What does not fit is cut, never torn in an escape. */
    char name[400];
    memset(name, '~', sizeof name);
    name[sizeof name - 1] = '\0';
    json_path_key(path, "", name);
    size_t n = strlen(path);
    CHECK(n < ERR_WHERE_MAX && n > ERR_WHERE_MAX - 5 && path[n - 1] == '0');
    json_path_key(longer, path, name);
    CHECK(strlen(longer) < ERR_WHERE_MAX);
    memset(name, 'a', sizeof name - 1);
    json_path_key(path, "", name);
    json_path_key(longer, path, name);
    json_path_index(path, longer, 7);
    CHECK(strlen(path) < ERR_WHERE_MAX && strncmp(path, "/aaaa", 5) == 0);
}

/* ---- keys
 * ------------------------------------------------------------------------------- */

static const struct json_key keys[] = {
    {"rate", "lr step"}, {"epochs", NULL}, {"a/b", NULL}};

static void test_match(void) {
    struct json_slot slots[3];
    struct err e = {0};
    json_t *root = read_text("{\"step\":1,\"a/b\":null}");
    CHECK(json_match(root, keys, 3, "/p", slots, &e));
    CHECK(json_integer_value(slots[0].value) == 1);
    CHECK_TEXT(slots[0].path, "/p/step");
    CHECK(!slots[1].value);
    CHECK_TEXT(slots[1].path, "/p/epochs");
    CHECK(json_is_null(slots[2].value));
    CHECK_TEXT(slots[2].path, "/p/a~1b");
    json_decref(root);
}

static void check_mismatch(const char *text, const char *where, const char *message) {
    struct json_slot slots[3];
    struct err e = {0};
    json_t *root = read_text(text);
    CHECK_SAY(!json_match(root, keys, 3, "/p", slots, &e), "%s", text);
    CHECK(e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, message);
    json_decref(root);
}

static void test_mismatch(void) {
    check_mismatch("[]", "/p", "expected an object, got an array");
    check_mismatch("{\"epoch\":1}", "/p/epoch",
                   "unknown key \"epoch\"; the nearest known one is \"epochs\"");
    check_mismatch("{\"stepp\":1}", "/p/stepp",
                   "unknown key \"stepp\"; the nearest known one is \"rate\"");
    check_mismatch("{\"\":1}", "/p/",
                   "unknown key \"\"; known here: \"rate\",\"epochs\",\"a/b\"");
    check_mismatch("{\"rate\":1,\"lr\":1}", "/p/lr",
                   "\"lr\" is another spelling of /p/rate: give one");
    check_mismatch("{\"step\":1,\"rate\":1}", "/p/rate",
                   "\"rate\" is another spelling of /p/step: give one");
    check_mismatch("{\"lr step\":1}", "/p/lr step",
                   "unknown key \"lr step\"; known here: \"rate\",\"epochs\",\"a/b\"");
    check_mismatch(
        "{\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\":1}",
        "/p/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "unknown key \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "\"; known here: \"rate\",\"epochs\",\"a/b\"");
}

/* ---- values
 * ----------------------------------------------------------------------------- */

/* The slot of [text]. */
struct value {
    json_t *root;
    struct json_slot slot;
};
static struct value value_of(const char *text) {
    char array[128];
    snprintf(array, sizeof array, "[%s]", text);
    struct value v = {.root = read_text(array)};
    v.slot.value = json_array_get(v.root, 0);
    strcpy(v.slot.path, "/v");
    return v;
}

static void check_int(const char *text, int64_t want) {
    struct value v = value_of(text);
    struct err e = {0};
    int64_t got = -99;
    CHECK_SAY(json_int(&v.slot, INT64_MIN, INT64_MAX, &got, &e), "%s: %s", text, e.text);
    CHECK_SAY(got == want, "%s: %lld", text, (long long)got);
    json_decref(v.root);
}

static void check_no_int(const char *text, enum err_kind kind, const char *message) {
    struct value v = value_of(text);
    struct err e = {0};
    int64_t got = -99;
    CHECK_SAY(!json_int(&v.slot, 1, 1000, &got, &e), "%s", text);
    CHECK(got == -99);
    CHECK_SAY(e.kind == kind, "%s: kind %d", text, e.kind);
    CHECK_TEXT(e.where, "/v");
    CHECK_TEXT(e.text, message);
    json_decref(v.root);
}

static void test_int(void) {
    check_int("1e3", 1000);
    check_int("10.0", 10);
    check_int("-2.50e1", -25);
    check_int("-0", 0);
    check_int("-0.0", 0);
    check_int("9223372036854775807", INT64_MAX);
    check_int("-9223372036854775808", INT64_MIN);
    check_int("9007199254740992.0", INT64_C(1) << 53);
    check_int("-9007199254740992e0", -(INT64_C(1) << 53));
    check_no_int("0", ERR_RANGE, "expected an integer from 1 to 1000, got 0");
    check_no_int("1001", ERR_RANGE, "expected an integer from 1 to 1000, got 1001");
    check_no_int("1001.0", ERR_RANGE, "expected an integer from 1 to 1000, got 1001");
    check_no_int("1e300", ERR_RANGE, "expected an integer from 1 to 1000, got 1e+300");
    check_no_int("1.5", ERR_INVALID, "expected an integer, got 1.5");
    check_no_int("\"1\"", ERR_INVALID, "expected an integer, got a string");
    check_no_int("true", ERR_INVALID, "expected an integer, got a boolean");
    check_no_int("null", ERR_INVALID, "expected an integer, got null");
    struct json_slot none = {0};
    struct err e = {0};
    int64_t kept = 5;
    CHECK(json_int(&none, 1, 2, &kept, &e) && kept == 5);
}

static void test_bool_and_text(void) {
    struct value v = value_of("true");
    struct err e = {0};
    bool yes = false;
    const char *text = "kept";
    CHECK(json_bool(&v.slot, &yes, &e) && yes);
    CHECK(!json_text(&v.slot, &text, &e) && strcmp(text, "kept") == 0);
    CHECK_TEXT(e.text, "expected a string, got a boolean");
    json_decref(v.root);
    v = value_of("\"x\"");
    e = (struct err){0};
    CHECK(json_text(&v.slot, &text, &e) && strcmp(text, "x") == 0);
    CHECK(!json_bool(&v.slot, &yes, &e) && yes);
    CHECK_TEXT(e.text, "expected true or false, got a string");
    json_decref(v.root);
}

static void check_float(const char *text, struct json_bounds bounds, bool ok,
                        float want) {
    struct value v = value_of(text);
    struct err e = {0};
    float got = -99;
    CHECK_SAY(json_float(&v.slot, bounds, &got, &e) == ok, "%s: %s", text, e.text);
    CHECK_SAY(memcmp(&got, &want, sizeof got) == 0 || !ok, "%s: %.9g", text, (double)got);
    CHECK(ok || (got == -99 && e.kind == ERR_RANGE));
    json_decref(v.root);
}

static void test_float(void) {
    const struct json_bounds positive = {.max = FLT_MAX, .above = true},
                             share = {.max = 1, .below = true};
    check_float("1", positive, true, 1);
    check_float("3.4028235e38", positive, true, FLT_MAX);
    check_float("3.4028236e38", positive, false, 0);
    check_float("1e300", positive, false, 0);
    check_float("1e-45", positive, true, 1.4e-45f);
    check_float("1e-50", positive, false, 0);
    check_float("0", positive, false, 0);
    check_float("-1", positive, false, 0);
    check_float("0", share, true, 0);
    check_float("-0.0", share, true, 0);
    check_float("0.9999999", share, true, 0.9999999f);
    check_float("0.99999998", share, false, 0);
    check_float("-1e-50", share, false, 0);
    check_float("1", (struct json_bounds){.max = 1}, true, 1);
    struct value v = value_of("\"1\"");
    struct err e = {0};
    float got = 1;
    CHECK(!json_float(&v.slot, positive, &got, &e) && e.kind == ERR_INVALID);
    json_decref(v.root);
}

static void check_double(const char *text, struct json_bounds bounds, double want,
                         const char *error) {
    struct value v = value_of(text);
    struct err e = {0};
    double got = -99;
    bool ok = json_double(&v.slot, bounds, &got, &e);
    CHECK_SAY(ok == !*error, "%s", text);
    CHECK_SAY(memcmp(&got, ok ? &want : &(double){-99}, sizeof got) == 0, "%s: %.17g",
              text, got);
    CHECK_TEXT(e.text, error);
    json_decref(v.root);
}

static void test_double(void) {
    const struct json_bounds any = {.max = DBL_MAX}, share = {.max = 1, .below = true},
                             day = {.min = 0.01, .max = 86400};
    check_double("1e300", any, 1e300, "");
    check_double("0.1", any, 0.1, "");
    check_double("-0.0", any, 0, "");
    check_double("0.99999999999", share, 0.99999999999, "");
    check_double("1", share, 0, "expected a number of at least 0 and below 1, got 1");
    check_double("-1", any, 0, "expected a number of at least 0, got -1");
    check_double("0.001", day, 0,
                 "expected a number of at least 0.01 and at most 86400, got 0.001");
    check_double("86400", day, 86400, "");
    check_double("86401", day, 0,
                 "expected a number of at least 0.01 and at most 86400, got 86401");
    check_double("true", any, 0, "expected a number, got a boolean");
}

static void test_choose(void) {
    static const struct json_choice choices[] = {{"red", 3}, {"green", 4}, {"rouge", 3}};
    struct value v = value_of("\"GReen\"");
    struct err e = {0};
    int got = -1;
    CHECK(json_choose(&v.slot, choices, 3, &got, &e) && got == 4);
    json_decref(v.root);
    v = value_of("\"roug\"");
    CHECK(!json_choose(&v.slot, choices, 3, &got, &e) && got == 4);
    CHECK_TEXT(e.text, "\"roug\" is unknown; the nearest known is \"red\"");
    json_decref(v.root);
    v = value_of("4");
    e = (struct err){0};
    CHECK(!json_choose(&v.slot, choices, 3, &got, &e));
    CHECK_TEXT(e.text, "expected a string, got a number");
    json_decref(v.root);
}

/* A tree that is given up at its end costs what it cost to make. */
static void test_given_up(void) {
    enum { NUMBERS = 400000 };
    static char text[2 * NUMBERS + 8];
    struct err e = {0};
    text[0] = '[';
    for (size_t i = 0; i < NUMBERS; i++)
        memcpy(text + 1 + 2 * i, "0,", 2);
    strcpy(text + 1 + 2 * NUMBERS, ",]");
    clock_t start = clock();
    CHECK(!json_read(text, strlen(text), &e) && e.kind == ERR_INVALID);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    CHECK_SAY(seconds < 10, "%g s", seconds); /* with a search for each block: minutes */
    e = (struct err){0};
    CHECK(!json_read_small(text, strlen(text), &e) && e.kind == ERR_TOO_LARGE);
}

#ifndef __SANITIZE_ADDRESS__ /* whose allocator ends the process instead */
/* The n-th block from here on is refused. */
static _Thread_local size_t refused;
void *__libc_malloc(size_t n);
void *malloc(size_t n) {
    return refused && !--refused ? NULL : __libc_malloc(n);
}

/* Each block of a reading in turn: no memory, or the whole document. */
static void test_no_block(void) {
    static const char text[] =
        "{\"a key that is longer than sixteen\":\"a text of more than thirty-two bytes\","
        "\"x\":[1,2.5,true,{\"\\u00e9\":\"\\ud83d\\ude00\"}],\"b\":null,\"c\":{},\"d\":[]"
        ","
        "\"e\":1,\"f\":2,\"g\":3,\"h\":4,\"i\":5,\"j\":6,\"k\":123456789012345678901,"
        "\"l\":[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,"
        "8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9]}";
    json_t *whole = read_text(text);
    size_t n = 1, starved_n = 0;
    for (bool again = true; again && n < 1000; n++) {
        struct err e = {0};
        refused = n;
        json_t *root = json_read(text, sizeof text - 1, &e);
        again = refused == 0;
        refused = 0;
        starved_n += !root;
        CHECK_SAY(root ? json_equal(root, whole) : e.kind == ERR_NO_MEMORY, "%zu: %s", n,
                  e.text);
        json_decref(root);
    }
    CHECK_SAY(starved_n > 40 && starved_n == n - 2, "%zu of %zu", starved_n, n);
    json_decref(whole);
}

/* Hundreds of thousands of strings, and room for a part of them. */
static enum err_kind starved_kind(char *text, size_t n) {
    struct rlimit limit = {0};
    struct err e = {0};
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld", &pages) != 1)
        abort();
    fclose(f);
    limit.rlim_cur = limit.rlim_max =
        (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (4 << 20);
    if (setrlimit(RLIMIT_AS, &limit) != 0 || json_read(text, n, &e))
        return ERR_NONE;
    return e.kind;
}

/* jansson says of either that the text is wrong. */
static void test_no_memory(void) {
    enum { STRINGS = 300000 };
    size_t n = 0;
    char *text = malloc(5 * STRINGS + 2);
    if (!text)
        abort();
    text[n++] = '[';
    for (size_t i = 0; i < STRINGS; i++, n += 4)
        memcpy(text + n, "\"a\",", 4);
    text[n - 1] = ']';
    pid_t child = fork();
    if (child == 0)
        _exit((int)starved_kind(text, n));
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_SAY(WEXITSTATUS(status) == ERR_NO_MEMORY, "kind %d", WEXITSTATUS(status));
    text[n - 2] = 'x';
    struct err e = {0};
    CHECK(!json_read(text, n, &e) && e.kind == ERR_INVALID);
    free(text);
}
#endif

int main(void) {
    CHECK_RUN(test_read);
    CHECK_RUN(test_kinds);
    CHECK_RUN(test_paths);
    CHECK_RUN(test_match);
    CHECK_RUN(test_mismatch);
    CHECK_RUN(test_int);
    CHECK_RUN(test_bool_and_text);
    CHECK_RUN(test_float);
    CHECK_RUN(test_double);
    CHECK_RUN(test_choose);
    CHECK_RUN(test_given_up);
#ifndef __SANITIZE_ADDRESS__
    CHECK_RUN(test_no_block);
    CHECK_RUN(test_no_memory);
#endif
    return check_done();
}
