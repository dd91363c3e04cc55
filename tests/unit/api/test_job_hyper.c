/* The optimizer, its regularisation, the schedule, early stopping and the rest that says
 * how a job trains: what is chosen, what is refused, and that the echo says it all. */
#include "api/job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/api/test_table.h"

#define CSV "a,b,y\n1,2,0\n2,1,1\n3,4,1\n4,3,0\n"

static bool decode(const char *rest, struct job_request *out, struct err *e) {
    char body[1024];
    int n = snprintf(body, sizeof body,
                     "{\"model\":\"m\",\"data\":{\"features\":[[0,1],[1,0],[1,1],[0,0]],"
                     "\"targets\":[0,1,1,0]}%s%s}",
                     rest[0] ? "," : "", rest);
    return job_decode(body, (size_t)n, 7, out, e);
}

/* The same of a dataset with rows held back. */
static bool decode_validated(const char *rest, struct job_request *out, struct err *e) {
    char body[1024];
    snprintf(body, sizeof body,
             "{\"model\":\"m\",\"dataset\":\"d\",\"target\":\"y\",\"validation_split\":"
             "0.25%s%s}",
             rest[0] ? "," : "", rest);
    return table_job(CSV, NULL, body, out, e);
}

static bool optimizers_equal(const struct optimizer_options *a,
                             const struct optimizer_options *b) {
    return a->kind == b->kind && a->learning_rate == b->learning_rate &&
           a->momentum == b->momentum && a->nesterov == b->nesterov &&
           a->beta_1 == b->beta_1 && a->beta_2 == b->beta_2 && a->epsilon == b->epsilon &&
           a->weight_decay == b->weight_decay && a->l2 == b->l2 &&
           a->clip_norm == b->clip_norm;
}

static bool schedules_equal(const struct schedule *a, const struct schedule *b) {
    return a->kind == b->kind && a->decay_rate == b->decay_rate &&
           a->step_epochs == b->step_epochs && a->minimum_rate == b->minimum_rate &&
           a->warmup_epochs == b->warmup_epochs;
}

static bool controls_equal(const struct job_spec *a, const struct job_spec *b) {
    const struct job_early_stopping *x = &a->early_stopping, *y = &b->early_stopping;
    return x->on == y->on && x->patience == y->patience && x->min_delta == y->min_delta &&
           x->restore_best == y->restore_best && a->monitor == b->monitor &&
           a->max_runtime_seconds == b->max_runtime_seconds &&
           a->target_cost_given == b->target_cost_given &&
           a->target_cost == b->target_cost &&
           a->checkpoint_seconds == b->checkpoint_seconds && a->priority == b->priority;
}

static char *encoded(const struct job_spec *spec) {
    struct text text = {0};
    job_spec_encode(spec, &text);
    return text_take(&text);
}

/* The echo says what the spec has, and is its own echo. */
static void check_round(const struct job_spec *spec, const char *rest) {
    struct job_spec back;
    struct err e = {0};
    char *json = encoded(spec);
    if (CHECK_SAY(json && job_spec_decode(json, &back, NULL, &e), "%s: %s %s", json,
                  e.where, e.text)) {
        CHECK_SAY(optimizers_equal(&back.optimizer, &spec->optimizer), "%s", rest);
        CHECK_SAY(schedules_equal(&back.schedule, &spec->schedule), "%s", rest);
        CHECK_SAY(controls_equal(&back, spec), "%s", rest);
        for (size_t l = 0; l < spec->layers_n; l++)
            CHECK_SAY(back.layers[l].dropout == spec->layers[l].dropout, "%s", rest);
        char *again = encoded(&back);
        CHECK_TEXT(again, json);
        free(again);
        job_spec_free(&back);
    }
    free(json);
}

