#include "api/job_advice.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/job_event.h"

static bool add(struct job_request *request, const char *line, struct err *e) {
    char **warnings = &request->spec.table.warnings;
    char *after = job_warnings_add(*warnings, line, e);
    if (!after)
        return false;
    free(*warnings);
    *warnings = after;
    return true;
}

/* Whether the user has said by some key what the task is. */
static bool task_is_given(const struct json_slot *slots) {
    static const enum job_key tell[] = {KEY_TASK, KEY_LOSS, KEY_LAYERS, KEY_INIT_FROM};
    for (size_t i = 0; i < sizeof tell / sizeof *tell; i++)
        if (slots[tell[i]].value)
            return true;
    return false;
}

/* Numbered from 0 or 1 on, as labels are. */
static bool are_counted(const struct labels *labels) {
    double first = labels->numbers[0], last = labels->numbers[labels->n - 1];
    return (first == 0 || first == 1) && last - first + 1 == (double)labels->n;
}

static bool amounts_advise(struct job_request *request, struct err *e) {
    const struct labels *labels = &request->spec.labels;
    char line[192];
    if (request->spec.task != TASK_MULTI_CLASS || labels->kind != LABEL_NUMBER ||
        are_counted(labels))
        return true;
    snprintf(line, sizeof line,
             "the targets are taken as %zu classes, from %g to %g, as they are few whole "
             "numbers: \"task\":\"regression\" predicts numbers",
             labels->n, labels->numbers[0], labels->numbers[labels->n - 1]);
    return add(request, line, e);
}

/* All targets are this number. */
static bool one_target(const struct profile_column *target,
                       const struct job_request *request, double *number) {
    size_t n = request->spec.samples_n;
    if (target) {
        *number = target->min;
        return target->type == PROFILE_NUMBER && target->min >= target->max;
    }
    if (!request->values || !n || request->spec.layers_n == 0 ||
        request->spec.layers[request->spec.layers_n - 1].units_n != 1)
        return false;
    *number = (double)request->values[0];
    for (size_t i = 1; i < n; i++)
        if (request->values[i] < request->values[0] ||
            request->values[i] > request->values[0])
            return false;
    return true;
}

static bool constant_advise(const struct profile_column *target,
                            struct job_request *request, struct err *e) {
    double number = 0;
    char line[160];
    if (request->spec.task != TASK_REGRESSION || !one_target(target, request, &number))
        return true;
    snprintf(
        line, sizeof line,
        "all targets are %g: there is nothing to learn, and a regression that says so "
        "is what comes of it; classes need two of them",
        number);
    return add(request, line, e);
}

static bool zeros_advise(const struct json_slot *slots, struct job_request *request,
                         struct err *e) {
    const struct job_spec *spec = &request->spec;
    return spec->initializer != INITIALIZER_ZEROS || spec->layers_n < 2 ||
           slots[KEY_INIT_FROM].value ||
           add(request,
               "\"initializer\":\"zeros\" leaves the units of a hidden layer all alike: "
               "\"he_normal\" (relu) and \"glorot_uniform\" begin at random",
               e);
}

bool job_advise(const struct json_slot *slots, const struct profile_column *target,
                struct job_request *request, struct err *e) {
    return (task_is_given(slots) ||
            (amounts_advise(request, e) && constant_advise(target, request, e))) &&
           zeros_advise(slots, request, e);
}
