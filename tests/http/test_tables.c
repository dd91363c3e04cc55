/* Jobs on datasets: columns chosen and refused, what is learnt from them, and predictions
 * from the raw cells. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

enum { MIXED_ROWS = 160, TEXT_BYTES = 16384 };

/* ---- short ways ----------------------------------------------------------------- */

/* JSON from a printf format that writes ' for ". */
static json_t *json_of(const char *format, va_list arguments) {
    static char text[TEXT_BYTES];
    json_error_t error;
    vsnprintf(text, sizeof text, format, arguments);
    for (char *at = text; *at; at++)
        if (*at == '\'')
            *at = '"';
    json_t *json = json_loads(text, 0, &error);
    CHECK_SAY(json != NULL, "%s: %s", error.text, text);
    return json;
}

static bool put_bytes(const char *path, const void *bytes, size_t n) {
    struct reply reply;
    client_send(
        user,
        &(struct request){.method = "PUT", .path = path, .body = bytes, .body_n = n},
        &reply);
    bool ok = CHECK_SAY(reply.status == 201 || reply.status == 200, "%s: %ld %s", path,
                        reply.status, reply.body);
    reply_free(&reply);
    return ok;
}

static bool put_text(const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "/v1/datasets/%s", name);
    return put_bytes(path, text, strlen(text));
}

static bool put_file(const char *name, const char *file) {
    static char bytes[1 << 20];
    FILE *f = fopen(file, "rb");
    if (!CHECK_SAY(f != NULL, "%s", file))
        return false;
    size_t n = fread(bytes, 1, sizeof bytes - 1, f);
    fclose(f);
    bytes[n] = '\0';
    return put_text(name, bytes);
}

/* Trains; *reply is the job that succeeded, or what came instead. */
__attribute__((format(printf, 2, 3))) static bool train(struct reply *reply,
                                                        const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    json_t *job = json_of(format, arguments);
    va_end(arguments);
    return job_train(user, job, reply);
}

__attribute__((format(printf, 3, 4))) static void
check_refused(const char *param, const char *part, const char *format, ...) {
    struct reply reply;
    va_list arguments;
    va_start(arguments, format);
    json_t *job = json_of(format, arguments);
    va_end(arguments);
    client_post_json(user, &reply, "/v1/jobs", job);
    CHECK_SAY(reply.status == 400 &&
                  strcmp(reply_text(reply.json, "/error/param"), param) == 0 &&
                  strstr(reply_text(reply.json, "/error/message"), part),
              "%s, %s: %ld %s", param, part, reply.status, reply.body);
    reply_free(&reply);
}

/* Predicts; *reply is the answer, of whichever status. */
__attribute__((format(printf, 2, 3))) static bool predict(struct reply *reply,
                                                          const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    json_t *body = json_of(format, arguments);
    va_end(arguments);
    client_post_json(user, reply, "/predict", body);
    return reply->status == 200;
}

static bool equal_at(const json_t *json, const char *pointer, const char *want) {
    char text[TEXT_BYTES];
    snprintf(text, sizeof text, "%s", want);
    for (char *at = text; *at; at++)
        if (*at == '\'')
            *at = '"';
    json_t *wanted = json_loads(text, JSON_DECODE_ANY, NULL);
    json_t *got = reply_at(json, pointer);
    char *shown = got ? json_dumps(got, JSON_ENCODE_ANY) : NULL;
    bool ok = CHECK_SAY(wanted && got && json_equal(got, wanted), "%s: %s, not %s",
                        pointer, shown ? shown : "nothing", text);
    free(shown);
    json_decref(wanted);
    return ok;
}

/* ---- the table of most tests ---------------------------------------------------- */

/* One row's truth, before cells are lost. */
struct mixed {
    const char *colour; /* as CSV has it */
    const char *shown;  /* as JSON has it */
    double size;
    bool fresh, size_missing, fresh_missing, colour_missing;
    int level;
    double price;
};

