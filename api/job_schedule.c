/* The learning rate's course over a job. What is left out is chosen so that the rate
 * falls to a hundredth over the epochs behind the warm-up. */
#include <float.h>
#include <math.h>

#include "api/job_internal.h"

/* In the order of the enum. */
static const struct json_choice types[] = {
    {"constant", SCHEDULE_CONSTANT},       {"step", SCHEDULE_STEP},
    {"exponential", SCHEDULE_EXPONENTIAL}, {"inverse_time", SCHEDULE_INVERSE_TIME},
    {"cosine", SCHEDULE_COSINE},
};
enum { TYPES_N = sizeof types / sizeof *types };

enum { TYPE, DECAY_RATE, STEP_EPOCHS, MINIMUM_RATE, WARMUP_EPOCHS, MEMBERS_N };
static const struct json_key members[MEMBERS_N] = {
    [TYPE] = {"type", NULL},
    [DECAY_RATE] = {"decay_rate", NULL},
    [STEP_EPOCHS] = {"step_epochs", NULL},
    [MINIMUM_RATE] = {"minimum_rate", NULL},
    [WARMUP_EPOCHS] = {"warmup_epochs", NULL},
};

#define TAKES(kind) (1U << SCHEDULE_##kind)
static const unsigned takers[MEMBERS_N] = {
    [TYPE] = (1U << TYPES_N) - 1,
    [DECAY_RATE] = TAKES(STEP) | TAKES(EXPONENTIAL) | TAKES(INVERSE_TIME),
    [STEP_EPOCHS] = TAKES(STEP),
    [MINIMUM_RATE] = TAKES(COSINE),
    [WARMUP_EPOCHS] = (1U << TYPES_N) - 1,
};

static bool takes(int member, enum schedule_kind kind) {
    return takers[member] >> kind & 1;
}

/* Three stages, each at a tenth of the one before. */
enum { STAGES = 3 };
static const double END_SHARE = 0.01;

static float default_decay(enum schedule_kind kind, int64_t epochs) {
    switch (kind) {
    case SCHEDULE_STEP:
        return 0.1f;
    case SCHEDULE_EXPONENTIAL:
        return (float)pow(END_SHARE, 1 / (double)epochs);
    case SCHEDULE_INVERSE_TIME:
        return (float)((1 / END_SHARE - 1) / (double)epochs);
    default:
        return 0;
    }
}

static bool members_fit(const struct json_slot *slots, enum schedule_kind kind,
                        struct err *e) {
    for (int m = 0; m < MEMBERS_N; m++)
        if (slots[m].value && !takes(m, kind))
            return job_misfit(&slots[m], types, takers[m], (int)kind, e);
    return true;
}

static bool members_decode(const struct json_slot *slots, const struct job_spec *spec,
                           struct schedule *s, struct err *e) {
    /* The last epoch trains at the whole rate at least. */
    int64_t epochs = spec->epochs ? spec->epochs : 1;
    if (!json_int(&slots[WARMUP_EPOCHS], 0, epochs - 1, &s->warmup_epochs, e))
        return false;
    epochs -= s->warmup_epochs;
    const struct json_bounds rates = {.max = (double)spec->optimizer.learning_rate};
    const struct json_bounds decays = {
        .max = s->kind == SCHEDULE_INVERSE_TIME ? FLT_MAX : 1, .above = true};
    if (takes(DECAY_RATE, s->kind))
        s->decay_rate = default_decay(s->kind, epochs);
    if (takes(STEP_EPOCHS, s->kind))
        s->step_epochs = (epochs - 1) / STAGES + 1;
    return json_float(&slots[DECAY_RATE], decays, &s->decay_rate, e) &&
           json_int(&slots[STEP_EPOCHS], 1, JOB_EPOCHS_MAX, &s->step_epochs, e) &&
           json_float(&slots[MINIMUM_RATE], rates, &s->minimum_rate, e);
}

bool job_schedule_decode(const struct json_slot *slot, struct job_spec *spec,
                         struct err *e) {
    struct json_slot slots[MEMBERS_N] = {{0}};
    int kind = (int)spec->schedule.kind; /* the default */
    if (json_is_string(slot->value))
        slots[TYPE] = *slot;
    else if (slot->value && !json_is_object(slot->value))
        return err_set(e, ERR_INVALID, slot->path,
                       "expected a string or an object with a type, got %s",
                       json_kind(slot->value));
    else if (slot->value &&
             !json_match(slot->value, members, MEMBERS_N, slot->path, slots, e))
        return false;
    if (!json_choose(&slots[TYPE], types, TYPES_N, &kind, e))
        return false;
    spec->schedule = (struct schedule){.kind = (enum schedule_kind)kind};
    return members_fit(slots, spec->schedule.kind, e) &&
           members_decode(slots, spec, &spec->schedule, e);
}

void job_schedule_encode(const struct schedule *schedule, struct text *out) {
    text_key(out, "learning_rate_schedule");
    text_open(out, '{');
    text_key(out, members[TYPE].name);
    text_json_string(out, schedule_name(schedule->kind));
    if (takes(DECAY_RATE, schedule->kind)) {
        text_key(out, members[DECAY_RATE].name);
        text_json_float(out, schedule->decay_rate);
    }
    if (takes(STEP_EPOCHS, schedule->kind)) {
        text_key(out, members[STEP_EPOCHS].name);
        text_json_int(out, schedule->step_epochs);
    }
    if (takes(MINIMUM_RATE, schedule->kind)) {
        text_key(out, members[MINIMUM_RATE].name);
        text_json_float(out, schedule->minimum_rate);
    }
    text_key(out, members[WARMUP_EPOCHS].name);
    text_json_int(out, schedule->warmup_epochs);
    text_close(out, '}');
}
