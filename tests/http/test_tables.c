/* Jobs on datasets: columns chosen and refused, what is learnt from them, and predictions
 * from the raw cells. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/mixed.h"
#include "tests/http/table.h"
#include "tests/http/terse.h"
#include "tests/http/upload.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

#define MIXED "'dataset':'mixed','features':['colour','size','fresh'],'seed':1"

/* ---- training ------------------------------------------------------------------- */

static void test_shortest(void) {
    struct reply job, got;
    if (!upload_file(user, "iris", "tests/data/iris.csv") ||
        !terse_train(user, &job, "{'model':'iris','dataset':'iris','target':'species'}"))
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
    CHECK(terse_predict(user, &got,
                        "{'model':'iris','instances':"
                        "[[5.1,3.5,1.4,0.2],[6.7,3.0,5.8,2.4]]}"));
    terse_equal(got.json, "/predictions", "['setosa','virginica']");
    reply_free(&got);
}

static void check_kind(const char *target, const char *task, const char *classes,
                       double accuracy) {
    struct reply job;
    if (terse_train(user, &job, "{'model':'kind-%s'," MIXED ",'target':'%s'}", target,
                    target)) {
        CHECK_TEXT(reply_text(job.json, "/hyperparameters/task"), task);
        terse_equal(job.json, "/hyperparameters/classes", classes);
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
    CHECK(terse_predict(user, &got, "{'model':'kind-kind','instances':%s}", instances));
    terse_equal(got.json, "/predictions", "['large','small']");
    reply_free(&got);
    CHECK(terse_predict(user, &got, "{'model':'kind-sold','instances':%s}", instances));
    terse_equal(got.json, "/predictions", "[true,false]");
    reply_free(&got);
    CHECK(terse_predict(user, &got, "{'model':'kind-level','instances':%s}", instances));
    terse_equal(got.json, "/predictions", "[2,0]");
    reply_free(&got);
}

/* Trained on the scaled target, told in the column's units. */
static void test_regression(void) {
    struct reply job, got;
    if (!terse_train(user, &job, "{'model':'price'," MIXED ",'target':'price'}"))
        return;
    CHECK_TEXT(reply_text(job.json, "/hyperparameters/task"), "regression");
    CHECK(json_is_true(reply_at(job.json, "/hyperparameters/table/scale_target")));
    double rmse = reply_number(job.json, "/metrics/training/rmse"),
           r2 = reply_number(job.json, "/metrics/training/r2");
    CHECK_SAY(rmse > 1 && rmse < 60 && r2 > 0.85, "%g %g", rmse, r2);
    CHECK(fabs(reply_number(job.json, "/metrics/training/mse") - rmse * rmse) < 1e-6);
    reply_free(&job);
    CHECK(terse_predict(
        user, &got, "{'model':'price','instances':[['red',6,true],['blue',2,false]]}"));
    CHECK_SAY(fabs(reply_number(got.json, "/predictions/0/0") - 1530.25) < 60 ||
                  fabs(reply_number(got.json, "/predictions/0") - 1530.25) < 60,
              "%s", got.body);
    CHECK_SAY(fabs(reply_number(got.json, "/predictions/1/0") - 1100.25) < 60 ||
                  fabs(reply_number(got.json, "/predictions/1") - 1100.25) < 60,
              "%s", got.body);
    reply_free(&got);
    /* Few whole numbers, as numbers. */
    if (terse_train(user, &job,
                    "{'model':'grade'," MIXED ",'target':'level','task':'regression'}"))
        CHECK(reply_number(job.json, "/metrics/training/r2") > 0.8);
    reply_free(&job);
}

static void test_columns(void) {
    struct reply job;
    if (terse_train(user, &job,
                    "{'model':'few','dataset':'mixed','target':'kind','epochs':2,"
                    "'exclude':['level','price','kind']}"))
        terse_equal(job.json, "/hyperparameters/table/columns",
                    "[{'name':'colour','type':'category','use':'feature'},"
                    "{'name':'size','type':'number','use':'feature'},"
                    "{'name':'fresh','type':'boolean','use':'feature'},"
                    "{'name':'kind','type':'category','use':'target'},"
                    "{'name':'sold','type':'boolean','use':'feature'},"
                    "{'name':'level','type':'number','use':'none'},"
                    "{'name':'price','type':'number','use':'none'}]");
    reply_free(&job);
    terse_refused(user, "/target", "is missing", "{'model':'m','dataset':'mixed'}");
    terse_refused(user, "/target", "sort",
                  "{'model':'m','dataset':'mixed','target':'sort'}");
    terse_refused(user, "/features/1", "hue",
                  "{'model':'m','dataset':'mixed','target':'kind',"
                  "'features':['size','hue']}");
    terse_refused(user, "/features/0", "is the target",
                  "{'model':'m','dataset':'mixed','target':'kind','features':['kind']}");
    terse_refused(user, "/exclude/0", "hue",
                  "{'model':'m','dataset':'mixed','target':'kind','exclude':['hue']}");
    terse_refused(user, "/features", "no column is left",
                  "{'model':'m','dataset':'mixed','target':'kind','features':['size'],"
                  "'exclude':['size']}");
    terse_refused(user, "/features", "no column is left",
                  "{'model':'m','dataset':'mixed','target':'kind','features':[]}");
    terse_refused(user, "/target", "missing in",
                  "{'model':'m','dataset':'mixed','target':'fresh'}");
    terse_refused(user, "/target", "expected a number",
                  "{'model':'m','dataset':'mixed','target':'kind','task':'regression'}");
    terse_refused(user, "/dataset", "not both",
                  "{'model':'m','dataset':'mixed','target':'kind',"
                  "'data':{'features':[[1],[2]],'targets':[0,1]}}");
}

static void test_missing_values(void) {
    struct reply job, got;
    terse_refused(user, "/missing_values", "size",
                  "{'model':'m','dataset':'mixed','target':'kind',"
                  "'features':['size'],'missing_values':'error'}");
    if (terse_train(user, &job,
                    "{'model':'strict','dataset':'mixed','target':'kind','epochs':5,"
                    "'features':['level'],'missing_values':'error'}")) {
        CHECK(!terse_predict(user, &got, "{'model':'strict','instances':[[1],[null]]}"));
        CHECK_SAY(got.status == 400 &&
                      strcmp(reply_text(got.json, "/error/param"), "/instances/1/0") == 0,
                  "%ld %s", got.status, got.body);
        reply_free(&got);
    }
    reply_free(&job);
}

/* In every form that tells cells apart by their text; and by whoever goes on from it. */
static void test_unknown_categories(void) {
    static const char *const forms[] = {
        "{'model':'%s','instances':[{'colour':'blue'},{'colour':'beige'}]}",
        "{'model':'%s','instances':[['blue'],['beige']]}",
    };
    static const char *const models[] = {"choosy", "heir"};
    struct reply job, got;
    terse_refused(user, "/unknown_categories", "ignore",
                  "{'model':'m','dataset':'mixed','target':'kind',"
                  "'unknown_categories':'maybe'}");
    bool ok = terse_train(user, &job,
                          "{'model':'choosy','dataset':'mixed','target':'kind',"
                          "'features':['colour'],'epochs':3,'validation_split':0.3,"
                          "'handle_unknown':'error'}");
    CHECK_TEXT(reply_text(job.json, "/hyperparameters/unknown_categories"), "error");
    reply_free(&job);
    ok = ok && terse_train(user, &job,
                           "{'model':'heir','dataset':'mixed','target':'kind',"
                           "'init_from':'choosy','epochs':1}");
    if (ok)
        reply_free(&job);
    client_get(user, &got, "/v1/models/choosy/versions/1/export?format=safetensors");
    CHECK(
        got.status == 200 && memmem(got.body, got.body_n, "\\\"unknown\\\":", 12) &&
        !memmem(got.body, got.body_n, "unknown_categories", 18)); /* for older readers */
    reply_free(&got);
    for (size_t i = 0; ok && i < 4; i++) {
        char asked[256];
        snprintf(asked, sizeof asked, forms[i % 2], models[i / 2]);
        CHECK(!terse_predict(user, &got, "%s", asked) && got.status == 400);
        const char *where = i % 2 ? "/instances/1/0" : "/instances/1/colour";
        CHECK_TEXT(reply_text(got.json, "/error/param"), where);
        CHECK_SAY(strstr(got.body, "none of the "), "%s", got.body);
        reply_free(&got);
    }
    terse_refused(user, "/unknown_categories", "init_from",
                  "{'model':'m','dataset':'mixed','target':'kind','init_from':'choosy',"
                  "'unknown_categories':'ignore'}");
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
    upload_text(user, "odd", text);
    if (!terse_train(user, &job,
                     "{'model':'odd','dataset':'odd','target':'y','epochs':5}"))
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
    CHECK(terse_predict(user, &got,
                        "{'model':'odd','instances':"
                        "[{'counted':1,'mirror':'yes','x':0.7}]}"));
    reply_free(&got);
}

/* A model that says the same of all rows. */
static void test_idle(void) {
    static const char *const hyper[] = {
        "'normalize':'none'", "'normalize':'standard'",
        "'normalize':'standard','class_weight':'balanced'"};
    static const char *const says[] = {"\"normalize\":\"standard\" scales",
                                       "another learning_rate may help", NULL};
    for (size_t i = 0; i < 3; i++) {
        struct reply job;
        if (!terse_train(user, &job,
                         "{'model':'idle','data':{'features':[[100],[200],[300]],"
                         "'targets':['a','b','b']},'hidden_layers':[],'epochs':1,"
                         "'learning_rate':1e-9,'initializer':'zeros',%s}",
                         hyper[i]))
            return;
        const char *got = reply_text(job.json, "/warnings/0");
        CHECK_SAY(reply_count(job.json, "/warnings") == (says[i] != NULL), "%s", got);
        CHECK_SAY(!says[i] || (strstr(got, "no better than the most common class") &&
                               strstr(got, says[i])),
                  "%s", got);
        reply_free(&job);
    }
}

/* ---- predictions ---------------------------------------------------------------- */

/* Rows as arrays, and as objects whose members stand in another order. */
static void test_arrays_and_objects(void) {
    static char arrays[TERSE_BYTES], objects[TERSE_BYTES];
    struct table_random random = {MIXED_SEED};
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
    CHECK(terse_predict(user, &a, "{'model':'kind-kind','instances':[%s]}", arrays));
    CHECK(terse_predict(user, &b, "{'model':'kind-kind','instances':[%s]}", objects));
    CHECK(reply_count(a.json, "/predictions") == MIXED_ROWS);
    CHECK(a.json && b.json && json_equal(a.json, b.json));
    random.state = MIXED_SEED;
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
    CHECK(terse_predict(user, &first, "{'model':'kind-sold','instances':[%s]}", a));
    CHECK(terse_predict(user, &second, "{'model':'kind-sold','instances':[%s]}", b));
    CHECK_SAY(first.json && second.json && json_equal(first.json, second.json) == same,
              "%s -> %s %s -> %s", a, first.body, b, second.body);
    reply_free(&first);
    reply_free(&second);
}

static void check_bad_row(const char *param, const char *part, const char *row) {
    struct reply reply;
    CHECK(!terse_predict(user, &reply,
                         "{'model':'kind-sold','instances':[['red',1,true],%s]}", row));
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
    terse_equal(model.json, "/columns/0",
                "{'name':'colour','type':'category','missing':'category',"
                "'categories':['blue','deep \\'sea\\', dark','red']}");
    CHECK_TEXT(reply_text(model.json, "/columns/1/name"), "size");
    CHECK_TEXT(reply_text(model.json, "/columns/1/type"), "number");
    CHECK_TEXT(reply_text(model.json, "/columns/1/missing"), "mean");
    CHECK_TEXT(reply_text(model.json, "/columns/2/type"), "boolean");
    double mean = reply_number(model.json, "/columns/1/mean"), sum = 0, n = 0;
    struct table_random random = {MIXED_SEED};
    for (int i = 0; i < MIXED_ROWS; i++) {
        struct mixed r;
        mixed_row(&random, i, &r);
        sum += r.size_missing ? 0 : r.size;
        n += !r.size_missing;
    }
    CHECK_NEAR(mean, sum / n, 1e-9);
    reply_free(&model);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL) || !mixed_put(user, "mixed"))
        return 1;
    CHECK_RUN(test_shortest);
    CHECK_RUN(test_kinds_of_targets);
    CHECK_RUN(test_regression);
    CHECK_RUN(test_columns);
    CHECK_RUN(test_missing_values);
    CHECK_RUN(test_unknown_categories);
    CHECK_RUN(test_warnings);
    CHECK_RUN(test_idle);
    CHECK_RUN(test_arrays_and_objects);
    CHECK_RUN(test_cells);
    CHECK_RUN(test_duplicate_name);
    CHECK_RUN(test_model_document);
    daemon_close(&daemon_of_all);
    return check_done();
}
