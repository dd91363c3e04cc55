/* validation_dataset where features and targets are files of their own, in training, in
 * validation, or in both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/upload.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

/* Below 5 is a, above is b; three rows to validate, in another order of columns. */
static bool all_uploaded(void) {
    static const struct {
        const char *name, *text;
    } files[] = {
        {"one", "x,w,y\n0,5,a\n1,6,a\n2,5,a\n8,6,b\n9,5,b\n10,6,b\n"},
        {"two/features", "x,w\n0,5\n1,6\n2,5\n8,6\n9,5\n10,6\n"},
        {"two/targets", "y\na\na\na\nb\nb\nb\n"},
        {"bare/features", "0,5\n1,6\n2,5\n8,6\n9,5\n10,6\n"},
        {"bare/targets", "7\n7\n7\n3\n3\n3\n"},
        {"v-one", "y,x,extra,w\na,1.5,1,5\nb,8.5,2,5\nb,9.5,3,6\n"},
        {"v-two/features", "w,x,extra\n5,1.5,1\n5,8.5,2\n6,9.5,3\n"},
        {"v-two/targets", "label\na\nb\nb\n"},
        {"v-bare/features", "1.5,5\n8.5,5\n9.5,6\n"},
        {"v-bare/targets", "7\n3\n3\n"},
        {"v-bare-one", "1.5,5,7\n8.5,5,3\n9.5,6,3\n"},
        {"v-columns/features", "x,w\n1,5\n8,5\n"},
        {"v-columns/targets", "y,z\na,1\nb,2\n"},
        {"v-class/features", "x,w\n1,5\n8,5\n"},
        {"v-class/targets", "y\na\nc\n"},
        {"v-number/features", "x,w\n1,5\n8,5\n"},
        {"v-number/targets", "y\n1\n0\n"},
        {"v-missing/features", "x,w\n1,5\n8,\n"},
        {"v-missing/targets", "y\na\nb\n"},
        {"v-alone/features", "x,w\n1,5\n8,5\n"},
        {"price", "x,w,p\n0,5,1.5\n1,6,2.5\n2,5,3.5\n8,6,9.5\n"},
        {"v-hole", "x,w,p\n1,5,2.5\n8,5,\n"},
        {"v-far", "x,w,p\n1,5,2.5\n8,5,1e39\n"},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        ok = upload_text(user, files[i].name, files[i].text) && ok;
    return ok;
}

static json_t *job_of(const char *dataset, const char *target, const char *validation) {
    json_t *job = json_pack("{ssssss si si}", "model", "held", "dataset", dataset,
                            "validation_dataset", validation, "seed", 1, "epochs", 50);
    if (target)
        json_object_set_new(job, "target", json_string(target));
    return job;
}

/* All three rows are there, with their own class, and are right; the curve's last point
 * is their metrics'. */
static void check_held(const char *dataset, const char *target, const char *validation) {
    struct reply job, curve;
    if (!job_train(user, job_of(dataset, target, validation), &job))
        return;
    const char *name = reply_text(job.json, "/hyperparameters/validation_dataset");
    double a = reply_number(job.json, "/metrics/validation/confusion_matrix/0/0"),
           b = reply_number(job.json, "/metrics/validation/confusion_matrix/1/1");
    CHECK_TEXT(name, validation);
    CHECK_SAY(a + b == 3 && (a == 1 || a == 2), "%s, %s: %s", dataset, validation,
              job.body);
    client_get(user, &curve, "/v1/jobs/%s/history", reply_text(job.json, "/id"));
    CHECK_NEAR(reply_number(curve.json, "/data/50/validation_cost"),
               reply_number(job.json, "/metrics/validation/log_loss"), 1e-5);
    reply_free(&curve);
    reply_free(&job);
}

static void test_two_files(void) {
    check_held("two", NULL, "v-two");
    check_held("two", "y", "v-one");
    check_held("one", "y", "v-two");
    check_held("bare", NULL, "v-bare");
}

/* The echo says how each file is read. */
static void test_echo(void) {
    struct reply job;
    if (!job_train(user, job_of("one", "y", "v-two"), &job))
        return;
    CHECK(!reply_at(job.json, "/hyperparameters/table/targets_column"));
    static const char at[] = "/hyperparameters/table/validation/targets_column";
    CHECK_TEXT(reply_text(reply_at(job.json, at), "/name"), "label");
    CHECK_TEXT(reply_text(reply_at(job.json, at), "/use"), "target");
    reply_free(&job);
}

static void check_refused(json_t *job, int status, const char *part) {
    struct reply reply;
    client_post_json(user, &reply, "/v1/jobs", job);
    CHECK_SAY(reply.status == status &&
                  strstr(reply_text(reply.json, "/error/message"), part),
              "%s: %ld %s", part, reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "/validation_dataset");
    reply_free(&reply);
}

static void test_refused(void) {
    json_t *strict = job_of("two", NULL, "v-missing");
    json_object_set_new(strict, "missing_values", json_string("error"));
    check_refused(strict, 400, "\"w\" is missing in 1 rows");
    /* By name, "0" is a feature; by place it would be the target's. */
    check_refused(job_of("bare", NULL, "v-bare-one"), 400,
                  "name of a feature and of the target");
    check_refused(job_of("two", NULL, "v-bare"), 400, "no column \"x\"");
    check_refused(job_of("two", NULL, "v-columns"), 400, "one column of targets");
    check_refused(job_of("two", NULL, "v-class"), 400, "\"c\" is none of the classes");
    check_refused(job_of("two", NULL, "v-alone"), 409, "features or targets alone");
    check_refused(job_of("two", NULL, "price"), 400, "no column \"y\"");
    check_refused(job_of("price", "p", "v-class"), 400, "is category, not number");
    check_refused(job_of("price", "p", "v-hole"), 400, "\"p\" is missing in 1 of 2");
    check_refused(job_of("price", "p", "v-far"), 422, "outside float32");
    /* Numbers where training had texts are looked up as texts. */
    check_refused(job_of("two", NULL, "v-number"), 400, "\"1\" is none of the classes");
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL) || !all_uploaded())
        return 1;
    CHECK_RUN(test_two_files);
    CHECK_RUN(test_echo);
    CHECK_RUN(test_refused);
    daemon_close(&daemon_of_all);
    return check_done();
}