/* `rest` is echoed as `members`, one behind the other. */
static void check_echo_of(bool validated, const char *rest, const char *members) {
    struct job_request r;
    struct err e = {0};
    bool ok = validated ? decode_validated(rest, &r, &e) : decode(rest, &r, &e);
    if (!CHECK_SAY(ok, "%s: %s %s", rest, e.where, e.text))
        return;
    char *json = encoded(&r.spec);
    CHECK_SAY(json && strstr(json, members), "%s: no %s in %s", rest, members, json);
    free(json);
    check_round(&r.spec, rest);
    job_request_free(&r);
}
static void check_echo(const char *rest, const char *members) {
    check_echo_of(false, rest, members);
}

/* ---- what is chosen ------------------------------------------------------------- */

static void test_optimizers(void) {
    check_echo("", "\"optimizer\":\"gradient_descent\",\"learning_rate\":0.1,\"l2\":0,"
                   "\"learning_rate_schedule\"");
    check_echo("\"optimizer\":\"momentum\"",
               "\"optimizer\":\"momentum\",\"learning_rate\":0.01,\"momentum\":0.9,"
               "\"l2\":0,\"nesterov\":false,\"learning_rate_schedule\"");
    check_echo("\"optimizer\":\"Momentum\",\"momentum\":0,\"nesterov\":true,\"lr\":1",
               "\"learning_rate\":1,\"momentum\":0,\"l2\":0,\"nesterov\":true,");
    check_echo("\"solver\":\"rmsprop\"",
               "\"optimizer\":\"rmsprop\",\"learning_rate\":0.01,\"beta_2\":0.9,"
               "\"epsilon\":1e-8,\"l2\":0,\"learning_rate_schedule\"");
    check_echo("\"optimizer\":\"adam\"",
               "\"optimizer\":\"adam\",\"learning_rate\":0.01,\"beta_1\":0.9,"
               "\"beta_2\":0.999,\"epsilon\":1e-8,\"l2\":0,\"learning_rate_schedule\"");
    check_echo("\"optimizer\":\"adamw\"",
               "\"beta_1\":0.9,\"beta_2\":0.999,\"epsilon\":1e-8,\"weight_decay\":0.01,"
               "\"l2\":0,\"learning_rate_schedule\"");
    check_echo("\"optimizer\":\"adam\",\"beta1\":0.5,\"beta2\":0.99999994,"
               "\"epsilon\":1e-45",
               "\"beta_1\":0.5,\"beta_2\":0.99999994,\"epsilon\":1e-45,");
    check_echo("\"optimizer\":\"adamw\",\"weight_decay\":0,\"l2\":0.5",
               "\"weight_decay\":0,\"l2\":0.5,");
    check_echo("\"lambda\":0.7", "\"l2\":0.7,");
    check_echo("\"lambd\":3.4028235e38", "\"l2\":3.4028235e38,");
    check_echo("\"gradient_clip_norm\":1", "\"l2\":0,\"gradient_clip_norm\":1,");
    check_echo("\"gradient_clip_norm\":0", "\"l2\":0,\"learning_rate_schedule\"");
    check_echo_of(true, "",
                  "\"adamw\",\"learning_rate\":0.01,\"beta_1\":0.9,\"beta_2\":0.999,"
                  "\"epsilon\":1e-8,\"weight_decay\":0.1,");
    check_echo_of(true, "", "\"type\":\"cosine\"");
    check_echo_of(true, "\"optimizer\":\"gd\"",
                  "\"gradient_descent\",\"learning_rate\":0.05,");
    check_echo_of(true, "\"optimizer\":\"gd\"", "\"type\":\"constant\"");
    check_echo_of(true, "\"optimizer\":\"adam\"", "\"learning_rate\":0.01,");
    check_echo_of(true, "\"hidden_layers\":[]", "\"adamw\",\"learning_rate\":0.1,");
    check_echo("\"hidden_layers\":[],\"optimizer\":\"adamw\"",
               "\"adamw\",\"learning_rate\":0.01,");
}

