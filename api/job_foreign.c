/* Keys that are another library's, or stand elsewhere: what to give instead. */
#include "api/job_internal.h"

static const struct {
    const char *key, *advice;
} foreign[] = {
    {"alpha", "means the learning rate to some and a penalty to others: give "
              "learning_rate or l2"},
    {"patience", "stands in early_stopping: {\"early_stopping\":{\"patience\":...}}"},
    {"min_delta", "stands in early_stopping: {\"early_stopping\":{\"min_delta\":...}}"},
    {"restore_best",
     "stands in early_stopping: {\"early_stopping\":{\"restore_best\":...}}"},
    {"monitor", "stands in early_stopping: {\"early_stopping\":{\"monitor\":...}}"},
    {"n_iter_no_change", "give {\"early_stopping\":{\"patience\":...}}, in epochs"},
    {"stopping_rounds", "counts points of the curve: give "
                        "{\"early_stopping\":{\"patience\":...}}, in epochs"},
    {"tol", "give {\"early_stopping\":{\"min_delta\":...}}"},
    {"stopping_tolerance",
     "is relative: give {\"early_stopping\":{\"min_delta\":...}}, in "
     "units of the cost"},
    {"decay_rate", "stands in learning_rate_schedule, beside its type: "
                   "{\"type\":\"inverse_time\",\"decay_rate\":...}"},
    {"step_epochs", "stands in learning_rate_schedule, beside its type: "
                    "{\"type\":\"step\",\"step_epochs\":...}"},
    {"minimum_rate", "stands in learning_rate_schedule, beside its type: "
                     "{\"type\":\"cosine\",\"minimum_rate\":...}"},
    {"warmup_epochs", "stands in learning_rate_schedule: {\"warmup_epochs\":...}"},
};

static bool keep_prob_check(const json_t *object, const char *path, struct err *e) {
    const json_t *value = json_object_get(object, "keep_prob");
    char where[ERR_WHERE_MAX];
    if (!value)
        return true;
    json_path_key(where, path, "keep_prob");
    return err_set(e, ERR_INVALID, where,
                   "is the share of units kept: give the share dropped, dropout = 1 - "
                   "keep_prob (dropout 0.2 for keep_prob 0.8)");
}

bool job_foreign_layer_check(const json_t *layer, const char *path, struct err *e) {
    return keep_prob_check(layer, path, e);
}

bool job_foreign_check(const json_t *root, struct err *e) {
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        char where[ERR_WHERE_MAX];
        json_path_key(where, "", foreign[i].key);
        if (json_object_get(root, foreign[i].key))
            return err_set(e, ERR_INVALID, where, "%s", foreign[i].advice);
    }
    return keep_prob_check(root, "", e);
}
