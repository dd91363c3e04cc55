/* Accuracy on real tables, posted as a user would: $DATA is a folder with tabular/,
 * mnist/ and splits/. What must be reached is scikit-learn's figure for the same split,
 * less 0.02. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/dataset.h"
#include "tests/http/job.h"
#include "tests/http/lines.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;
static const char *folder;

static const double tolerance = 0.02;

/* The rows to train on and those to test with, of one table or of two. */
struct split {
    const struct dataset *train, *test;
    const size_t *train_rows, *test_rows;
    size_t train_n, test_n;
};

static char *job_body(const char *model, const struct split *split, const char *rest,
                      size_t *n) {
    char *body = NULL;
    FILE *out = open_memstream(&body, n);
    if (!out)
        return NULL;
    fprintf(out, "{\"model\":\"%s\",%s,\"data\":{\"features\":", model, rest);
    dataset_write_features(split->train, split->train_rows, split->train_n, out);
    fputs(",\"targets\":", out);
    dataset_write_labels(split->train, split->train_rows, split->train_n, out);
    fputs("}}", out);
    fclose(out);
    return body;
}

static char *predict_body(const char *model, const struct split *split, size_t *n) {
    char *body = NULL;
    FILE *out = open_memstream(&body, n);
    if (!out)
        return NULL;
    fprintf(out, "{\"model\":\"%s\",\"instances\":", model);
    dataset_write_features(split->test, split->test_rows, split->test_n, out);
    fputc('}', out);
    fclose(out);
    return body;
}