static void test_dropout(void) {
    check_echo("\"hidden_layers\":[3,2],\"dropout\":0.25",
               "{\"units\":3,\"activation\":\"relu\",\"dropout\":0.25},"
               "{\"units\":2,\"activation\":\"relu\",\"dropout\":0.25},"
               "{\"units\":1,\"activation\":\"sigmoid\"}");
    check_echo("\"layers_dims\":[2,3,2,1],\"hidden_dropout_ratios\":[0,0.99999994]",
               "{\"units\":3,\"activation\":\"relu\"},"
               "{\"units\":2,\"activation\":\"relu\",\"dropout\":0.99999994},");
    check_echo("\"layers\":[{\"units\":3,\"activation\":\"leaky_relu\",\"dropout\":0.5},"
               "{\"units\":1}]",
               "{\"units\":3,\"activation\":\"leaky_relu\",\"negative_slope\":0.01,"
               "\"dropout\":0.5},");
    check_echo("\"layers\":[{\"units\":3},{\"units\":1}],\"dropout\":[0.5]",
               "{\"units\":3,\"activation\":\"relu\",\"dropout\":0.5},");
    check_echo("\"hidden_layers\":[],\"dropout\":0", "\"layers\":[{\"units\":1,");
    check_echo("\"hidden_layers\":[],\"dropout\":[]", "\"layers\":[{\"units\":1,");
    check_echo("\"dropout\":0.5",
               "{\"units\":16,\"activation\":\"relu\",\"dropout\":0.5}");
}

#define SCHEDULE "\"learning_rate_schedule\":"

static void test_schedules(void) {
    check_echo("", SCHEDULE "{\"type\":\"constant\",\"warmup_epochs\":0}");
    check_echo(SCHEDULE "{}", SCHEDULE "{\"type\":\"constant\",\"warmup_epochs\":0}");
    check_echo(SCHEDULE "{\"warmup_epochs\":5}",
               SCHEDULE "{\"type\":\"constant\",\"warmup_epochs\":5}");
    check_echo(SCHEDULE "\"cosine\"",
               SCHEDULE "{\"type\":\"cosine\",\"minimum_rate\":0,\"warmup_epochs\":0}");
    check_echo("\"learning_rate\":0.1," SCHEDULE
               "{\"type\":\"cosine\",\"minimum_rate\":0.1,\"warmup_epochs\":999}",
               "{\"type\":\"cosine\",\"minimum_rate\":0.1,\"warmup_epochs\":999}");
    check_echo(SCHEDULE "{\"type\":\"step\",\"decay_rate\":0.5,\"step_epochs\":30}",
               "{\"type\":\"step\",\"decay_rate\":0.5,\"step_epochs\":30,");
    check_echo("\"epochs\":1000," SCHEDULE "\"step\"",
               "{\"type\":\"step\",\"decay_rate\":0.1,\"step_epochs\":334,");
    check_echo("\"epochs\":1," SCHEDULE "\"step\"", "\"step_epochs\":1,");
    check_echo(SCHEDULE "{\"type\":\"exponential\",\"decay_rate\":1}",
               "{\"type\":\"exponential\",\"decay_rate\":1,");
    check_echo(SCHEDULE "{\"type\":\"inverse_time\",\"decay_rate\":1.5}",
               "{\"type\":\"inverse_time\",\"decay_rate\":1.5,");
    check_echo("\"epochs\":1000," SCHEDULE "\"inverse_time\"", "\"decay_rate\":0.099,");
    check_echo(SCHEDULE "\"exponential\"",
               "\"type\":\"exponential\",\"decay_rate\":0.99");
    check_echo("\"epochs\":1000000000," SCHEDULE "\"exponential\"", "\"decay_rate\":1,");
}

