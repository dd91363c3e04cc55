#include "server/training_advice.h"

#include <stdio.h>

/* What scales features and targets, where they are not: whole clauses, or "". */
static const char *scaling(const struct job_spec *spec) {
    bool features = spec->normalize == NORMALIZE_NONE;
    bool targets = spec->task == TASK_REGRESSION && !spec->table.scale_target &&
                   spec->layers[spec->layers_n - 1].activation == ACTIVATION_LINEAR &&
                   spec->layers[spec->layers_n - 1].units_n == 1;
    if (features && targets)
        return "\"normalize\":\"standard\" scales the features and \"scale_target\":true "
               "the targets";
    return features  ? "\"normalize\":\"standard\" scales the features"
           : targets ? "\"scale_target\":true scales the targets"
                     : "";
}

static void rise_advise(const struct training *training, char line[TRAINING_ADVICE_MAX]) {
    snprintf(line, TRAINING_ADVICE_MAX,
             "the cost rose from %.6g at epoch 0 to %.6g at epoch %lld: try a smaller "
             "learning_rate",
             training->first_cost, training->last.cost, (long long)training->last.epoch);
}

static void idle_advise(const struct job_spec *spec, char line[TRAINING_ADVICE_MAX]) {
    static const char zeros[] = "\"initializer\":\"zeros\" leaves the units of a layer "
                                "all alike";
    static const char others[] = "more epochs, other units or another learning_rate may "
                                 "help";
    bool alike = spec->initializer == INITIALIZER_ZEROS && spec->layers_n > 1 &&
                 !spec->init_from[0];
    const char *scales = scaling(spec);
    snprintf(line, TRAINING_ADVICE_MAX,
             "the model predicts its training rows no better than %s would: %s%s%s",
             spec->task == TASK_REGRESSION ? "the mean of the targets"
                                           : "the most common class",
             alike ? zeros : scales, alike || !*scales ? "" : "; or ",
             alike ? "" : others);
}

/* Batches and dropout let costs differ a little by chance. Where classes have weights,
 * accuracy tells nothing. */
void training_advise(const struct training *training, const struct job_spec *spec,
                     bool idle, char line[TRAINING_ADVICE_MAX]) {
    line[0] = '\0';
    if (training->last.cost > 1.1 * training->first_cost)
        rise_advise(training, line);
    else if (idle && spec->class_weight.kind == CLASS_WEIGHT_NONE)
        idle_advise(spec, line);
}

void training_advise_diverged(const struct job_spec *spec, struct err *e) {
    struct err before = *e;
    const char *scales = scaling(spec);
    *e = (struct err){0};
    if (!spec->epochs)
        err_set(e, ERR_NUMERIC, NULL, "the cost on these rows is not finite");
    else
        err_set(e, before.kind, before.where, "%s%s%s", before.text, *scales ? "; " : "",
                scales);
}
