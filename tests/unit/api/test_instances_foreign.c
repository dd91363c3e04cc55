/* Instances as other dialects have them: tensors, columns, contexts. */
#include <math.h>
#include <stdio.h>

#include "api/columns_list.h"
#include "api/instances.h"
#include "tests/unit/api/test_encoder.h"

enum { TENSORS = INSTANCES_TENSORS | JSON_CELL_LIST | JSON_CELL_BASE64 };

/* What a check scans, and how. */
struct given {
    struct columns columns;
    unsigned allowed;
    bool columnar;
    const char *context;
};

static bool scan(const struct given *g, const char *json, struct rows *rows,
                 struct err *e) {
    struct cursor c = {json, json, json + strlen(json)};
    struct instances_form form = {
        .columns = g->columns,
        .allowed = g->allowed,
        .path = "/in",
        .context = g->context,
        .context_end = g->context ? g->context + strlen(g->context) : NULL,
        .context_path = "/context",
    };
    *rows = (struct rows){0};
    *e = (struct err){0};
    bool ok = g->columnar ? instances_scan_columns(&c, &form, rows, e)
                          : instances_scan(&c, &form, rows, e);
    return ok && c.at == c.end;
}

static void check_rows(const struct given *g, const char *json, size_t m,
                       const float *want) {
    struct rows rows;
    struct err e;
    bool ok = scan(g, json, &rows, &e);
    size_t n = g->columns.inputs_n;
    CHECK_SAY(ok && rows.rows_n == m && rows.columns_n == n &&
                  memcmp(rows.values, want, m * n * sizeof *want) == 0,
              "%s: %s %s", json, e.where, e.text);
    rows_free(&rows);
}

static void check_refused(const struct given *g, const char *json, const char *where,
                          const char *says) {
    struct rows rows;
    struct err e;
    CHECK_SAY(!scan(g, json, &rows, &e), "%s", json);
    CHECK_TEXT(e.where, where);
    CHECK_SAY(strstr(e.text, says), "%s: %s", json, e.text);
    rows_free(&rows);
}

static const struct encoder nameless = {.columns_n = 0};

/* Columns without names: numbers in lists, however nested, or under a name. */
static void test_nameless(void) {
    struct given g = {columns_of(&nameless, 2), TENSORS, false, NULL};
    static const float two[] = {1, 2, 3, 4};
    check_rows(&g, "[[1,2],[3,4]]", 2, two);
    check_rows(&g, " [ [[ 1, 2 ]] , [[3,4]] ]", 2, two);
    check_rows(&g, "[[[1],[2]],[[3],[4]]]", 2, two);
    check_rows(&g, "[{\"x\":[1,2]},{\"x\":[[3],[4]]}]", 2, two);
    check_rows(&g, "[{\"0\":1,\"1\":2},{\"1\":[4],\"0\":3}]", 2, two);
    check_refused(&g, "[1,2]", "/in/0", "expected a row as an array or an object, got a");
    check_refused(&g, "[[1,2],{\"x\":[3,4]}]", "/in/1",
                  "as the first row is one, got an");
    check_refused(&g, "[{\"x\":[3,4]},[1,2]]", "/in/1",
                  "as the first row is one, got an");
    check_refused(&g, "[[1,2],[3]]", "/in/1", "expected 2 numbers, got 1");
    check_refused(&g, "[[1,2],[3,4,5]]", "/in/1", "expected 2 numbers, got more");
    check_refused(&g, "[[]]", "/in/0/0", "expected at least one number in a list");
    check_refused(&g, "[[1,null]]", "/in/0/1", "expected a number, got null");
    check_refused(&g, "[[1,true]]", "/in/0/1", "expected a number, got a boolean");
    check_refused(&g, "[{\"x\":[1,2],\"y\":[1,2]}]", "/in/0",
                  "the columns have no names");
    check_refused(&g, "[{\"x\":[1,2,3]}]", "/in/0/x", "expected 2 numbers, got more");
    check_refused(&g, "[{\"0\":1}]", "/in/0", "column \"1\" is missing");
    check_refused(&g, "[{\"0\":1,\"2\":1}]", "/in/0/2", "the model has no column \"2\"");
    check_refused(&g, "[{}]", "/in/0", "column \"0\" is missing");
    check_refused(&g, "[[1e39,1]]", "/in/0/0", "a number outside float32");
    check_refused(&g, "[[1,2],[[3],[4]]]", "/in/1/0", "lists of one length and depth");
    check_refused(&g, "[[[1],[2]],[[3,4]]]", "/in/1", "lists of one length and depth");
    check_refused(&g, "[]", "/in", "expected at least one row");
    check_refused(&g, "{\"x\":[1,2]}", "/in", "expected '[', got '{'");
}