static void mixed_row(struct table_random *random, int i, struct mixed *row) {
    static const char *const colours[] = {"red", "blue", "\"deep \"\"sea\"\", dark\""};
    static const char *const shown[] = {"\"red\"", "\"blue\"",
                                        "\"deep \\\"sea\\\", dark\""};
    size_t colour = (size_t)(3 * table_uniform(random));
    row->colour = colours[colour];
    row->shown = shown[colour];
    row->size = floor(900 * table_uniform(random)) / 100 + 1;
    row->fresh = table_uniform(random) < 0.5;
    row->size_missing = i % 31 == 7;
    row->fresh_missing = i % 37 == 5;
    row->colour_missing = i % 29 == 3;
    row->level = row->size < 4 ? 0 : row->size < 7 ? 1 : 2;
    row->price = 1000.25 + 50 * row->size + 200 * (colour == 0) + 30 * row->fresh;
}

static bool mixed_put(const char *name) {
    static char text[TEXT_BYTES];
    struct table_random random = {5};
    size_t at = (size_t)snprintf(text, sizeof text,
                                 "colour,size,fresh,kind,sold,level,price\r\n");
    for (int i = 0; i < MIXED_ROWS; i++) {
        struct mixed r;
        char size[16];
        mixed_row(&random, i, &r);
        snprintf(size, sizeof size, "%.2f", r.size);
        at += (size_t)snprintf(
            text + at, sizeof text - at, "%s,%s,%s,%s,%s,%d,%.2f\r\n",
            r.colour_missing ? "NA" : r.colour, r.size_missing ? "" : size,
            r.fresh_missing ? "?"
            : r.fresh       ? "True"
                            : "False",
            r.size > 5 ? "large" : "small",
            strcmp(r.colour, "red") == 0 ? "true" : "false", r.level, r.price);
    }
    return CHECK(at < sizeof text) && put_text(name, text);
}

#define MIXED "'dataset':'mixed','features':['colour','size','fresh'],'seed':1"

/* ---- training ------------------------------------------------------------------- */

static void test_shortest(void) {
    struct reply job, got;
    if (!put_file("iris", "tests/data/iris.csv") ||
        !train(&job, "{'model':'iris','dataset':'iris','target':'species'}"))
        return;
    CHECK_TEXT(reply_text(job.json, "/hyperparameters/task"), "multi_class");
    CHECK_TEXT(reply_text(job.json, "/hyperparameters/normalize"), "standard");
    CHECK_TEXT(reply_text(job.json, "/hyperparameters/dataset"), "iris");
    CHECK(reply_number(job.json, "/hyperparameters/samples") == 150);
    CHECK(reply_number(job.json, "/hyperparameters/table/revision") == 1);
    CHECK(reply_number(job.json, "/metrics/training/accuracy") >= 0.96);
    CHECK(!reply_at(job.json, "/metrics/validation"));
    CHECK(reply_count(job.json, "/warnings") == 0);
    reply_free(&job);
    /* A table of numbers takes plain rows. */
    CHECK(predict(&got, "{'model':'iris','instances':"
                        "[[5.1,3.5,1.4,0.2],[6.7,3.0,5.8,2.4]]}"));
    equal_at(got.json, "/predictions", "['setosa','virginica']");
    reply_free(&got);
}

static void check_kind(const char *target, const char *task, const char *classes,
                       double accuracy) {
    struct reply job;
    if (train(&job, "{'model':'kind-%s'," MIXED ",'target':'%s'}", target, target)) {
        CHECK_TEXT(reply_text(job.json, "/hyperparameters/task"), task);
        equal_at(job.json, "/hyperparameters/classes", classes);
        CHECK_SAY(reply_number(job.json, "/metrics/training/accuracy") >= accuracy,
                  "%s: %g", target, reply_number(job.json, "/metrics/training/accuracy"));
    }
    reply_free(&job);
}

static void test_kinds_of_targets(void) {
    struct reply got;
    check_kind("kind", "binary", "['large','small']", 0.95);
    check_kind("sold", "binary", "[false,true]", 0.95);
    check_kind("level", "multi_class", "[0,1,2]", 0.93);
    const char *instances = "[['red',9.5,true],['blue',1.5,null]]";
    CHECK(predict(&got, "{'model':'kind-kind','instances':%s}", instances));
    equal_at(got.json, "/predictions", "['large','small']");
    reply_free(&got);
    CHECK(predict(&got, "{'model':'kind-sold','instances':%s}", instances));
    equal_at(got.json, "/predictions", "[true,false]");
    reply_free(&got);
    CHECK(predict(&got, "{'model':'kind-level','instances':%s}", instances));
    equal_at(got.json, "/predictions", "[2,0]");
    reply_free(&got);
}