/* A decay that is left out leaves a hundredth of the rate. */
static void test_decays_end_at_a_hundredth(void) {
    struct job_request r;
    struct err e = {0};
    if (CHECK(decode("\"epochs\":520," SCHEDULE
                     "{\"type\":\"exponential\",\"warmup_epochs\":20}",
                     &r, &e)))
        CHECK(fabs(pow((double)r.spec.schedule.decay_rate, 500) - 0.01) < 1e-5);
    job_request_free(&r);
    if (CHECK(decode("\"epochs\":520," SCHEDULE
                     "{\"type\":\"inverse_time\",\"warmup_epochs\":20}",
                     &r, &e)))
        CHECK(fabs(1 / (1 + (double)r.spec.schedule.decay_rate * 500) - 0.01) < 1e-6);
    job_request_free(&r);
}

#define STOPPING "\"early_stopping\":"

static void test_early_stopping(void) {
    check_echo("", STOPPING "false,");
    check_echo(STOPPING "false", STOPPING "false,");
    check_echo(STOPPING "true", STOPPING "{\"monitor\":\"cost\",\"patience\":50,"
                                         "\"min_delta\":0,\"restore_best\":true}");
    check_echo(STOPPING "{}", STOPPING "{\"monitor\":\"cost\",\"patience\":50,");
    check_echo("\"epochs\":20," STOPPING "{}", "\"patience\":10,");
    check_echo("\"epochs\":100,\"report_every\":7," STOPPING "{}", "\"patience\":70,");
    check_echo("\"epochs\":1000000000,\"report_every\":1000000000," STOPPING "{}",
               "\"patience\":1000000000,");
    check_echo(STOPPING "{\"monitor\":\"loss\",\"patience\":3,\"min_delta\":1e-4,"
                        "\"restore_best\":false}",
               "{\"monitor\":\"cost\",\"patience\":3,\"min_delta\":0.0001,"
               "\"restore_best\":false}");
    check_echo(STOPPING "{\"n_iter_no_change\":4,\"tol\":0.1,"
                        "\"restore_best_weights\":false}",
               "\"patience\":4,\"min_delta\":0.1,\"restore_best\":false}");
    check_echo_of(true, "", STOPPING "false,");
    check_echo_of(true, STOPPING "true", STOPPING "{\"monitor\":\"validation_cost\",");
    check_echo_of(true, STOPPING "{\"monitor\":\"cost\"}", "{\"monitor\":\"cost\",");
    check_echo_of(true, STOPPING "{\"monitor\":\"val_loss\"}",
                  STOPPING "{\"monitor\":\"validation_cost\",");
}

static void test_control(void) {
    check_echo("", "\"early_stopping\":false,\"checkpoint_seconds\":10,\"priority\":0");
    check_echo(
        "\"target_cost\":0,\"max_runtime_seconds\":0.5,\"checkpoint_seconds\":0.01,"
        "\"priority\":-100",
        "\"target_cost\":0,\"max_runtime_seconds\":0.5,\"checkpoint_seconds\":0.01,"
        "\"priority\":-100");
    check_echo("\"target_cost\":1e-300,\"max_runtime_secs\":1e9,"
               "\"checkpoint_seconds\":86400,\"priority\":100",
               "\"target_cost\":1e-300,\"max_runtime_seconds\":1000000000,"
               "\"checkpoint_seconds\":86400,\"priority\":100");
    check_echo("\"max_runtime_seconds\":0", "\"early_stopping\":false,\"checkpoint");
    struct job_request r;
    struct err e = {0};
    if (CHECK(decode("", &r, &e)))
        CHECK(!r.spec.target_cost_given && r.spec.monitor == JOB_MONITOR_COST &&
              !(r.spec.max_runtime_seconds > 0) && !r.spec.early_stopping.on);
    job_request_free(&r);
    if (CHECK(decode_validated("", &r, &e)))
        CHECK(r.spec.monitor == JOB_MONITOR_VALIDATION_COST);
    job_request_free(&r);
}

