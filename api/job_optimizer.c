/* The optimizer of a job and the numbers that belong to it. */
#include <float.h>
#include <stddef.h>

#include "api/job_internal.h"

/* In the order of the enum, then other spellings. */
static const struct json_choice optimizers[] = {
    {"gradient_descent", OPTIMIZER_GRADIENT_DESCENT},
    {"momentum", OPTIMIZER_MOMENTUM},
    {"rmsprop", OPTIMIZER_RMSPROP},
    {"adam", OPTIMIZER_ADAM},
    {"adamw", OPTIMIZER_ADAMW},
    {"gd", OPTIMIZER_GRADIENT_DESCENT},
    {"sgd", OPTIMIZER_GRADIENT_DESCENT},
};

#define TAKES(kind) (1U << OPTIMIZER_##kind)
enum {
    ANY = (1U << OPTIMIZERS_N) - 1,
    MOMENTUM = TAKES(MOMENTUM),
    ADAMS = TAKES(ADAM) | TAKES(ADAMW),
    SQUARES = TAKES(RMSPROP) | ADAMS,
    ADAMW = TAKES(ADAMW)
};

#define AT(member) offsetof(struct optimizer_options, member)
#define SHARE .max = 1, .below = true
#define POSITIVE .max = FLT_MAX, .above = true
#define NOT_NEGATIVE .max = FLT_MAX

/* Its numbers, in the order of the echo. */
static const struct {
    enum job_key key;
    unsigned takers; /* a bit for each optimizer */
    size_t at;       /* a float in the options */
    struct json_bounds bounds;
    bool zero_is_none; /* and is not echoed */
} numbers[] = {
    {KEY_LEARNING_RATE, ANY, AT(learning_rate), {POSITIVE}, false},
    {KEY_MOMENTUM, MOMENTUM, AT(momentum), {SHARE}, false},
    {KEY_BETA_1, ADAMS, AT(beta_1), {SHARE}, false},
    {KEY_BETA_2, SQUARES, AT(beta_2), {SHARE}, false},
    {KEY_EPSILON, SQUARES, AT(epsilon), {POSITIVE}, false},
    {KEY_WEIGHT_DECAY, ADAMW, AT(weight_decay), {NOT_NEGATIVE}, false},
    {KEY_L2, ANY, AT(l2), {NOT_NEGATIVE}, false},
    {KEY_GRADIENT_CLIP_NORM, ANY, AT(clip_norm), {NOT_NEGATIVE}, true},
};
enum { NUMBERS_N = sizeof numbers / sizeof *numbers };

static bool takes(unsigned takers, enum optimizer kind) {
    return takers >> kind & 1;
}

static bool misfit(const struct json_slot *slot, unsigned takers, enum optimizer kind,
                   struct err *e) {
    if (takers == ADAMW)
        return err_set(e, ERR_INVALID, slot->path,
                       "belongs to adamw, which takes learning_rate * weight_decay * w "
                       "off each weight w; give l2 for the penalty l2/(2m) sum w^2 on "
                       "the cost, which any optimizer takes");
    return job_misfit(slot, optimizers, takers, (int)kind, e);
}

static bool numbers_decode(const struct json_slot *slots,
                           struct optimizer_options *options, struct err *e) {
    for (size_t i = 0; i < NUMBERS_N; i++) {
        const struct json_slot *slot = &slots[numbers[i].key];
        float *number = (float *)(void *)((char *)options + numbers[i].at);
        if (slot->value && !takes(numbers[i].takers, options->kind))
            return misfit(slot, numbers[i].takers, options->kind, e);
        if (!json_float(slot, numbers[i].bounds, number, e))
            return false;
    }
    return true;
}

/* Tables are small: adamw's usual 0.01 lets them overfit. */
#define TABLE_WEIGHT_DECAY 0.1f

/* Averages of the gradient are of its size, and what is divided by its root is of size 1:
 * both take smaller steps than the gradient itself. Without hidden layers there is one
 * hollow, however far from the start: a table of few rows, so of few updates, reaches it
 * by larger steps alone. */
static float default_rate(const struct job_spec *spec, enum optimizer kind) {
    bool table = job_encodes(spec), adam = takes(ADAMS, kind);
    if (kind == OPTIMIZER_GRADIENT_DESCENT)
        return table ? 0.05f : 0.1f;
    return table && adam && spec->layers_n == 1 ? 0.1f : 0.01f;
}

bool job_optimizer_decode(const struct json_slot *slots, struct job_spec *spec,
                          struct err *e) {
    const struct json_slot *nesterov = &slots[KEY_NESTEROV];
    int kind = (int)spec->optimizer.kind; /* the default */
    if (!json_choose(&slots[KEY_OPTIMIZER], optimizers,
                     sizeof optimizers / sizeof *optimizers, &kind, e))
        return false;
    struct optimizer_options *options = &spec->optimizer;
    *options = optimizer_defaults((enum optimizer)kind);
    options->learning_rate = default_rate(spec, options->kind);
    if (job_encodes(spec))
        options->weight_decay = TABLE_WEIGHT_DECAY;
    if (nesterov->value && !takes(MOMENTUM, options->kind))
        return misfit(nesterov, MOMENTUM, options->kind, e);
    return json_bool(nesterov, &options->nesterov, e) &&
           numbers_decode(slots, options, e);
}

void job_optimizer_encode(const struct optimizer_options *options, struct text *out) {
    text_key(out, "optimizer");
    text_json_string(out, optimizer_name(options->kind));
    for (size_t i = 0; i < NUMBERS_N; i++) {
        float number =
            *(const float *)(const void *)((const char *)options + numbers[i].at);
        if (!takes(numbers[i].takers, options->kind) ||
            (numbers[i].zero_is_none && !(number > 0)))
            continue;
        text_key(out, job_keys[numbers[i].key].name);
        text_json_float(out, number);
    }
    if (takes(MOMENTUM, options->kind)) {
        text_key(out, "nesterov");
        text_json_bool(out, options->nesterov);
    }
}