/* Trained on the scaled target, told in the column's units. */
static void test_regression(void) {
    struct reply job, got;
    if (!train(&job, "{'model':'price'," MIXED ",'target':'price'}"))
        return;
    CHECK_TEXT(reply_text(job.json, "/hyperparameters/task"), "regression");
    CHECK(json_is_true(reply_at(job.json, "/hyperparameters/table/scale_target")));
    double rmse = reply_number(job.json, "/metrics/training/rmse"),
           r2 = reply_number(job.json, "/metrics/training/r2");
    CHECK_SAY(rmse > 1 && rmse < 60 && r2 > 0.85, "%g %g", rmse, r2);
    CHECK(fabs(reply_number(job.json, "/metrics/training/mse") - rmse * rmse) < 1e-6);
    reply_free(&job);
    CHECK(
        predict(&got, "{'model':'price','instances':[['red',6,true],['blue',2,false]]}"));
    CHECK_SAY(fabs(reply_number(got.json, "/predictions/0/0") - 1530.25) < 60 ||
                  fabs(reply_number(got.json, "/predictions/0") - 1530.25) < 60,
              "%s", got.body);
    CHECK_SAY(fabs(reply_number(got.json, "/predictions/1/0") - 1100.25) < 60 ||
                  fabs(reply_number(got.json, "/predictions/1") - 1100.25) < 60,
              "%s", got.body);
    reply_free(&got);
    /* Few whole numbers, as numbers. */
    if (train(&job, "{'model':'grade'," MIXED ",'target':'level','task':'regression'}"))
        CHECK(reply_number(job.json, "/metrics/training/r2") > 0.8);
    reply_free(&job);
}

static void test_columns(void) {
    struct reply job;
    if (train(&job, "{'model':'few','dataset':'mixed','target':'kind','epochs':2,"
                    "'exclude':['level','price','kind']}"))
        equal_at(job.json, "/hyperparameters/table/columns",
                 "[{'name':'colour','type':'category','use':'feature'},"
                 "{'name':'size','type':'number','use':'feature'},"
                 "{'name':'fresh','type':'boolean','use':'feature'},"
                 "{'name':'kind','type':'category','use':'target'},"
                 "{'name':'sold','type':'boolean','use':'feature'},"
                 "{'name':'level','type':'number','use':'none'},"
                 "{'name':'price','type':'number','use':'none'}]");
    reply_free(&job);
    check_refused("/target", "is missing", "{'model':'m','dataset':'mixed'}");
    check_refused("/target", "sort", "{'model':'m','dataset':'mixed','target':'sort'}");
    check_refused("/features/1", "hue",
                  "{'model':'m','dataset':'mixed','target':'kind',"
                  "'features':['size','hue']}");
    check_refused("/features/0", "is the target",
                  "{'model':'m','dataset':'mixed','target':'kind','features':['kind']}");
    check_refused("/exclude/0", "hue",
                  "{'model':'m','dataset':'mixed','target':'kind','exclude':['hue']}");
    check_refused("/features", "no column is left",
                  "{'model':'m','dataset':'mixed','target':'kind','features':['size'],"
                  "'exclude':['size']}");
    check_refused("/features", "no column is left",
                  "{'model':'m','dataset':'mixed','target':'kind','features':[]}");
    check_refused("/target", "missing in",
                  "{'model':'m','dataset':'mixed','target':'fresh'}");
    check_refused("/target", "expected a number",
                  "{'model':'m','dataset':'mixed','target':'kind','task':'regression'}");
    check_refused("/dataset", "not both",
                  "{'model':'m','dataset':'mixed','target':'kind',"
                  "'data':{'features':[[1],[2]],'targets':[0,1]}}");
}

static void test_missing_values(void) {
    struct reply job, got;
    check_refused("/missing_values", "size",
                  "{'model':'m','dataset':'mixed','target':'kind',"
                  "'features':['size'],'missing_values':'error'}");
    if (train(&job, "{'model':'strict','dataset':'mixed','target':'kind','epochs':5,"
                    "'features':['level'],'missing_values':'error'}")) {
        CHECK(!predict(&got, "{'model':'strict','instances':[[1],[null]]}"));
        CHECK_SAY(got.status == 400 &&
                      strcmp(reply_text(got.json, "/error/param"), "/instances/1/0") == 0,
                  "%ld %s", got.status, got.body);
        reply_free(&got);
    }
    reply_free(&job);
}