/* The trainer is told everything. */
static void test_trainer_options(void) {
    struct job_request r;
    struct err e = {0};
    if (!CHECK(decode("\"optimizer\":\"adamw\",\"weight_decay\":0.2,\"l2\":0.3,"
                      "\"gradient_clip_norm\":5," SCHEDULE "{\"type\":\"step\","
                      "\"step_epochs\":9,\"warmup_epochs\":2}",
                      &r, &e)))
        return;
    struct trainer_options o = job_trainer_options(&r.spec);
    CHECK(optimizers_equal(&o.optimizer, &r.spec.optimizer));
    CHECK(o.optimizer.kind == OPTIMIZER_ADAMW && o.optimizer.weight_decay == 0.2f &&
          o.optimizer.l2 == 0.3f && o.optimizer.clip_norm == 5);
    CHECK(schedules_equal(&o.schedule, &r.spec.schedule));
    CHECK(o.schedule.kind == SCHEDULE_STEP && o.schedule.step_epochs == 9 &&
          o.schedule.warmup_epochs == 2);
    job_request_free(&r);
}

/* Jobs and models that were stored before these keys were. */
static void test_old_echo(void) {
    static const char old[] =
        "{\"task\":\"regression\",\"samples\":2,\"inputs\":2,\"layers\":[{\"units\":4,"
        "\"activation\":\"relu\"},{\"units\":1,\"activation\":\"linear\"}],"
        "\"loss\":\"mse\",\"initializer\":\"he_normal\",\"init_scale\":0.01,"
        "\"optimizer\":\"gradient_descent\",\"learning_rate\":1.2,"
        "\"batch_size\":\"full\",\"epochs\":1000,\"shuffle\":true,"
        "\"normalize\":\"none\",\"report_every\":1,\"seed\":3}";
    struct job_spec spec;
    struct err e = {0};
    if (!CHECK_SAY(job_spec_decode(old, &spec, NULL, &e), "%s %s", e.where, e.text))
        return;
    CHECK(spec.optimizer.kind == OPTIMIZER_GRADIENT_DESCENT);
    CHECK(spec.optimizer.learning_rate == 1.2f && !(spec.optimizer.l2 > 0) &&
          !(spec.optimizer.clip_norm > 0));
    CHECK(spec.schedule.kind == SCHEDULE_CONSTANT && spec.schedule.warmup_epochs == 0);
    CHECK(!(spec.layers[0].dropout > 0) && !spec.early_stopping.on);
    CHECK(!spec.target_cost_given && !(spec.max_runtime_seconds > 0));
    CHECK(spec.checkpoint_seconds == 10 && spec.priority == 0);
    check_round(&spec, old);
    job_spec_free(&spec);
}

/* ---- what is refused ------------------------------------------------------------- */

struct refusal {
    const char *rest;
    enum err_kind kind;
    const char *where, *text;
};

static void check_refusals(const struct refusal *refusals, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct refusal *r = &refusals[i];
        struct job_request request;
        struct err e = {0};
        if (!CHECK_SAY(!decode(r->rest, &request, &e), "%s", r->rest)) {
            job_request_free(&request);
            continue;
        }
        CHECK_SAY(e.kind == r->kind, "%s: kind %d", r->rest, e.kind);
        CHECK_TEXT(e.where, r->where);
        CHECK_TEXT(e.text, r->text);
    }
}
#define CHECK_REFUSALS(refusals)                                                         \
    check_refusals(refusals, sizeof(refusals) / sizeof *(refusals))

static const char adamw_alone[] =
    "belongs to adamw, which takes learning_rate * weight_decay * w off each weight w; "
    "give l2 for the penalty l2/(2m) sum w^2 on the cost, which any optimizer takes";