/* Posts the training rows and waits. @return whether the job succeeded. */
static bool train(const char *model, const struct split *split, const char *rest) {
    struct reply reply;
    char id[JOB_ID_BYTES];
    size_t body_n = 0;
    char *body = job_body(model, split, rest, &body_n);
    client_send(user,
                &(struct request){.path = "/v1/jobs", .body = body, .body_n = body_n},
                &reply);
    free(body);
    double accepted_seconds = reply.seconds;
    bool ok = CHECK_SAY(reply.status == 202, "%ld: %.400s", reply.status, reply.body);
    snprintf(id, sizeof id, "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    if (!ok)
        return false;
    ok = job_wait(user, id, "succeeded", 300, &reply);
    printf("%-14s %zu rows, %.1f MB in %.2f s, trained in %.2f s", model, split->train_n,
           (double)body_n / 1e6, accepted_seconds,
           reply_number(reply.json, "/training_seconds"));
    reply_free(&reply);
    return ok;
}

/* Predicts the test rows in one request. @return the part of them that is right. */
static double test_accuracy(const char *model, const struct split *split) {
    struct reply reply;
    size_t body_n = 0, right = 0;
    char *body = predict_body(model, split, &body_n);
    client_send(user,
                &(struct request){.path = "/predict", .body = body, .body_n = body_n},
                &reply);
    free(body);
    CHECK_SAY(reply.status == 200, "%ld: %.400s", reply.status, reply.body);
    CHECK(reply_count(reply.json, "/predictions") == split->test_n);
    for (size_t i = 0; i < split->test_n; i++) {
        json_t *got = json_array_get(reply_at(reply.json, "/predictions"), i);
        char *text = got ? json_dumps(got, JSON_ENCODE_ANY) : NULL;
        right += text && strcmp(text, split->test->labels[split->test_rows[i]]) == 0;
        free(text);
    }
    reply_free(&reply);
    return (double)right / (double)split->test_n;
}

static void check_reaches(const char *model, const struct split *split, const char *rest,
                          double bar) {
    if (!train(model, split, rest))
        return;
    double accuracy = test_accuracy(model, split);
    printf(", %.4f right of %zu (bar %.3f)\n", accuracy, split->test_n, bar);
    CHECK_SAY(accuracy >= bar - tolerance, "%s: %g is under %g - %g", model, accuracy,
              bar, tolerance);
}

/* One table with a split: the last fifth of the permutation is tested. */
static void check_table(const char *model, const char *name, const char *rest,
                        double bar) {
    struct dataset set = {0};
    char csv[128];
    snprintf(csv, sizeof csv, "tabular/%s.csv", name);
    bool ok = CHECK_SAY(dataset_read_csv(&set, folder, csv), "%s/%s", folder, csv);
    size_t *order = ok ? dataset_read_order(folder, name, set.rows_n) : NULL;
    if (CHECK_SAY(order != NULL, "the split of %s", name)) {
        size_t train_n = set.rows_n - set.rows_n / 5;
        dataset_impute(&set, order, train_n);
        check_reaches(model,
                      &(struct split){&set, &set, order, order + train_n, train_n,
                                      set.rows_n - train_n},
                      rest, bar);
    }
    free(order);
    dataset_free(&set);
}

/* Two tables, each in its own order. */
static void check_pair(const char *model, const struct dataset *train_set,
                       const struct dataset *test_set, const char *rest, double bar) {
    size_t *train_rows = dataset_natural_order(train_set->rows_n);
    size_t *test_rows = dataset_natural_order(test_set->rows_n);
    if (CHECK(train_rows && test_rows))
        check_reaches(model,
                      &(struct split){train_set, test_set, train_rows, test_rows,
                                      train_set->rows_n, test_set->rows_n},
                      rest, bar);
    free(train_rows);
    free(test_rows);
}

static void test_iris(void) {
    check_table("iris", "iris",
                "\"hidden_layers\":[],\"normalize\":\"standard\",\"learning_rate\":0.5,"
                "\"epochs\":1000,\"seed\":1",
                0.967);
}

static void test_breast_cancer(void) {
    check_table("breast-cancer", "breast_cancer_wisconsin",
                "\"hidden_layers\":[16],\"normalize\":\"standard\",\"learning_rate\":0.1,"
                "\"batch_size\":32,\"epochs\":50,\"seed\":1",
                0.957);
}

static void test_optdigits(void) {
    struct dataset train_set = {0}, test_set = {0};
    if (CHECK(dataset_read_csv(&train_set, folder, "tabular/optdigits_train.csv") &&
              dataset_read_csv(&test_set, folder, "tabular/optdigits_test.csv")))
        check_pair(
            "optdigits", &train_set, &test_set,
            "\"hidden_layers\":[64],\"normalize\":\"standard\",\"learning_rate\":0.1,"
            "\"batch_size\":32,\"epochs\":30,\"seed\":1",
            0.964);
    dataset_free(&train_set);
    dataset_free(&test_set);
}

/* ---- the same by datasets ------------------------------------------------------- */

/* The rows to train on and those to test with: raw lines of one file, or of two. */
struct lines_split {
    const struct lines *train, *test;
    const size_t *train_rows, *test_rows;
    size_t train_n, test_n;
    const char *target;
};

static bool lines_upload(const char *name, const struct lines_split *split) {
    struct reply reply;
    char path[96], *body = NULL;
    size_t body_n = 0;
    FILE *out = open_memstream(&body, &body_n);
    if (!out)
        return false;
    lines_write(split->train, split->train_rows, split->train_n, out);
    fclose(out);
    snprintf(path, sizeof path, "/v1/datasets/%s", name);
    client_send(
        user,
        &(struct request){.method = "PUT", .path = path, .body = body, .body_n = body_n},
        &reply);
    free(body);
    bool ok =
        CHECK_SAY(reply.status == 201, "%s: %ld %.400s", name, reply.status, reply.body);
    reply_free(&reply);
    return ok;
}

/* What came out for the test rows, asked for by the names of the model's columns. */
static void lines_predict(const char *model, const struct lines_split *split,
                          struct reply *reply) {
    struct reply facts;
    char *body = NULL;
    size_t body_n = 0;
    FILE *out = open_memstream(&body, &body_n);
    *reply = (struct reply){0};
    if (!out)
        return;
    client_get(user, &facts, "/v1/models/%s", model);
    fprintf(out, "{\"model\":\"%s\",\"instances\":", model);
    lines_write_objects(split->test, reply_at(facts.json, "/columns"), split->test_rows,
                        split->test_n, out);
    fputc('}', out);
    fclose(out);
    reply_free(&facts);
    client_send(user,
                &(struct request){.path = "/predict", .body = body, .body_n = body_n},
                reply);
    free(body);
    CHECK_SAY(reply->status == 200, "%ld: %.400s", reply->status, reply->body);
    CHECK(reply_count(reply->json, "/predictions") == split->test_n);
}

/* The part that is right; a class is compared as it stood in the file. */
static double lines_accuracy(const struct lines_split *split, const json_t *predictions) {
    size_t right = 0;
    for (size_t i = 0; i < split->test_n; i++) {
        char cell[LINES_CELL_BYTES];
        const json_t *got = json_array_get(predictions, i);
        lines_cell(split->test, split->test_rows[i], split->target, cell);
        right += json_is_string(got) ? strcmp(json_string_value(got), cell) == 0
                                     : json_is_number(got) &&
                                           json_number_value(got) == strtod(cell, NULL);
    }
    return (double)right / (double)split->test_n;
}

/* 1 - residuals / the truth's own deviations, squared. */
static double lines_r2(const struct lines_split *split, const json_t *predictions) {
    double sum = 0, squares = 0, residuals = 0;
    for (size_t i = 0; i < split->test_n; i++) {
        char cell[LINES_CELL_BYTES];
        lines_cell(split->test, split->test_rows[i], split->target, cell);
        double truth = strtod(cell, NULL);
        double got = json_number_value(json_array_get(predictions, i));
        sum += truth;
        squares += truth * truth;
        residuals += (truth - got) * (truth - got);
    }
    return 1 - residuals / (squares - sum * sum / (double)split->test_n);
}

static void check_job(const char *model, const char *dataset,
                      const struct lines_split *split, const char *rest, double bar) {
    struct reply reply;
    char body[1024], id[JOB_ID_BYTES];
    snprintf(body, sizeof body,
             "{\"model\":\"%s\",\"dataset\":\"%s\",\"target\":\"%s\",\"seed\":1%s}",
             model, dataset, split->target, rest);
    client_post(user, &reply, "/v1/jobs", body);
    bool ok = CHECK_SAY(reply.status == 202, "%ld: %.400s", reply.status, reply.body);
    snprintf(id, sizeof id, "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    if (!ok)
        return;
    ok = job_wait(user, id, "succeeded", 120, &reply);
    bool numbers =
        strcmp(reply_text(reply.json, "/hyperparameters/task"), "regression") == 0;
    double seconds = reply_number(reply.json, "/training_seconds");
    reply_free(&reply);
    if (!ok)
        return;
    lines_predict(model, split, &reply);
    const json_t *predictions = reply_at(reply.json, "/predictions");
    double score =
        numbers ? lines_r2(split, predictions) : lines_accuracy(split, predictions);
    reply_free(&reply);
    printf("%-32s %s %.4f of %zu (bar %.4f), trained in %.2f s\n", model,
           numbers ? "R2" : "accuracy", score, split->test_n, bar, seconds);
    CHECK_SAY(score >= bar - tolerance, "%s: %g is under %g - %g", model, score, bar,
              tolerance);
}

/* The shortest job, then the tuned one. */
static void check_jobs(const char *name, const struct lines_split *split,
                       const char *exclude, const char *tuned, double bar) {
    char model[96], rest[512];
    if (!lines_upload(name, split))
        return;
    snprintf(model, sizeof model, "%s-shortest", name);
    check_job(model, name, split, exclude, bar);
    snprintf(model, sizeof model, "%s-tuned", name);
    snprintf(rest, sizeof rest, "%s%s", exclude, tuned);
    check_job(model, name, split, rest, bar);
}

static void check_lines(const char *name, const char *target, const char *exclude,
                        const char *tuned, double bar) {
    struct lines set;
    char csv[128];
    snprintf(csv, sizeof csv, "tabular/%s.csv", name);
    bool ok = CHECK_SAY(lines_read(&set, folder, csv), "%s/%s", folder, csv);
    size_t *order = ok ? dataset_read_order(folder, name, set.rows_n) : NULL;
    if (CHECK_SAY(order != NULL, "the split of %s", name)) {
        size_t train_n = set.rows_n - set.rows_n / 5;
        check_jobs(name,
                   &(struct lines_split){&set, &set, order, order + train_n, train_n,
                                         set.rows_n - train_n, target},
                   exclude, tuned, bar);
    }
    free(order);
    lines_free(&set);
}

/* The bar is the better of scikit-learn's logistic or linear regression and its MLP. */
static const struct {
    const char *name, *target, *exclude, *tuned;
    double bar;
} tables[] = {
    {"iris", "species", "", ",\"hidden_layers\":[],\"learning_rate\":0.5,\"epochs\":300",
     0.9667},
    {"breast_cancer_wisconsin", "class", "",
     ",\"hidden_layers\":[],\"learning_rate\":0.05,\"epochs\":60", 0.9568},
    {"titanic", "survived", ",\"exclude\":[\"alive\"]",
     ",\"hidden_layers\":[],\"learning_rate\":0.02,\"epochs\":60", 0.7809},
    {"penguins", "species", "",
     ",\"hidden_layers\":[16],\"learning_rate\":0.1,\"batch_size\":16,\"epochs\":100", 1},
    {"boston_housing", "MEDV", "",
     ",\"hidden_layers\":[32,16],\"learning_rate\":0.05,\"epochs\":400", 0.8489},
    {"portland_housing", "price", "",
     ",\"hidden_layers\":[],\"batch_size\":\"full\",\"learning_rate\":0.1,\"epochs\":500",
     0.6534},
};

static void test_tables(void) {
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        check_lines(tables[i].name, tables[i].target, tables[i].exclude, tables[i].tuned,
                    tables[i].bar);
}

static void test_optdigits_table(void) {
    struct lines train_set = {0}, test_set = {0};
    if (CHECK(lines_read(&train_set, folder, "tabular/optdigits_train.csv") &&
              lines_read(&test_set, folder, "tabular/optdigits_test.csv"))) {
        size_t *train_rows = dataset_natural_order(train_set.rows_n);
        size_t *test_rows = dataset_natural_order(test_set.rows_n);
        check_jobs("optdigits-table",
                   &(struct lines_split){&train_set, &test_set, train_rows, test_rows,
                                         train_set.rows_n, test_set.rows_n, "digit"},
                   "", ",\"hidden_layers\":[64],\"learning_rate\":0.1,\"epochs\":30",
                   0.9638);
        free(train_rows);
        free(test_rows);
    }
    lines_free(&train_set);
    lines_free(&test_set);
}

/* ---- memory --------------------------------------------------------------------- */

static void print_memory(const char *when) {
    pid_t pids[DAEMON_WORKERS_MAX];
    size_t n = daemon_workers(&daemon_of_all, pids);
    printf("peak memory %s: serve %ld MiB, worker %ld MiB\n", when,
           daemon_memory_kib(daemon_of_all.pid, "VmHWM") / 1024,
           n ? daemon_memory_kib(pids[0], "VmHWM") / 1024 : 0);
}

enum { SERVE_MIB_MAX = 384, WORKER_MIB_MAX = 384 };

/* 10,000 x 784 in one POST, within the default limits and in bounded memory. */
static void test_mnist(void) {
    struct dataset train_set = {0}, test_set = {0};
    pid_t pids[DAEMON_WORKERS_MAX];
    print_memory("before MNIST");
    if (CHECK(dataset_read_mnist(&train_set, folder, "train") &&
              dataset_read_mnist(&test_set, folder, "t10k")))
        check_pair(
            "mnist", &train_set, &test_set,
            "\"hidden_layers\":[128],\"normalize\":\"minmax\",\"learning_rate\":0.2,"
            "\"batch_size\":32,\"epochs\":20,\"seed\":1",
            0.937);
    print_memory("after MNIST");
    CHECK(daemon_memory_kib(daemon_of_all.pid, "VmHWM") < SERVE_MIB_MAX * 1024L);
    if (CHECK(daemon_workers(&daemon_of_all, pids) == 1))
        CHECK(daemon_memory_kib(pids[0], "VmHWM") < WORKER_MIB_MAX * 1024L);
    dataset_free(&train_set);
    dataset_free(&test_set);
}

int main(void) {
    folder = getenv("DATA");
    if (!folder || !*folder) {
        printf("set DATA to the folder with tabular/, mnist/ and splits/\n");
        return 1;
    }
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    CHECK_RUN(test_iris);
    CHECK_RUN(test_breast_cancer);
    CHECK_RUN(test_optdigits);
    CHECK_RUN(test_tables);
    CHECK_RUN(test_optdigits_table);
    CHECK_RUN(test_mnist);
    daemon_close(&daemon_of_all);
    return check_done();
}