static void test_warnings(void) {
    char text[4096] = "same,code,counted,mirror,empty,x,y\n";
    struct reply job, got;
    struct table_random random = {6};
    for (int i = 0; i < 60; i++) {
        size_t at = strlen(text);
        double x = table_uniform(&random);
        snprintf(text + at, sizeof text - at, "k,c%02d,%d,%s,,%.3f,%d\n", i, i + 100,
                 x > 0.4 ? "yes" : "no", x, x > 0.4);
    }
    put_text("odd", text);
    if (!train(&job, "{'model':'odd','dataset':'odd','target':'y','epochs':5}"))
        return;
    char *warnings = json_dumps(reply_at(job.json, "/warnings"), 0);
    CHECK_SAY(reply_count(job.json, "/warnings") == 5 &&
                  strstr(warnings, "\\\"same\\\" is constant") &&
                  strstr(warnings, "\\\"code\\\" is different in every row") &&
                  strstr(warnings, "\\\"counted\\\" counts the rows") &&
                  strstr(warnings, "\\\"mirror\\\" seems to repeat the target") &&
                  strstr(warnings, "\\\"empty\\\" is empty"),
              "%s", warnings);
    free(warnings);
    reply_free(&job);
    /* What was left out is not asked for. */
    CHECK(predict(&got, "{'model':'odd','instances':"
                        "[{'counted':1,'mirror':'yes','x':0.7}]}"));
    reply_free(&got);
}

/* ---- the rows held back --------------------------------------------------------- */

static double confusion_sum(const json_t *json, const char *pointer) {
    double sum = 0;
    size_t i, j;
    json_t *row, *cell;
    json_array_foreach(reply_at(json, pointer), i, row) json_array_foreach(row, j, cell)
        sum += json_number_value(cell);
    return sum;
}

static json_t *split_metrics(int seed, json_t **points) {
    struct reply job, history;
    json_t *metrics = NULL;
    if (train(&job,
              "{'model':'split','dataset':'mixed','target':'kind',"
              "'features':['colour','size'],'validation_split':0.25,'epochs':20,"
              "'seed':%d}",
              seed)) {
        metrics = json_incref(reply_at(job.json, "/metrics"));
        client_get(user, &history, "/v1/jobs/%s/history", reply_text(job.json, "/id"));
        *points = json_incref(reply_at(history.json, "/data"));
        reply_free(&history);
    }
    reply_free(&job);
    return metrics;
}

static void test_validation_split(void) {
    json_t *points[3] = {NULL}, *metrics[3];
    static const int seeds[] = {4, 4, 5};
    for (int i = 0; i < 3; i++)
        metrics[i] = split_metrics(seeds[i], &points[i]);
    if (!CHECK(metrics[0] && metrics[1] && metrics[2] && points[0]))
        return;
    CHECK(confusion_sum(metrics[0], "/training/confusion_matrix") == 120);
    CHECK(confusion_sum(metrics[0], "/validation/confusion_matrix") == 40);
    CHECK(reply_number(metrics[0], "/validation/roc_auc") > 0.8);
    CHECK(json_equal(metrics[0], metrics[1]));
    CHECK(!json_equal(metrics[0], metrics[2]));
    CHECK(json_equal(points[0], points[1]));
    CHECK(json_array_size(points[0]) == 21);
    size_t i;
    json_t *point;
    json_array_foreach(points[0], i, point)
        CHECK(reply_number(point, "/validation_cost") > 0);
    /* The last cost is the log loss of the rows that were held back. */
    CHECK_NEAR(reply_number(points[0], "/20/validation_cost"),
               reply_number(metrics[0], "/validation/log_loss"), 1e-5);
    for (i = 0; i < 3; i++) {
        json_decref(points[i]);
        json_decref(metrics[i]);
    }
}

/* The rows of another dataset: its columns by name, in any order, its classes among ours.
 */
