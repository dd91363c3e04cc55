/* The keys of a job, and the hyper-parameters that stand by themselves. */
#include "api/job_internal.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

enum { JOB_TABLE_BATCH = 32, JOB_TABLE_SMALL = 100 };

const struct json_key job_keys[KEY_ALL_N] = {
    [KEY_MODEL] = {"model", NULL},
    [KEY_DATA] = {"data", NULL},
    [KEY_DATASET] = {"dataset", "training_frame"},
    [KEY_INIT_FROM] = {"init_from", NULL},
    [KEY_TARGET] = {"target", "response_column target_column label"},
    [KEY_FEATURES] = {"features", NULL},
    [KEY_EXCLUDE] = {"exclude", "ignored_columns"},
    [KEY_VALIDATION_SPLIT] = {"validation_split", "validation_fraction test_split"},
    [KEY_VALIDATION_DATASET] = {"validation_dataset", "validation_frame validation_file"},
    [KEY_MISSING_VALUES] = {"missing_values", NULL},
    [KEY_UNKNOWN_CATEGORIES] = {"unknown_categories", "handle_unknown"},
    [KEY_CLASS_WEIGHT] = {"class_weight", NULL},
    [KEY_TASK] = {"task", NULL},
    [KEY_LAYERS] = {"layers", NULL},
    [KEY_HIDDEN_LAYERS] = {"hidden_layers", "hidden hidden_layer_sizes"},
    [KEY_LAYERS_DIMS] = {"layers_dims", NULL},
    [KEY_ACTIVATION] = {"activation", NULL},
    [KEY_LOSS] = {"loss", NULL},
    [KEY_INITIALIZER] = {"initializer", NULL},
    [KEY_INIT_SCALE] = {"init_scale", NULL},
    [KEY_OPTIMIZER] = {"optimizer", "solver optimiser"},
    [KEY_LEARNING_RATE] = {"learning_rate", "lr learning_rate_init"},
    [KEY_MOMENTUM] = {"momentum", NULL},
    [KEY_NESTEROV] = {"nesterov", NULL},
    [KEY_BETA_1] = {"beta_1", "beta1"},
    [KEY_BETA_2] = {"beta_2", "beta2"},
    [KEY_EPSILON] = {"epsilon", NULL},
    [KEY_WEIGHT_DECAY] = {"weight_decay", NULL},
    [KEY_L2] = {"l2", "lambda lambd"},
    [KEY_GRADIENT_CLIP_NORM] = {"gradient_clip_norm", "clipnorm"},
    [KEY_LEARNING_RATE_SCHEDULE] = {"learning_rate_schedule", NULL},
    [KEY_DROPOUT] = {"dropout", "hidden_dropout_ratios dropout_rate"},
    [KEY_BATCH_SIZE] = {"batch_size", "mini_batch_size"},
    [KEY_EPOCHS] = {"epochs", "n_epochs max_iter"},
    [KEY_ITERATIONS] = {"iterations", "num_iterations"},
    [KEY_SHUFFLE] = {"shuffle", NULL},
    [KEY_NORMALIZE] = {"normalize", "standardize scale"},
    [KEY_SCALE_TARGET] = {"scale_target", "normalize_target standardize_target"},
    [KEY_REPORT_EVERY] = {"report_every", NULL},
    [KEY_SEED] = {"seed", "random_state"},
    [KEY_EARLY_STOPPING] = {"early_stopping", NULL},
    [KEY_TARGET_COST] = {"target_cost", NULL},
    [KEY_MAX_RUNTIME_SECONDS] = {"max_runtime_seconds", "max_runtime_secs"},
    [KEY_CHECKPOINT_SECONDS] = {"checkpoint_seconds", NULL},
    [KEY_PRIORITY] = {"priority", NULL},
    [KEY_THREADS] = {"threads", "min_threads"},
    [KEY_METADATA] = {"metadata", NULL},
    [KEY_INPUTS] = {"inputs", NULL},
    [KEY_SAMPLES] = {"samples", NULL},
    [KEY_CLASSES] = {"classes", NULL},
    [KEY_TABLE] = {"table", NULL},
    [KEY_TRANSFORM] = {"transform", NULL},
    [KEY_ENCODER] = {"encoder", NULL},
    [KEY_CHECKPOINT] = {"checkpoint", NULL},
};

