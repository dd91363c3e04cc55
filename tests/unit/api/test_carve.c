#include "api/carve.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/rows.h"
#include "tests/random.h"
#include "tests/unit/check.h"

/* What a hole saw. */
struct seen {
    char path[ERR_WHERE_MAX];
    char value[64];
};

static bool seen_scan(void *context, struct cursor *c, const char *path, struct err *e) {
    struct seen *seen = context;
    const char *from = c->at;
    snprintf(seen->path, sizeof seen->path, "%s", path);
    if (!cursor_skip(c, 32, NULL, e))
        return false;
    snprintf(seen->value, sizeof seen->value, "%.*s", (int)(c->at - from), from);
    return true;
}

/* One call of carve: on a block of exactly the text's size, with the holes a, b, p/a,
 * p/c. */
enum { HOLES_N = 4 };
struct run {
    struct carve_hole holes[HOLES_N];
    struct seen seen[HOLES_N];
    struct arena arena;
    char *rest;
    size_t rest_n;
    struct err e;
    bool ok;
};

static struct run *run_new(const char *text, size_t n, size_t rest_max) {
    struct run *run = calloc(1, sizeof *run);
    char *block = malloc(n ? n : 1);
    if (!run || !block)
        abort();
    memcpy(block, text, n);
    static const char *const names[HOLES_N][2] = {
        {NULL, "a"}, {NULL, "instances"}, {"p", "a"}, {"p", "c"}};
    for (size_t i = 0; i < HOLES_N; i++)
        run->holes[i] = (struct carve_hole){.parent = names[i][0],
                                            .key = names[i][1],
                                            .scan = seen_scan,
                                            .context = &run->seen[i],
                                            .found = true};
    arena_init(&run->arena, 1 << 20);
    run->ok = carve(block, n, run->holes, HOLES_N, rest_max, &run->arena, &run->rest,
                    &run->rest_n, &run->e);
    free(block);
    return run;
}
static void run_free(struct run *run) {
    arena_reset(&run->arena);
    free(run);
}

static void check_rest(const char *text, const char *rest) {
    struct run *run = run_new(text, strlen(text), 1000);
    CHECK_SAY(run->ok, "%s: %s: %s", text, run->e.where, run->e.text);
    if (run->ok) {
        CHECK_TEXT(run->rest, rest);
        CHECK(run->rest_n == strlen(rest));
    }
    run_free(run);
}

static void test_rest(void) {
    check_rest("{}", "{}");
    check_rest(" { } \n", " { } \n");
    check_rest("{\"x\":[1,{\"a\":2}]}", "{\"x\":[1,{\"a\":2}]}");
    check_rest("{\"a\":[[1,2],[3]]}", "{\"a\":null}");
    check_rest("{\"a\" : [1] , \"x\" : 1}", "{\"a\" : null , \"x\" : 1}");
    check_rest("{\"x\":1,\"instances\":\n[1],\"a\":{}}",
               "{\"x\":1,\"instances\":\nnull,\"a\":null}");
    check_rest("{\"a\":null}", "{\"a\":null}");
    check_rest("{\"p\":{\"a\":1,\"b\":2,\"c\":[3]},\"c\":4}",
               "{\"p\":{\"a\":null,\"b\":2,\"c\":null},\"c\":4}");
    check_rest("{\"p\":{}}", "{\"p\":{}}");
    check_rest("{\"p\":[{\"a\":1}]}", "{\"p\":[{\"a\":1}]}");
    check_rest("{\"p\":7,\"q\":{\"a\":1}}", "{\"p\":7,\"q\":{\"a\":1}}");
    check_rest("{\"x\":1,\"x\":2,\"p\":{\"x\":1},\"p\":{\"a\":2}}",
               "{\"x\":1,\"x\":2,\"p\":{\"x\":1},\"p\":{\"a\":null}}");
    check_rest("{\"inst\\u0061nces\":[5],\"\\u0070\":{\"\\u0061\":6}}",
               "{\"inst\\u0061nces\":null,\"\\u0070\":{\"\\u0061\":null}}");
    check_rest("{\"aa\":1,\"\":2,\"A\":3}", "{\"aa\":1,\"\":2,\"A\":3}");
}