static void test_validation_dataset(void) {
    struct reply job, curve;
    put_text("fit", "x,w,y\n0,5,a\n1,6,a\n2,5,a\n8,6,b\n9,5,b\n10,6,b\n");
    put_text("held", "y,x,extra,w\na,1.5,1,5\nb,8.5,2,5\nb,9.5,3,6\n");
    put_text("other-classes", "x,w,y\n0,5,a\n1,6,c\n");
    put_text("other-columns", "x,y\n0,a\n1,b\n");
    put_text("other-types", "x,w,y\nlow,5,a\nhigh,6,b\n");
    if (train(&job, "{'model':'v','dataset':'fit','target':'y','seed':1,'epochs':50,"
                    "'validation_dataset':'held'}")) {
        CHECK(confusion_sum(job.json, "/metrics/validation/confusion_matrix") == 3);
        CHECK(reply_number(job.json, "/metrics/validation/accuracy") == 1);
        equal_at(job.json, "/hyperparameters/validation_dataset", "'held'");
        client_get(user, &curve, "/v1/jobs/%s/history", reply_text(job.json, "/id"));
        CHECK_NEAR(reply_number(curve.json, "/data/50/validation_cost"),
                   reply_number(job.json, "/metrics/validation/log_loss"), 1e-5);
        reply_free(&curve);
    }
    reply_free(&job);
#define HELD(other)                                                                      \
    "{'model':'v','dataset':'fit','target':'y','validation_dataset':'" other "'}"
    check_refused("/validation_dataset", "none of the classes", HELD("other-classes"));
    check_refused("/validation_dataset", "no column \"w\"", HELD("other-columns"));
    check_refused("/validation_dataset", "is category, not number", HELD("other-types"));
    check_refused("/validation_dataset", "not both",
                  "{'model':'v','dataset':'fit','target':'y','validation_split':0.5,"
                  "'validation_dataset':'held'}");
}

/* One in ten, not separable: balanced weights find more of them. */
static void test_class_weight(void) {
    char text[8192] = "x,y\n";
    struct table_random random = {7};
    struct reply none, balanced;
    for (int i = 0; i < 300; i++) {
        size_t at = strlen(text);
        int rare = i % 10 == 0;
        snprintf(text + at, sizeof text - at, "%.3f,%s\n", table_normal(&random) + rare,
                 rare ? "rare" : "common");
    }
    put_text("rare", text);
    bool ok = train(&none, "{'model':'r','dataset':'rare','target':'y','seed':1,"
                           "'hidden_layers':[],'epochs':60}");
    ok &= train(&balanced, "{'model':'r','dataset':'rare','target':'y','seed':1,"
                           "'hidden_layers':[],'epochs':60,'class_weight':'balanced'}");
    double without = reply_number(none.json, "/metrics/training/confusion_matrix/1/1"),
           with = reply_number(balanced.json, "/metrics/training/confusion_matrix/1/1");
    CHECK_SAY(ok && without < 5 && with > 15, "%g without, %g with", without, with);
    reply_free(&none);
    reply_free(&balanced);
    check_refused("/class_weight", "",
                  "{'model':'r','dataset':'rare','target':'y','class_weight':'even'}");
}

/* ---- predictions ---------------------------------------------------------------- */

/* Rows as arrays, and as objects whose members stand in another order. */
static void test_arrays_and_objects(void) {
    static char arrays[TEXT_BYTES], objects[TEXT_BYTES];
    struct table_random random = {5};
    struct reply a, b;
    size_t n = 0, k = 0, right = 0;
    for (int i = 0; i < MIXED_ROWS; i++) {
        struct mixed r;
        mixed_row(&random, i, &r);
        const char *fresh = r.fresh_missing ? "null" : r.fresh ? "true" : "false";
        const char *colour = r.colour_missing ? "null" : r.shown;
        n += (size_t)snprintf(arrays + n, sizeof arrays - n, "%s[%s,%.2f,%s]",
                              i ? "," : "", colour, r.size, fresh);
        k += (size_t)snprintf(objects + k, sizeof objects - k,
                              "%s{\"fresh\":%s,\"colour\":%s,\"size\":%.2f}",
                              i ? "," : "", fresh, colour, r.size);
    }
    CHECK(n < sizeof arrays - 64 && k < sizeof objects - 64);
    CHECK(predict(&a, "{'model':'kind-kind','instances':[%s]}", arrays));
    CHECK(predict(&b, "{'model':'kind-kind','instances':[%s]}", objects));
    CHECK(reply_count(a.json, "/predictions") == MIXED_ROWS);
    CHECK(a.json && b.json && json_equal(a.json, b.json));
    random.state = 5;
    for (int i = 0; i < MIXED_ROWS; i++) {
        struct mixed r;
        char at[32];
        mixed_row(&random, i, &r);
        snprintf(at, sizeof at, "/predictions/%d", i);
        right += strcmp(reply_text(a.json, at), r.size > 5 ? "large" : "small") == 0;
    }
    CHECK_SAY((double)right > MIXED_ROWS * 0.93, "%zu", right);
    reply_free(&a);
    reply_free(&b);
}