/* Canonical names first, in the order of the enums. */
static const struct json_choice initializers[] = {
    {"zeros", INITIALIZER_ZEROS},
    {"random_normal", INITIALIZER_RANDOM_NORMAL},
    {"he_normal", INITIALIZER_HE_NORMAL},
    {"he_uniform", INITIALIZER_HE_UNIFORM},
    {"glorot_normal", INITIALIZER_GLOROT_NORMAL},
    {"glorot_uniform", INITIALIZER_GLOROT_UNIFORM},
    {"he", INITIALIZER_HE_NORMAL},
    {"xavier", INITIALIZER_GLOROT_NORMAL},
    {"glorot", INITIALIZER_GLOROT_NORMAL},
    {"kaiming_normal", INITIALIZER_HE_NORMAL},
    {"kaiming_uniform", INITIALIZER_HE_UNIFORM},
    {"xavier_normal", INITIALIZER_GLOROT_NORMAL},
    {"xavier_uniform", INITIALIZER_GLOROT_UNIFORM},
};
static const struct json_choice normalizes[] = {
    {"none", NORMALIZE_NONE},
    {"standard", NORMALIZE_STANDARD},
    {"minmax", NORMALIZE_MINMAX},
};

#define CHOOSE(slot, choices, out, e)                                                    \
    json_choose(slot, choices, sizeof(choices) / sizeof *(choices), out, e)

/* The characters of a name; the last three not at its beginning. */
static const bool name_characters[256] = {['0' ... '9'] = true, ['A' ... 'Z'] = true,
                                          ['a' ... 'z'] = true, ['.'] = true,
                                          ['_'] = true,         ['-'] = true};

bool job_name_valid(const char *name) {
    size_t n = 0;
    while (n <= JOB_NAME_MAX && name_characters[(unsigned char)name[n]])
        n++;
    return n >= 1 && n <= JOB_NAME_MAX && !name[n] && !strchr("._-", name[0]);
}

struct job_table_slots job_slots_table(const struct json_slot *slots) {
    return (struct job_table_slots){
        .dataset = &slots[KEY_DATASET],
        .target = &slots[KEY_TARGET],
        .features = &slots[KEY_FEATURES],
        .exclude = &slots[KEY_EXCLUDE],
        .validation_split = &slots[KEY_VALIDATION_SPLIT],
        .validation_dataset = &slots[KEY_VALIDATION_DATASET],
        .missing_values = &slots[KEY_MISSING_VALUES],
        .unknown_categories = &slots[KEY_UNKNOWN_CATEGORIES],
    };
}

bool job_misfit(const struct json_slot *slot, const struct json_choice *kinds,
                unsigned takers, int chosen, struct err *e) {
    char names[96];
    size_t at = 0;
    for (unsigned k = 0; takers >> k; k++) {
        const char *join = !at ? "" : takers >> (k + 1) ? ", " : " and ";
        if (takers >> k & 1)
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", join,
                                   kinds[k].name);
    }
    return err_set(e, ERR_INVALID, slot->path, "belongs to %s, not to %s", names,
                   kinds[chosen].name);
}

static bool batch_decode(const struct json_slot *slot, struct job_spec *spec,
                         struct err *e) {
    if (!slot->value)
        return true;
    if (json_is_string(slot->value)) {
        int full = 0;
        spec->batch_rows = 0;
        static const struct json_choice words[] = {{"full", 0}};
        return CHOOSE(slot, words, &full, e);
    }
    int64_t rows = 0;
    if (!json_int(slot, 0, UINT32_MAX, &rows, e))
        return false;
    /* A batch of the whole set, or more, is the full batch. */
    spec->batch_rows = (size_t)rows < spec->samples_n ? (size_t)rows : 0;
    return true;
}

/* `iterations` counts updates; passes and updates are the same with a full batch only. */
static bool epochs_decode(const struct json_slot *slots, struct job_spec *spec,
                          struct err *e) {
    const struct json_slot *epochs = &slots[KEY_EPOCHS];
    const struct json_slot *iterations = &slots[KEY_ITERATIONS];
    if (iterations->value) {
        if (epochs->value)
            return err_set(e, ERR_INVALID, iterations->path,
                           "is another spelling of %s with a full batch: give one",
                           epochs->path);
        if (spec->batch_rows)
            return err_set(e, ERR_INVALID, iterations->path,
                           "counts updates, which are epochs only when batch_size is "
                           "\"full\": give epochs");
        epochs = iterations;
    }
    return json_int(epochs, 0, JOB_EPOCHS_MAX, &spec->epochs, e);
}