static void test_holes(void) {
    static const char text[] = "{\"p\":{\"c\": null},\"inst\\u0061nces\": [[1, 2]] }";
    struct run *run = run_new(text, sizeof text - 1, 1000);
    CHECK(run->ok);
    CHECK(!run->holes[0].found && run->holes[1].found && !run->holes[2].found &&
          run->holes[3].found);
    CHECK_TEXT(run->seen[1].path, "/instances");
    CHECK_TEXT(run->seen[1].value, "[[1, 2]]");
    CHECK_TEXT(run->seen[3].path, "/p/c");
    CHECK_TEXT(run->seen[3].value, "null");
    run_free(run);
}

static void check_error(const char *text, enum err_kind kind, const char *where,
                        const char *message) {
    struct run *run = run_new(text, strlen(text), 40);
    CHECK_SAY(!run->ok, "%s", text);
    CHECK_SAY(run->e.kind == kind, "%s: kind %d", text, run->e.kind);
    CHECK_TEXT(run->e.where, where);
    CHECK_TEXT(run->e.text, message);
    run_free(run);
}

static void test_errors(void) {
    static const enum err_kind I = ERR_INVALID;
    check_error("", I, "line 1, column 1", "expected an object, got the end");
    check_error(" [1]", I, "line 1, column 2", "expected an object, got an array");
    check_error("{\"x\":1} x", I, "line 1, column 9", "expected the end, got 'x'");
    check_error("{\"x\":1}}", I, "line 1, column 8", "expected the end, got '}'");
    check_error("{\"x\":\n 1,\n \"y\":,}", I, "line 3, column 6",
                "expected a value, got ','");
    check_error("{\"x\":1,}", I, "line 1, column 8", "expected a key, got '}'");
    check_error("{\"x\" 1}", I, "line 1, column 6", "expected ':', got '1'");
    check_error("{\"p\":{\"x\":1]}", I, "line 1, column 12",
                "expected ',' or '}', got ']'");
    check_error("{\"a\":[1}}", I, "line 1, column 8", "expected ',' or ']', got '}'");
    check_error("{\"a\":}", I, "line 1, column 6", "expected a value, got '}'");
    check_error("{\"a\":1,\"a\":2}", I, "/a", "given twice");
    check_error("{\"p\":{\"a\":1},\"p\":{\"\\u0061\":2}}", I, "/p/a", "given twice");
    check_error("{\"x\":\"\xff\"}", I, "line 1, column 7", "this is not UTF-8");
    check_error("{\"123456789\":\"0123456789012345678901234567\"}", ERR_TOO_LARGE, "",
                "the document has 44 bytes besides its tables, at most 40 are accepted");
}

/* The bound is on the rest, to the byte, not on what is carved out. */
static void test_rest_max(void) {
    static const char text[] = "{\"a\":[1,2,3,4,5,6,7,8,9,10,11,12],\"x\":12}";
    static const char rest[] = "{\"a\":null,\"x\":12}";
    struct run *run = run_new(text, sizeof text - 1, sizeof rest - 1);
    CHECK(run->ok);
    CHECK_TEXT(run->rest, rest);
    run_free(run);
    run = run_new(text, sizeof text - 1, sizeof rest - 2);
    CHECK(!run->ok && run->e.kind == ERR_TOO_LARGE);
    run_free(run);
    /* An arena that is too small says so as well. */
    struct arena arena;
    arena_init(&arena, 8);
    struct err e = {0};
    char *out;
    size_t n;
    CHECK(!carve(text, sizeof text - 1, NULL, 0, 1000, &arena, &out, &n, &e));
    CHECK(e.kind == ERR_TOO_LARGE);
    arena_reset(&arena);
}