/* Columns of numbers that are called by their places: the same forms, and missing cells.
 */
static void test_counted(void) {
    char zero[] = "0", one[] = "1";
    struct encoder_column two_columns[] = {{.name = zero, .mean = 7}, {.name = one}};
    struct encoder encoder = {.columns = two_columns, .columns_n = 2};
    struct err e = {0};
    CHECK_SAY(encoder_layout(&encoder, &e), "%s", e.text);
    struct given g = {columns_of(&encoder, 2), TENSORS | JSON_CELL_MISSING, false, NULL};
    static const float two[] = {1, 2, 3, 4}, missing[] = {1, 2, 7, 4};
    check_rows(&g, "[[1,2],[3,4]]", 2, two);
    check_rows(&g, "[[1,2],[null,4]]", 2, missing);
    check_rows(&g, "[[[1],[2]],[[3],[4]]]", 2, two);
    check_rows(&g, "[{\"x\":[1,2]},{\"x\":[[3],[4]]}]", 2, two);
    check_rows(&g, "[{\"0\":1,\"1\":2},{\"1\":4,\"0\":null}]", 2, missing);
    check_rows(&g, "[[[null],[4]]]", 1, missing + 2);
    check_refused(&g, "[[[1,2],[3,4]]]", "/in/0", "expected 2 numbers, got more");
    check_refused(&g, "[[[1],[\"x\"]]]", "/in/0/1", "expected a number, got \"x\"");
    g.columnar = true;
    check_rows(&g, "{\"x\":[[1,2],[3,4]]}", 2, two);
    one[0] = 'b';
    check_refused(&g, "{\"x\":[[1,2],[3,4]]}", "/in/x", "the model has no column \"x\"");
    g.columnar = false;
    check_refused(&g, "[[[1,2]]]", "/in/0/0", "");
    free(encoder.by_name);
}

/* One column: its cells are rows. */
static void test_single(void) {
    struct given g = {columns_of(&nameless, 1), TENSORS, false, NULL};
    static const float three[] = {1, 2, 5};
    check_rows(&g, "[1.0,2.0,5.0]", 3, three);
    check_rows(&g, "[[1],[2],[5]]", 3, three);
    check_rows(&g, "[{\"x\":1.0},{\"x\":2.0},{\"x\":[5]}]", 3, three);
    check_rows(&g, "[{\"0\":1},{\"0\":2},{\"0\":5}]", 3, three);
    check_refused(&g, "[1,[1]]", "/in/1", "expected a value, as the first row is one");
    check_refused(&g, "[1,\"2\"]", "/in/1", "expected a number, got \"2\"");
    struct encoder enc = {.columns = calloc(1, sizeof *enc.columns), .columns_n = 1};
    struct err e = {0};
    static char *const names[] = {"hello", "world"};
    if (!enc.columns)
        abort();
    enc.columns[0].name = strdup("word");
    enc.columns[0].kind = ENCODER_CATEGORY;
    enc.columns[0].categories = calloc(2, sizeof(char *));
    for (size_t i = 0; i < 2; i++)
        enc.columns[0].categories[i] = strdup(names[i]);
    enc.columns[0].categories_n = 2;
    if (!CHECK(encoder_layout(&enc, &e)))
        return;
    struct given words = {columns_of(&enc, 2), TENSORS, false, NULL};
    static const float two[] = {1, 0, 0, 1};
    check_rows(&words, "[\"hello\",\"world\"]", 2, two);
    check_rows(&words, "[{\"b64\":\"aGVsbG8=\"},{ \"b64\" : \"d29ybGQ=\"}]", 2, two);
    check_rows(&words, "[[{\"b64\":\"aGVsbG8=\"}],[{\"b64\":\"d29ybGQ=\"}]]", 2, two);
    check_rows(&words, "[{\"word\":{\"b64\":\"aGVsbG8=\"}},{\"word\":\"world\"}]", 2,
               two);
    check_refused(&words, "[{\"b64\":\"aGVsbG8\\u003d\\u003d\"}]", "/in/0", "not base64");
    check_refused(&words, "[{\"b64\":\"/w==\"}]", "/in/0", "expected UTF-8");
    check_refused(&words, "[{\"b64\":\"AGE=\"}]", "/in/0", "expected UTF-8");
    check_refused(&words, "[{\"b64\":7}]", "/in/0", "expected a text in base64, got a");
    check_refused(&words, "[{\"b64\":\"YQ==\",\"x\":1}]", "/in/0", "expected '}'");
    words.columnar = true;
    check_rows(&words, "{\"word\":[\"hello\",{\"b64\":\"d29ybGQ=\"}]}", 2, two);
    encoder_free(&enc);
}