static void test_optimizer_refusals(void) {
    static const struct refusal refusals[] = {
        {"\"momentum\":0.9", ERR_INVALID, "/momentum",
         "belongs to momentum, not to gradient_descent"},
        {"\"optimizer\":\"adam\",\"nesterov\":true", ERR_INVALID, "/nesterov",
         "belongs to momentum, not to adam"},
        {"\"optimizer\":\"rmsprop\",\"beta1\":0.9", ERR_INVALID, "/beta1",
         "belongs to adam and adamw, not to rmsprop"},
        {"\"optimizer\":\"momentum\",\"beta_2\":0.9", ERR_INVALID, "/beta_2",
         "belongs to rmsprop, adam and adamw, not to momentum"},
        {"\"epsilon\":1", ERR_INVALID, "/epsilon",
         "belongs to rmsprop, adam and adamw, not to gradient_descent"},
        {"\"weight_decay\":0.1", ERR_INVALID, "/weight_decay", adamw_alone},
        {"\"optimizer\":\"adam\",\"weight_decay\":0", ERR_INVALID, "/weight_decay",
         adamw_alone},
        {"\"optimizer\":\"momentum\",\"momentum\":1", ERR_RANGE, "/momentum",
         "expected a number of at least 0 and below 1, got 1"},
        {"\"optimizer\":\"adam\",\"beta_1\":-0.1", ERR_RANGE, "/beta_1",
         "expected a number of at least 0 and below 1, got -0.1"},
        {"\"optimizer\":\"adam\",\"epsilon\":0", ERR_RANGE, "/epsilon",
         "expected a number above 0, got 0"},
        {"\"optimizer\":\"momentum\",\"nesterov\":1", ERR_INVALID, "/nesterov",
         "expected true or false, got a number"},
        {"\"optimizer\":\"adam\",\"beta_1\":0.9,\"beta1\":0.9", ERR_INVALID, "/beta1",
         "\"beta1\" is another spelling of /beta_1: give one"},
        {"\"lambd\":-1", ERR_RANGE, "/lambd", "expected a number of at least 0, got -1"},
        {"\"l2\":1,\"lambda\":1", ERR_INVALID, "/lambda",
         "\"lambda\" is another spelling of /l2: give one"},
        {"\"gradient_clip_norm\":-1", ERR_RANGE, "/gradient_clip_norm",
         "expected a number of at least 0, got -1"},
        {"\"optimizer\":7", ERR_INVALID, "/optimizer", "expected a string, got a number"},
        {"\"optimizer\":\"adamx\"", ERR_INVALID, "/optimizer",
         "\"adamx\" is unknown; the nearest known is \"adam\""},
    };
    CHECK_REFUSALS(refusals);
}

static const char kept[] =
    "is the share of units kept: give the share dropped, dropout = "
    "1 - keep_prob (dropout 0.2 for keep_prob 0.8)";

static void test_dropout_refusals(void) {
    static const struct refusal refusals[] = {
        {"\"dropout\":1", ERR_RANGE, "/dropout",
         "expected a number of at least 0 and below 1, got 1"},
        {"\"dropout\":-0.5", ERR_RANGE, "/dropout",
         "expected a number of at least 0 and below 1, got -0.5"},
        {"\"dropout\":\"half\"", ERR_INVALID, "/dropout",
         "expected a number, or an array of them, got a string"},
        {"\"dropout\":[0.5,0.5]", ERR_INVALID, "/dropout",
         "expected 1 numbers, one for each hidden layer, got 2"},
        {"\"dropout\":[1]", ERR_RANGE, "/dropout/0",
         "expected a number of at least 0 and below 1, got 1"},
        {"\"dropout\":[null]", ERR_INVALID, "/dropout/0", "expected a number, got null"},
        {"\"hidden_layers\":[],\"dropout\":0.5", ERR_INVALID, "/dropout",
         "drops units of hidden layers, and there is none"},
        {"\"layers\":[{\"units\":2},{\"units\":2,\"dropout\":0},{\"units\":1}],"
         "\"dropout\":0.5",
         ERR_INVALID, "/dropout", "stands in /layers/1 too: give it in one place"},
        {"\"layers\":[{\"units\":2},{\"units\":1,\"dropout\":0.5}]", ERR_INVALID,
         "/layers/1/dropout", "belongs to hidden layers alone"},
        {"\"layers\":[{\"units\":2,\"dropout\":1},{\"units\":1}]", ERR_RANGE,
         "/layers/0/dropout", "expected a number of at least 0 and below 1, got 1"},
        {"\"keep_prob\":0.8", ERR_INVALID, "/keep_prob", kept},
        {"\"layers\":[{\"units\":2,\"keep_prob\":0.8},{\"units\":1}]", ERR_INVALID,
         "/layers/0/keep_prob", kept},
    };
    CHECK_REFUSALS(refusals);
}