static void test_prefixes(void) {
    static const char *const texts[] = {
        "{\"a\": [[1.5e-3, 2], [3, 4]], \"x\": \"\\ud83d\\ude00\", \"p\": {\"c\": null, "
        "\"d\": [true]}}",
        "{\"instances\":[{\"k\":\"\xf0\x9f\x98\x80\"}],\"p\":{\"a\":-0.5E+3}}"};
    for (size_t i = 0; i < 2; i++)
        for (size_t n = 0; n < strlen(texts[i]); n++) {
            struct run *run = run_new(texts[i], n, 1000);
            CHECK_SAY(!run->ok && run->e.kind == ERR_INVALID &&
                          strncmp(run->e.where, "line ", 5) == 0,
                      "the first %zu bytes of %s", n, texts[i]);
            run_free(run);
        }
}

/* @return whether an object that nests `depth` deep is accepted. */
static bool deep_accepted(const char *key, int depth) {
    char text[512];
    int n = snprintf(text, sizeof text, "{\"%s\":", key);
    for (int i = 1; i < depth; i++)
        text[n++] = '[';
    for (int i = 1; i < depth; i++)
        text[n++] = ']';
    text[n++] = '}';
    struct run *run = run_new(text, (size_t)n, 1000);
    bool ok = run->ok;
    if (!ok)
        CHECK(run->e.kind == ERR_INVALID);
    run_free(run);
    return ok;
}

static void test_depth(void) {
    CHECK(deep_accepted("x", CARVE_DEPTH_MAX));
    CHECK(!deep_accepted("x", CARVE_DEPTH_MAX + 1));
    CHECK(deep_accepted("p\":{\"x", CARVE_DEPTH_MAX - 1) == false); /* one } is missing */
    enum { N = 1 << 20 };
    char *bomb = malloc(N);
    if (!bomb)
        abort();
    for (size_t i = 0; i + 5 <= N; i += 5)
        memcpy(bomb + i, "{\"p\":", 5);
    struct run *run = run_new(bomb, N - N % 5, N);
    CHECK(!run->ok && run->e.kind == ERR_INVALID);
    CHECK(strstr(run->e.text, "nested too deeply"));
    run_free(run);
    free(bomb);
}

/* The scanners that it is for. */
static bool rows_hole(void *context, struct cursor *c, const char *path, struct err *e) {
    return rows_scan(c, 0, path, context, e);
}

static void test_rows_hole(void) {
    static const char text[] = "{\"x\":1,\n\"instances\":[[1,2],[3,4]], \"y\":2}";
    struct rows rows = {0};
    struct carve_hole hole = {.key = "instances", .scan = rows_hole, .context = &rows};
    struct arena arena;
    arena_init(&arena, 1000);
    struct err e = {0};
    char *rest;
    size_t n;
    CHECK(carve(text, sizeof text - 1, &hole, 1, 100, &arena, &rest, &n, &e) &&
          hole.found);
    CHECK_TEXT(rest, "{\"x\":1,\n\"instances\":null, \"y\":2}");
    CHECK(rows.rows_n == 2 && rows.values[3] == 4);
    rows_free(&rows);
    static const char bad[] = "{\"x\":1,\n\"instances\":[[1,2],[3,\"4\"]]}";
    CHECK(!carve(bad, sizeof bad - 1, &hole, 1, 100, &arena, &rest, &n, &e));
    CHECK_TEXT(e.where, "/instances/1/1");
    rows_free(&rows);
    e = (struct err){0};
    static const char broken[] = "{\"x\":1,\n\"instances\":[[1,2],[3,4}]}";
    CHECK(!carve(broken, sizeof broken - 1, &hole, 1, 100, &arena, &rest, &n, &e));
    CHECK_TEXT(e.where, "line 2, column 24");
    rows_free(&rows);
    arena_reset(&arena);
}

/* Whether jansson takes it for an object. Numbers over float64's range are left to the
 * reader of the rest; a NUL that jansson passes over behind a number is no JSON. */