static void check_same(const char *a, const char *b, bool same) {
    struct reply first, second;
    CHECK(predict(&first, "{'model':'kind-sold','instances':[%s]}", a));
    CHECK(predict(&second, "{'model':'kind-sold','instances':[%s]}", b));
    CHECK_SAY(first.json && second.json && json_equal(first.json, second.json) == same,
              "%s -> %s %s -> %s", a, first.body, b, second.body);
    reply_free(&first);
    reply_free(&second);
}

static void check_bad_row(const char *param, const char *part, const char *row) {
    struct reply reply;
    CHECK(!predict(&reply, "{'model':'kind-sold','instances':[['red',1,true],%s]}", row));
    CHECK_SAY(reply.status == 400 &&
                  strcmp(reply_text(reply.json, "/error/param"), param) == 0 &&
                  strstr(reply_text(reply.json, "/error/message"), part),
              "%s: %ld %s", row, reply.status, reply.body);
    reply_free(&reply);
}

static void test_cells(void) {
    struct reply model;
    client_get(user, &model, "/v1/models/kind-sold");
    double mean = reply_number(model.json, "/columns/1/mean");
    char text[64];
    snprintf(text, sizeof text, "['red',%.17g,true]", mean);
    reply_free(&model);
    check_same("['red',null,true]", text, true); /* the training mean */
    check_same("['green',1,true]", "['mauve',1,true]", true);
    check_same("['green',1,true]", "['red',1,true]", false);
    check_same("[null,1,true]", "['green',1,true]", false); /* a value of its own */
    check_same("['red',1,1]", "['red',1.0,true]", true);
    check_bad_row("/instances/1", "colour", "{'size':1,'fresh':true}");
    check_bad_row("/instances/1/hue", "hue",
                  "{'colour':'red','size':1,'fresh':true,'hue':1}");
    check_bad_row("/instances/1/1", "expected a number", "['red','big',true]");
    check_bad_row("/instances/1/size", "expected a number",
                  "{'size':'big','colour':'red','fresh':true}");
    check_bad_row("/instances/1/2", "true or false", "['red',1,'maybe']");
    check_bad_row("/instances/1", "3", "['red',1]");
    check_bad_row("/instances/1", "3", "['red',1,true,1]");
    check_bad_row("/instances/1/1", "", "['red',[1],true]");
    check_bad_row("/instances/1", "array or an object", "7");
    check_bad_row("/instances/1", "colour", "{}");
    check_bad_row("/instances/1/0", "", "[]");
}

/* jansson's own object would keep one of two: the text as it is. */
static void test_duplicate_name(void) {
    struct reply reply;
    client_post(user, &reply, "/predict",
                "{\"model\":\"kind-sold\",\"instances\":[{\"size\":1,\"colour\":\"red\","
                "\"fresh\":true,\"size\":2}]}");
    CHECK_SAY(reply.status == 400 && strcmp(reply_text(reply.json, "/error/param"),
                                            "/instances/0/size") == 0,
              "%ld %s", reply.status, reply.body);
    reply_free(&reply);
}