#define WHERE "/learning_rate_schedule"

static void test_schedule_refusals(void) {
    static const struct refusal refusals[] = {
        {SCHEDULE "7", ERR_INVALID, WHERE,
         "expected a string or an object with a type, got a number"},
        {SCHEDULE "\"cosin\"", ERR_INVALID, WHERE,
         "\"cosin\" is unknown; the nearest known is \"cosine\""},
        {SCHEDULE "{\"type\":\"stairs\"}", ERR_INVALID, WHERE "/type",
         "unknown word \"stairs\"; known here: "
         "\"constant\",\"step\",\"exponential\",\"inverse_time\",\"cosine\""},
        {SCHEDULE "{\"type\":1}", ERR_INVALID, WHERE "/type",
         "expected a string, got a number"},
        {SCHEDULE "{\"kind\":\"step\"}", ERR_INVALID, WHERE "/kind",
         "unknown key \"kind\"; known here: "
         "\"type\",\"decay_rate\",\"step_epochs\",\"minimum_rate\",\"warmup_epochs\""},
        {SCHEDULE "{\"type\":\"step\",\"decay_rat\":0.5}", ERR_INVALID,
         WHERE "/decay_rat",
         "unknown key \"decay_rat\"; the nearest known one is \"decay_rate\""},
        {SCHEDULE "{\"decay_rate\":0.5}", ERR_INVALID, WHERE "/decay_rate",
         "belongs to step, exponential and inverse_time, not to constant"},
        {SCHEDULE "{\"type\":\"exponential\",\"step_epochs\":5}", ERR_INVALID,
         WHERE "/step_epochs", "belongs to step, not to exponential"},
        {SCHEDULE "{\"type\":\"step\",\"minimum_rate\":0}", ERR_INVALID,
         WHERE "/minimum_rate", "belongs to cosine, not to step"},
        {SCHEDULE "{\"type\":\"step\",\"decay_rate\":1.5}", ERR_RANGE,
         WHERE "/decay_rate", "expected a number above 0 and at most 1, got 1.5"},
        {SCHEDULE "{\"type\":\"inverse_time\",\"decay_rate\":0}", ERR_RANGE,
         WHERE "/decay_rate", "expected a number above 0, got 0"},
        {SCHEDULE "{\"type\":\"step\",\"step_epochs\":0}", ERR_RANGE,
         WHERE "/step_epochs", "expected an integer from 1 to 1000000000, got 0"},
        {SCHEDULE "{\"type\":\"cosine\",\"minimum_rate\":0.2}", ERR_RANGE,
         WHERE "/minimum_rate",
         "expected a number of at least 0 and at most 0.1, got 0.2"},
        {"\"epochs\":10," SCHEDULE "{\"warmup_epochs\":10}", ERR_RANGE,
         WHERE "/warmup_epochs", "expected an integer from 0 to 9, got 10"},
        {SCHEDULE "{\"warmup_epochs\":1.5}", ERR_INVALID, WHERE "/warmup_epochs",
         "expected an integer, got 1.5"},
        {"\"decay_rate\":1", ERR_INVALID, "/decay_rate",
         "stands in learning_rate_schedule, beside its type: "
         "{\"type\":\"inverse_time\",\"decay_rate\":...}"},
        {"\"warmup_epochs\":1", ERR_INVALID, "/warmup_epochs",
         "stands in learning_rate_schedule: {\"warmup_epochs\":...}"},
    };
    CHECK_REFUSALS(refusals);
}