static bool normalize_decode(const struct json_slot *slot, struct job_spec *spec,
                             struct err *e) {
    if (json_is_boolean(slot->value)) {
        spec->normalize = json_is_true(slot->value) ? NORMALIZE_STANDARD : NORMALIZE_NONE;
        return true;
    }
    int kind = (int)spec->normalize;
    bool ok = CHOOSE(slot, normalizes, &kind, e);
    spec->normalize = (enum normalize)kind;
    return ok;
}

/* The least of 1, 2, 5, 10, 20, 50, ... that makes a curve of at most 1,001 points. */
static int64_t report_default(int64_t epochs) {
    enum { INTERVALS_MAX = 1000 };
    int64_t every = 1;
    for (int i = 0; epochs > every * INTERVALS_MAX; i++)
        every = i % 3 == 1 ? every / 2 * 5 : every * 2;
    return every;
}

static bool report_decode(const struct json_slot *slot, struct job_spec *spec,
                          struct err *e) {
    spec->report_every = report_default(spec->epochs);
    if (!json_int(slot, 1, JOB_EPOCHS_MAX, &spec->report_every, e))
        return false;
    /* Beside those of epoch 0 and of the last, which need not be a multiple. */
    if (spec->epochs / spec->report_every > JOB_POINTS_MAX)
        return err_set(e, ERR_RANGE, slot->path,
                       "would make a curve of %lld points; at most %d",
                       (long long)(spec->epochs / spec->report_every), JOB_POINTS_MAX);
    return true;
}

/* The course's choice where a unit is rectified, Glorot's where it saturates. */
static enum initializer default_initializer(const struct job_spec *spec) {
    for (size_t l = 0; l + 1 < spec->layers_n; l++) {
        enum activation g = spec->layers[l].activation;
        if (g == ACTIVATION_RELU || g == ACTIVATION_LEAKY_RELU)
            return INITIALIZER_HE_NORMAL;
    }
    return INITIALIZER_GLOROT_UNIFORM;
}

/* A dataset's job is scaled, goes by mini-batches and is regularised, its rate falling to
 * nothing: sensible for most tables, in seconds. */
static void table_defaults(struct job_spec *spec) {
    spec->normalize = NORMALIZE_STANDARD;
    spec->batch_rows = spec->samples_n > JOB_TABLE_BATCH ? JOB_TABLE_BATCH : 0;
    spec->optimizer.kind = OPTIMIZER_ADAMW;
}

/* How long, once the optimizer is known. Few rows make few updates an epoch. */
static void table_pace(struct job_spec *spec) {
    bool plain = spec->optimizer.kind == OPTIMIZER_GRADIENT_DESCENT;
    if (plain)
        spec->epochs = spec->samples_n < JOB_TABLE_SMALL ? 200 : 500;
    else
        spec->epochs = spec->samples_n <= JOB_TABLE_BATCH ? 300 : 100;
    spec->schedule.kind = plain ? SCHEDULE_CONSTANT : SCHEDULE_COSINE;
}

bool job_hyper_decode(const struct json_slot *slots, bool stored, struct job_spec *spec,
                      struct err *e) {
    spec->init_scale = 0.01f;
    spec->epochs = 1000;
    spec->shuffle = true;
    bool table = !stored && job_encodes(spec);
    if (table)
        table_defaults(spec);
    const struct json_bounds positive = {.max = FLT_MAX, .above = true};
    int initializer = (int)default_initializer(spec);
    bool ok = CHOOSE(&slots[KEY_INITIALIZER], initializers, &initializer, e) &&
              json_float(&slots[KEY_INIT_SCALE], positive, &spec->init_scale, e) &&
              job_optimizer_decode(slots, spec, e);
    if (ok && table)
        table_pace(spec);
    ok = ok && job_dropout_decode(slots, spec, e) &&
         batch_decode(&slots[KEY_BATCH_SIZE], spec, e) && epochs_decode(slots, spec, e) &&
         json_bool(&slots[KEY_SHUFFLE], &spec->shuffle, e) &&
         normalize_decode(&slots[KEY_NORMALIZE], spec, e) &&
         report_decode(&slots[KEY_REPORT_EVERY], spec, e) &&
         json_int(&slots[KEY_SEED], 0, JOB_SEED_MAX, &spec->seed, e) &&
         job_schedule_decode(&slots[KEY_LEARNING_RATE_SCHEDULE], spec, e) &&
         job_control_decode(slots, spec, e);
    spec->initializer = (enum initializer)initializer;
    return ok;
}