static void test_model_document(void) {
    struct reply model;
    client_get(user, &model, "/v1/models/kind-kind");
    CHECK_TEXT(reply_text(model.json, "/dataset"), "mixed");
    CHECK(reply_number(model.json, "/dataset_revision") == 1);
    CHECK(reply_number(model.json, "/inputs") == 6);
    CHECK(reply_count(model.json, "/columns") == 3);
    CHECK(json_equal(reply_at(model.json, "/columns/0/categories"),
                     reply_at(model.json, "/columns/0/categories")));
    equal_at(model.json, "/columns/0",
             "{'name':'colour','type':'category','missing':'category',"
             "'categories':['blue','deep \\'sea\\', dark','red']}");
    CHECK_TEXT(reply_text(model.json, "/columns/1/name"), "size");
    CHECK_TEXT(reply_text(model.json, "/columns/1/type"), "number");
    CHECK_TEXT(reply_text(model.json, "/columns/1/missing"), "mean");
    CHECK_TEXT(reply_text(model.json, "/columns/2/type"), "boolean");
    double mean = reply_number(model.json, "/columns/1/mean"), sum = 0, n = 0;
    struct table_random random = {5};
    for (int i = 0; i < MIXED_ROWS; i++) {
        struct mixed r;
        mixed_row(&random, i, &r);
        sum += r.size_missing ? 0 : r.size;
        n += !r.size_missing;
    }
    CHECK_NEAR(mean, sum / n, 1e-9);
    reply_free(&model);
}

/* ---- datasets come and go ------------------------------------------------------- */

static void test_job_outlives_dataset(void) {
    struct reply reply, second;
    char first[JOB_ID_BYTES], id[JOB_ID_BYTES];
    put_text("gone", "a,y\n1,no\n2,no\n3,yes\n4,yes\n");
    /* The first keeps the worker busy until the dataset is away. */
    json_t *busy = json_pack("{ssssss si}", "model", "busy", "dataset", "gone", "target",
                             "y", "epochs", 100000000);
    json_t *job = json_pack("{ssssss si}", "model", "late", "dataset", "gone", "target",
                            "y", "epochs", 10);
    bool ok = job_post(user, busy, first) && job_post(user, job, id);
    client_call(user, &reply, "DELETE", "/v1/datasets/gone");
    CHECK_SAY(reply.status == 204 || reply.status == 200, "%ld", reply.status);
    reply_free(&reply);
    client_get(user, &reply, "/v1/jobs/%s", id);
    CHECK_TEXT(reply_text(reply.json, "/status"), "queued");
    reply_free(&reply);
    job_cancel(user, first, &reply);
    reply_free(&reply);
    CHECK(ok && job_wait(user, id, "succeeded", 20, &second));
    reply_free(&second);
    client_post_json(
        user, &reply, "/v1/jobs",
        json_pack("{ssssss}", "model", "late", "dataset", "gone", "target", "y"));
    CHECK_SAY(reply.status == 404 &&
                  strcmp(reply_text(reply.json, "/error/param"), "/dataset") == 0,
              "%ld %s", reply.status, reply.body);
    reply_free(&reply);
}

static void test_revisions(void) {
    struct reply job;
    put_text("twice", "a,y\n1,no\n2,no\n3,yes\n4,yes\n");
    put_text("twice", "b,z\n1,1.5\n2,2.5\n3,3.5\n");
    if (train(&job, "{'model':'old','dataset':'twice@1','target':'y','epochs':2}")) {
        CHECK(reply_number(job.json, "/hyperparameters/table/revision") == 1);
        CHECK(reply_number(job.json, "/hyperparameters/samples") == 4);
    }
    reply_free(&job);
    if (train(&job, "{'model':'new','dataset':'twice','target':'z','epochs':2}"))
        CHECK(reply_number(job.json, "/hyperparameters/table/revision") == 2);
    reply_free(&job);
    check_refused("/target", "\"y\"", "{'model':'m','dataset':'twice','target':'y'}");
    check_refused("/dataset", "", "{'model':'m','dataset':'twice@0','target':'y'}");
    check_refused("/dataset", "", "{'model':'m','dataset':'twice@one','target':'y'}");
}

/* An npy file of version 1.0 in buffer; @return its bytes. */
static size_t npy_write(unsigned char *to, const char *type, const char *shape,
                        const void *data, size_t data_n, bool fortran) {
    char header[119];
    int n = snprintf(header, sizeof header,
                     "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }", type,
                     fortran ? "True" : "False", shape);
    memset(header + n, ' ', sizeof header - 1 - (size_t)n);
    header[117] = '\n';
    memcpy(to, "\x93NUMPY\x01\x00\x76\x00", 10);
    memcpy(to + 10, header, 118);
    memcpy(to + 128, data, data_n);
    return 128 + data_n;
}