static void test_control_refusals(void) {
    static const struct refusal refusals[] = {
        {STOPPING "5", ERR_INVALID, "/early_stopping",
         "expected true, false or an object, got a number"},
        {STOPPING "{\"monitor\":\"accuracy\"}", ERR_INVALID, "/early_stopping/monitor",
         "unknown word \"accuracy\"; known here: \"cost\",\"validation_cost\""},
        {STOPPING "{\"monitor\":\"validation_cost\"}", ERR_INVALID,
         "/early_stopping/monitor",
         "no rows are held back: give validation_split or validation_dataset, or "
         "monitor cost"},
        {STOPPING "{\"patience\":0}", ERR_RANGE, "/early_stopping/patience",
         "expected an integer from 1 to 1000000000, got 0"},
        {STOPPING "{\"min_delta\":-1}", ERR_RANGE, "/early_stopping/min_delta",
         "expected a number of at least 0, got -1"},
        {STOPPING "{\"restore_best\":1}", ERR_INVALID, "/early_stopping/restore_best",
         "expected true or false, got a number"},
        {STOPPING "{\"pateince\":5}", ERR_INVALID, "/early_stopping/pateince",
         "unknown key \"pateince\"; the nearest known one is \"patience\""},
        {STOPPING "{\"tol\":1,\"min_delta\":1}", ERR_INVALID, "/early_stopping/min_delta",
         "\"min_delta\" is another spelling of /early_stopping/tol: give one"},
        {"\"patience\":5", ERR_INVALID, "/patience",
         "stands in early_stopping: {\"early_stopping\":{\"patience\":...}}"},
        {"\"stopping_rounds\":5", ERR_INVALID, "/stopping_rounds",
         "counts points of the curve: give {\"early_stopping\":{\"patience\":...}}, in "
         "epochs"},
        {"\"target_cost\":-1", ERR_RANGE, "/target_cost",
         "expected a number of at least 0, got -1"},
        {"\"target_cost\":null", ERR_INVALID, "/target_cost",
         "expected a number, got null"},
        {"\"max_runtime_secs\":-1", ERR_RANGE, "/max_runtime_secs",
         "expected a number of at least 0 and at most 1e+09, got -1"},
        {"\"checkpoint_seconds\":0", ERR_RANGE, "/checkpoint_seconds",
         "expected a number of at least 0.01 and at most 86400, got 0"},
        {"\"checkpoint_seconds\":86401", ERR_RANGE, "/checkpoint_seconds",
         "expected a number of at least 0.01 and at most 86400, got 86401"},
        {"\"threads\":65", ERR_RANGE, "/threads",
         "expected an integer from 1 to 64, got 65"},
        {"\"min_threads\":0", ERR_RANGE, "/min_threads",
         "expected an integer from 1 to 64, got 0"},
        {"\"priority\":101", ERR_RANGE, "/priority",
         "expected an integer from -100 to 100, got 101"},
        {"\"priority\":\"high\"", ERR_INVALID, "/priority",
         "expected an integer, got a string"},
    };
    CHECK_REFUSALS(refusals);
}

int main(void) {
    CHECK_RUN(test_optimizers);
    CHECK_RUN(test_dropout);
    CHECK_RUN(test_schedules);
    CHECK_RUN(test_decays_end_at_a_hundredth);
    CHECK_RUN(test_early_stopping);
    CHECK_RUN(test_control);
    CHECK_RUN(test_trainer_options);
    CHECK_RUN(test_old_echo);
    CHECK_RUN(test_optimizer_refusals);
    CHECK_RUN(test_dropout_refusals);
    CHECK_RUN(test_schedule_refusals);
    CHECK_RUN(test_control_refusals);
    return check_done();
}