static bool jansson_accepts(const char *text, size_t n) {
    json_error_t error;
    if (memchr(text, 0, n))
        return false;
    json_t *root = json_loadb(text, n, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    bool ok = root ? json_is_object(root)
                   : json_error_code(&error) == json_error_numeric_overflow;
    json_decref(root);
    return ok;
}

/* Deletes, doubles, swaps and overwrites a few bytes. */
static size_t mutate(char *text, size_t n) {
    static const char bytes[] = "{}[]\",:\\/u0d8e19.-+ \ntfn\xc3\xa9\xed\xa0\xf0\x9f\x01";
    for (size_t i = 1 + random_below(3); i > 0 && n > 1; i--) {
        size_t at = random_below(n), other = random_below(n);
        char byte = text[at];
        switch (random_below(5)) {
        case 0:
            memmove(text + at, text + at + 1, n - at - 1);
            n--;
            break;
        case 1:
            memmove(text + at + 1, text + at, n - at);
            n++;
            break;
        case 2:
            text[at] = text[other];
            text[other] = byte;
            break;
        case 3:
            text[at] = (char)random_below(256);
            break;
        default:
            text[at] = bytes[random_below(sizeof bytes - 1)];
        }
    }
    return n;
}

static void test_like_jansson(void) {
    static const char *const texts[] = {
        "{\"a\":[[1,2.5],[-3e2,0]],\"x\":{\"y\":[true,false,null]},\"p\":{\"c\":\"z\"}}",
        "{\"s\":\"a\\\"\\\\\\/"
        "\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\",\"t\":\"\xc3\xa9\xf0\x9f\x98"
        "\x80\xe2\x82\xac\"}",
        " {\n\"n\" : [ 0 , -0.1E+5 , 1e-7 , 10 , -0 ] , \"e\" : [ { } , [ ] ] }\n",
        "{\"instances\":[],\"p\":{\"a\":{\"a\":[1]},\"q\":1},\"w\":[{\"k\":[[],[{}]]}]}"};
    int accepted = 0, refused = 0;
    for (int i = 0; i < 40000; i++) {
        char text[256];
        const char *from = texts[i % 4];
        size_t n = strlen(from);
        memcpy(text, from, n);
        n = mutate(text, n);
        struct run *run = run_new(text, n, 1000);
        /* jansson leaves duplicate keys to its caller; a hole met twice is ours to
         * refuse. */
        bool twice = strcmp(run->e.text, "given twice") == 0;
        bool theirs = jansson_accepts(text, n);
        accepted += run->ok;
        refused += !run->ok;
        bool same = twice || run->ok == theirs;
        if (run->ok)
            same = same && jansson_accepts(run->rest, run->rest_n);
        CHECK_SAY(same, "%.*s: ours %d (%s: %s), theirs %d", (int)n, text, run->ok,
                  run->e.where, run->e.text, theirs);
        run_free(run);
        if (!same)
            return;
    }
    CHECK_SAY(accepted > 2000 && refused > 2000, "%d accepted, %d refused", accepted,
              refused);
}

/* An object within a document: the cursor ends behind it, paths begin with its own. */
static void test_object(void) {
    static const char text[] = "[1, {\"k\":2, \"data\": [3] } ,{}]";
    struct cursor c = {text, text + 3, text + sizeof text - 1};
    struct seen seen = {.path = ""};
    struct carve_hole hole = {.key = "data", .scan = seen_scan, .context = &seen};
    struct arena arena;
    struct err e = {0};
    char *rest;
    size_t rest_n;
    arena_init(&arena, 1000);
    if (CHECK(carve_object(&c, "/in/1", &hole, 1, 100, &arena, &rest, &rest_n, &e))) {
        CHECK_TEXT(rest, "{\"k\":2, \"data\": null }");
        CHECK_TEXT(seen.path, "/in/1/data");
        CHECK_TEXT(seen.value, "[3]");
        CHECK_TEXT(c.at, " ,{}]");
    }
    c.at = text + 1;
    CHECK(!carve_object(&c, "/in/0", &hole, 1, 100, &arena, &rest, &rest_n, &e));
    CHECK_TEXT(e.where, "/in/0");
    CHECK_TEXT(e.text, "expected an object, got a number");
    arena_reset(&arena);
}

int main(void) {
    CHECK_RUN(test_object);
    CHECK_RUN(test_rest);
    CHECK_RUN(test_holes);
    CHECK_RUN(test_errors);
    CHECK_RUN(test_rest_max);
    CHECK_RUN(test_prefixes);
    CHECK_RUN(test_depth);
    CHECK_RUN(test_rows_hole);
    CHECK_RUN(test_like_jansson);
    return check_done();
}