/* Named columns: values, or lists of one. */
static void test_named(void) {
    struct encoder enc = encoder_abc();
    struct given g = {columns_of(&enc, enc.inputs_n), TENSORS, false, NULL};
    static const float one[] = {1.5f, 1, 0, 1, 0};
    check_rows(&g, "[{\"a\":1.5,\"b\":true,\"c\":\"y\"}]", 1, one);
    check_rows(&g, "[{\"c\":[\"y\"],\"a\":[[1.5]],\"b\":[true]}]", 1, one);
    check_rows(&g, "[{\"c\":{\"b64\":\"eQ==\"},\"a\":1.5,\"b\":true}]", 1, one);
    check_rows(&g, "[[1.5,true,[\"y\"]]]", 1, one);
    check_refused(&g, "[{\"a\":1.5,\"b\":true,\"c\":null}]", "/in/0/c", "got null");
    check_refused(&g, "[{\"a\":1.5,\"b\":true}]", "/in/0", "column \"c\" is missing");
    check_refused(&g, "[{\"a\":[1,2],\"b\":true,\"c\":\"y\"}]", "/in/0/a",
                  "expected one value, got a list of more");
    check_refused(&g, "[{\"a\":{\"b\":1},\"b\":true,\"c\":\"y\"}]", "/in/0/a",
                  "got another object");
    check_refused(&g, "[{\"x/y\":1}]", "/in/0/x~1y", "the model has no column");
    check_refused(&g, "[{\"a\":[[[[[[[[[1]]]]]]]]]}]", "/in/0/a", "got an array");
    encoder_free(&enc);
}

static void test_columns(void) {
    struct encoder enc = encoder_abc();
    struct given g = {columns_of(&enc, enc.inputs_n), TENSORS, true, NULL};
    static const float two[] = {1.5f, 1, 0, 1, 0, 3, 0, 1, 0, 0};
    check_rows(&g, "{\"a\":[1.5,3],\"b\":[true,false],\"c\":[\"y\",\"x \\\"1\\\"\"]}", 2,
               two);
    check_rows(&g,
               "{\"c\":[[\"y\"],[\"x \\\"1\\\"\"]],\"b\":[[1],[0]],\"a\":[[1.5],[3]]}", 2,
               two);
    check_refused(&g, "{\"a\":[1,2],\"b\":[true],\"c\":[\"y\",\"y\"]}", "/in/b",
                  "expected 2 values, got 1");
    check_refused(&g, "{\"a\":[1],\"b\":[true,true],\"c\":[\"y\"]}", "/in/b",
                  "expected 1 value, got more");
    check_refused(&g, "{\"a\":[1],\"b\":[\"no\"],\"c\":[\"y\"]}", "/in/b/0",
                  "expected true or false, got \"no\"");
    check_refused(&g, "{\"a\":[1],\"b\":[true]}", "/in", "column \"c\" is missing");
    check_refused(&g, "{\"a\":[1],\"a\":[1]}", "/in/a", "is given twice");
    check_refused(&g, "{\"a\":[1],\"d\":[1]}", "/in/d", "the model has no column \"d\"");
    check_refused(&g, "{\"a\":[]}", "/in/a", "expected at least one value");
    check_refused(&g, "{\"a\":1}", "/in/a", "expected '[', got '1'");
    check_refused(&g, "{}", "/in", "column \"a\" is missing");
    check_refused(&g, "[[1,true,\"y\"]]", "/in", "expected '{', got '['");
    encoder_free(&enc);
    struct given plain = {columns_of(&nameless, 2), TENSORS, true, NULL};
    static const float rows[] = {1, 2, 3, 4};
    check_rows(&plain, "{\"dense_input\":[[1,2],[3,4]]}", 2, rows);
    check_rows(&plain, "{\"1\":[2,4],\"0\":[1,3]}", 2, rows);
    check_refused(&plain, "{\"x\":[[1,2],[3]]}", "/in/x/1", "expected 2 numbers, got 1");
    check_refused(&plain, "{\"x\":[[1,2]],\"y\":[[1,2]]}", "/in", "have no names");
    struct given single = {columns_of(&nameless, 1), TENSORS, true, NULL};
    check_rows(&single, "{\"x\":[1,2,3,4]}", 4, rows);
    check_rows(&single, "{\"x\":[[1],[2],[3],[4]]}", 4, rows);
}

