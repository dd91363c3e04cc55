#include "server/training_advice.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/check.h"

static struct layer_shape output = {.units_n = 1, .activation = ACTIVATION_LINEAR};

static struct job_spec regression(void) {
    return (struct job_spec){
        .task = TASK_REGRESSION, .layers = &output, .layers_n = 1, .epochs = 5};
}

static void check_idle(const struct job_spec *spec, const char *says) {
    struct training training = {.first_cost = 2, .last = {.epoch = 5, .cost = 1}};
    char line[TRAINING_ADVICE_MAX], want[TRAINING_ADVICE_MAX];
    snprintf(want, sizeof want,
             "the model predicts its training rows no better than %s would: %s",
             spec->task == TASK_REGRESSION ? "the mean of the targets"
                                           : "the most common class",
             says);
    training_advise(&training, spec, true, line);
    CHECK_TEXT(line, want);
    training_advise(&training, spec, false, line);
    CHECK_TEXT(line, "");
}

#define OTHERS "more epochs, other units or another learning_rate may help"
#define FEATURES "\"normalize\":\"standard\" scales the features"

static void test_idle(void) {
    struct job_spec spec = regression();
    check_idle(&spec, FEATURES " and \"scale_target\":true the targets; or " OTHERS);
    spec.normalize = NORMALIZE_STANDARD;
    check_idle(&spec, "\"scale_target\":true scales the targets; or " OTHERS);
    spec.table.scale_target = true;
    check_idle(&spec, OTHERS);
    spec.table.scale_target = false;
    output.units_n = 2; /* several targets a row cannot be scaled, */
    check_idle(&spec, OTHERS);
    output = (struct layer_shape){.units_n = 1, .activation = ACTIVATION_RELU};
    check_idle(&spec, OTHERS); /* nor what ends in another activation */
    output.activation = ACTIVATION_SIGMOID;
    spec.task = TASK_BINARY;
    check_idle(&spec, OTHERS);
    spec.normalize = NORMALIZE_NONE;
    check_idle(&spec, FEATURES "; or " OTHERS);
    spec.layers_n = 2;
    spec.layers = (struct layer_shape[]){output, output};
    spec.initializer = INITIALIZER_ZEROS;
    check_idle(&spec, "\"initializer\":\"zeros\" leaves the units of a layer all alike");
    output.activation = ACTIVATION_LINEAR;
}

static void test_risen(void) {
    struct training training = {.first_cost = 2, .last = {.epoch = 7, .cost = 2.5}};
    struct job_spec spec = regression();
    char line[TRAINING_ADVICE_MAX];
    training_advise(&training, &spec, false, line);
    CHECK_TEXT(line, "the cost rose from 2 at epoch 0 to 2.5 at epoch 7: try a smaller "
                     "learning_rate");
    training.last.cost = 2.1; /* as batches may have it */
    training_advise(&training, &spec, false, line);
    CHECK_TEXT(line, "");
}

static void test_diverged(void) {
    struct job_spec spec = regression();
    struct err e = {0};
    err_set(&e, ERR_NUMERIC, "w", "try a smaller learning_rate");
    training_advise_diverged(&spec, &e);
    CHECK_TEXT(e.text, "try a smaller learning_rate; " FEATURES
                       " and \"scale_target\":true the targets");
    CHECK(e.kind == ERR_NUMERIC && strcmp(e.where, "w") == 0);
    spec.epochs = 0;
    training_advise_diverged(&spec, &e);
    CHECK_TEXT(e.text, "the cost on these rows is not finite");
}

int main(void) {
    CHECK_RUN(test_idle);
    CHECK_RUN(test_risen);
    CHECK_RUN(test_diverged);
    return check_done();
}