enum { ROWS = 80 };

/* The same features one column behind the other are the same table. */
static void check_turned(float X[ROWS][3], const struct reply *straight) {
    static float columns[3][ROWS];
    static unsigned char file[4096];
    struct reply job;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < 3; j++)
            columns[j][i] = X[i][j];
    size_t n = npy_write(file, "<f4", "80, 3", columns, sizeof columns, true);
    put_bytes("/v1/datasets/arrays/features", file, n);
    if (train(&job, "{'model':'turned','dataset':'arrays','seed':1,"
                    "'validation_split':0.25}"))
        CHECK(json_equal(reply_at(job.json, "/metrics"),
                         reply_at(straight->json, "/metrics")) &&
              json_equal(reply_at(job.json, "/cost"), reply_at(straight->json, "/cost")));
    reply_free(&job);
}

static void test_two_files(void) {
    static float X[ROWS][3];
    static int64_t y[ROWS];
    static unsigned char file[4096];
    struct table_random random = {8};
    struct reply job, got;
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < 3; j++)
            X[i][j] = (float)table_normal(&random);
        y[i] = X[i][0] + X[i][1] > 0 ? 7 : 3;
    }
    size_t n = npy_write(file, "<f4", "80, 3", X, sizeof X, false);
    put_bytes("/v1/datasets/arrays/features", file, n);
    client_post_json(user, &got, "/v1/jobs",
                     json_pack("{ssss}", "model", "arrays", "dataset", "arrays"));
    CHECK_SAY(got.status == 409 || got.status == 400, "%ld %s", got.status, got.body);
    reply_free(&got);
    n = npy_write(file, "<i8", "80,", y, sizeof y, false);
    put_bytes("/v1/datasets/arrays/targets", file, n);
    if (train(&job, "{'model':'arrays','dataset':'arrays','seed':1,"
                    "'validation_split':0.25}")) {
        equal_at(job.json, "/hyperparameters/classes", "[3,7]");
        CHECK(reply_number(job.json, "/metrics/training/accuracy") >= 0.97);
        CHECK(reply_number(job.json, "/metrics/validation/accuracy") >= 0.85);
        check_turned(X, &job);
    }
    reply_free(&job);
    CHECK(predict(&got, "{'model':'arrays','instances':[[1,1,0],[-1,-1,0]]}"));
    equal_at(got.json, "/predictions", "[7,3]");
    reply_free(&got);
    CHECK(predict(&got, "{'model':'arrays','instances':[{'2':0,'1':1,'0':1}]}"));
    equal_at(got.json, "/predictions", "[7]");
    reply_free(&got);
}

static void test_digits(void) {
    struct reply job;
    if (put_file("digits", "tests/data/digits.csv") &&
        train(&job, "{'model':'digits','dataset':'digits','target':'digit','seed':1,"
                    "'epochs':30,'batch_size':32,'validation_split':0.2}")) {
        CHECK(reply_number(job.json, "/metrics/validation/accuracy") >= 0.93);
        CHECK(confusion_sum(job.json, "/metrics/validation/confusion_matrix") >= 355);
        CHECK(reply_count(job.json, "/metrics/validation/confusion_matrix") == 10);
        reply_free(&job);
    }
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL) || !mixed_put("mixed"))
        return 1;
    CHECK_RUN(test_shortest);
    CHECK_RUN(test_kinds_of_targets);
    CHECK_RUN(test_regression);
    CHECK_RUN(test_columns);
    CHECK_RUN(test_missing_values);
    CHECK_RUN(test_warnings);
    CHECK_RUN(test_validation_split);
    CHECK_RUN(test_validation_dataset);
    CHECK_RUN(test_class_weight);
    CHECK_RUN(test_arrays_and_objects);
    CHECK_RUN(test_cells);
    CHECK_RUN(test_duplicate_name);
    CHECK_RUN(test_model_document);
    CHECK_RUN(test_job_outlives_dataset);
    CHECK_RUN(test_revisions);
    CHECK_RUN(test_two_files);
    CHECK_RUN(test_digits);
    daemon_close(&daemon_of_all);
    return check_done();
}