static void test_context(void) {
    struct encoder enc = encoder_abc();
    unsigned allowed = TENSORS | INSTANCES_OBJECTS_ONLY;
    struct given g = {columns_of(&enc, enc.inputs_n), allowed, false,
                      " { \"c\":\"y\" , \"a\" : [1.5]}"};
    static const float two[] = {1.5f, 1, 0, 1, 0, 1.5f, 0, 0, 1, 0};
    check_rows(&g, "[{\"b\":true},{\"b\":false}]", 2, two);
    check_refused(&g, "[{\"b\":true,\"a\":1}]", "/in/0/a", "stands in the context too");
    check_refused(&g, "[{}]", "/in/0", "column \"b\" is missing");
    check_refused(&g, "[[true]]", "/in/0", "expected an object, got an array");
    check_refused(&g, "[7]", "/in/0", "expected an object, got a number");
    g.context = "{\"x\":1}";
    check_refused(&g, "[{\"b\":true}]", "/context/x", "the model has no column \"x\"");
    g.context = "{\"a\":\"z\"}";
    check_refused(&g, "[{\"b\":true}]", "/context/a", "expected a number, got \"z\"");
    g.context = "[1]";
    check_refused(&g, "[{\"b\":true}]", "/context", "expected an object, got an array");
    g.context = "{}";
    check_rows(&g, "[{\"a\":1.5,\"b\":1,\"c\":\"y\"}]", 1, two);
    encoder_leave_two(&enc, "id", "x");
    g = (struct given){columns_of(&enc, enc.inputs_n), allowed, false,
                       "{\"x\":[],\"c\":\"y\"}"};
    check_rows(&g, "[{\"a\":1.5,\"b\":1,\"id\":{}}]", 1, two);
    check_refused(&g, "[{\"a\":1.5,\"x\":1,\"b\":1}]", "/in/0/x",
                  "stands in the context too");
    encoder_free(&enc);
}

static void check_list(const struct columns *columns, const char *json, const char *where,
                       const char *says, size_t first) {
    struct err e = {0};
    struct cursor c = {json, json, json + strlen(json)};
    size_t order[5] = {9, 9, 9, 9, 9}, n;
    bool ok = columns_list_match(&c, "/columns", columns, order, &n, &e);
    CHECK_SAY(ok == !says, "%s: %s", json, e.text);
    CHECK_TEXT(e.where, where);
    CHECK_SAY(!says || strstr(e.text, says), "%s: %s", json, e.text);
    CHECK_SAY(!ok || (order[0] == first && n >= columns->n && n <= columns->names_n),
              "%s: %zu of %zu", json, order[0], n);
}

static void test_list(void) {
    struct encoder enc = encoder_abc();
    struct columns named = columns_of(&enc, enc.inputs_n);
    check_list(&named, "[\"b\",\"a\",\"c\"]", "", NULL, 1);
    check_list(&named, " [ \"\\u0063\" , \"a\",\"b\" ]", "", NULL, 2);
    check_list(&named, "[\"a\",\"b\"]", "/columns", "column \"c\" is missing", 0);
    check_list(&named, "[\"a\",\"d\"]", "/columns/1", "no column \"d\"", 0);
    check_list(&named, "[\"a\",\"a\",\"b\"]", "/columns/1", "is given twice", 0);
    check_list(&named, "[\"a\",\"b\",\"c\",\"d\"]", "/columns", "got more", 0);
    check_list(&named, "[]", "/columns", "expected 3 columns, got 0", 0);
    check_list(&named, "[null]", "/columns/0", "expected a column's name, got null", 0);
    check_list(&named, "7", "/columns", "expected '['", 0);
    encoder_leave_two(&enc, "id", "y");
    named = columns_of(&enc, enc.inputs_n);
    check_list(&named, "[\"b\",\"a\",\"c\"]", "", NULL, 1);
    check_list(&named, "[\"y\",\"b\",\"id\",\"a\",\"c\"]", "", NULL, 4);
    check_list(&named, "[\"id\",\"b\",\"id\",\"a\",\"c\"]", "/columns/2",
               "is given twice", 0);
    check_list(&named, "[\"id\",\"y\",\"a\"]", "/columns", "column \"b\" is missing", 0);
    check_list(&named, "[\"id\",\"y\",\"a\",\"b\",\"c\",\"c\"]", "/columns", "got more",
               0);
    encoder_free(&enc);
    struct columns plain = columns_of(&nameless, 3);
    check_list(&plain, "[0,1,2]", "", NULL, 0);
    check_list(&plain, "[2,1,0]", "", NULL, 2);
    check_list(&plain, "[\"2\",\"1\",\"0\"]", "", NULL, 2);
    check_list(&plain, "[\"x\",\"y\",\"z\"]", "", NULL, 0);
    check_list(&plain, "[0,1,3]", "/columns/2", "no column \"3\"", 0);
    check_list(&plain, "[\"x\",\"y\"]", "/columns", "expected 3 columns, got 2", 0);
}

int main(void) {
    CHECK_RUN(test_nameless);
    CHECK_RUN(test_counted);
    CHECK_RUN(test_single);
    CHECK_RUN(test_named);
    CHECK_RUN(test_columns);
    CHECK_RUN(test_context);
    CHECK_RUN(test_list);
    return check_done();
}
