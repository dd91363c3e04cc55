/* Shared by the files that read a job's document; for api/job*.c alone. */
#ifndef API_JOB_INTERNAL_H
#define API_JOB_INTERNAL_H

#include "api/job.h"
#include "api/json.h"

/* The keys of a job, posted or echoed. */
enum job_key {
    KEY_MODEL,
    KEY_DATA,
    KEY_DATASET,
    KEY_INIT_FROM,
    KEY_TARGET,
    KEY_FEATURES,
    KEY_EXCLUDE,
    KEY_VALIDATION_SPLIT,
    KEY_VALIDATION_DATASET,
    KEY_MISSING_VALUES,
    KEY_UNKNOWN_CATEGORIES,
    KEY_CLASS_WEIGHT,
    KEY_TASK,
    KEY_LAYERS,
    KEY_HIDDEN_LAYERS,
    KEY_LAYERS_DIMS,
    KEY_ACTIVATION,
    KEY_LOSS,
    KEY_INITIALIZER,
    KEY_INIT_SCALE,
    KEY_OPTIMIZER,
    KEY_LEARNING_RATE,
    KEY_MOMENTUM,
    KEY_NESTEROV,
    KEY_BETA_1,
    KEY_BETA_2,
    KEY_EPSILON,
    KEY_WEIGHT_DECAY,
    KEY_L2,
    KEY_GRADIENT_CLIP_NORM,
    KEY_LEARNING_RATE_SCHEDULE,
    KEY_DROPOUT,
    KEY_BATCH_SIZE,
    KEY_EPOCHS,
    KEY_ITERATIONS,
    KEY_SHUFFLE,
    KEY_NORMALIZE,
    KEY_SCALE_TARGET,
    KEY_REPORT_EVERY,
    KEY_SEED,
    KEY_EARLY_STOPPING,
    KEY_TARGET_COST,
    KEY_MAX_RUNTIME_SECONDS,
    KEY_CHECKPOINT_SECONDS,
    KEY_PRIORITY,
    KEY_THREADS,
    KEY_METADATA,
    KEY_POSTED_N,
    KEY_INPUTS = KEY_POSTED_N, /* these stand in the echo alone */
    KEY_SAMPLES,
    KEY_CLASSES,
    KEY_TABLE,
    KEY_TRANSFORM,
    KEY_ENCODER,    /* of a model's document */
    KEY_CHECKPOINT, /* of a checkpoint's */
    KEY_ALL_N
};
extern const struct json_key job_keys[KEY_ALL_N];

extern const struct json_choice job_activations[];
extern const size_t job_activations_n;

/* Stands for the activation of an output layer that was given without one, until the task
 * is known. */
enum { JOB_ACTIVATION_OPEN = ACTIVATIONS_N };

/* The slots of a dataset's job among all. */
struct job_table_slots job_slots_table(const struct json_slot *slots);

/* What the user said of the network's shape and task, before the targets are known. */
struct job_shape {
    struct layer_shape *layers; /* with the output layer (`complete`) or without; owned */
    size_t layers_n;
    bool complete;
    int task;                   /* an enum task, or -1 */
    int loss;                   /* an enum loss, or -1 */
    bool log_loss;              /* either cross-entropy, as the targets have it */
    size_t inputs_n, outputs_n; /* from layers_dims, else 0 */
    const struct labels *known; /* the classes that targets must be of; or NULL */
};

/* Where a document comes from. */
struct job_shape_rules {
    bool stored;  /* ours, which may name activations that only imported networks have */
    bool encoded; /* of a job whose columns are encoded: another network by default */
};

/* Reads task, loss, layers | hidden_layers + activation | layers_dims. */
bool job_shape_decode(const struct json_slot *slots, struct job_shape_rules rules,
                      struct job_shape *shape, struct err *e);

/* Chooses task, classes, output layer and loss from what was said and from the targets,
 * and turns the targets into values or classes. Fills spec's task, layers, loss, labels
 * and request's values or classes. Takes shape->layers. */
bool job_targets_resolve(struct job_shape *shape, struct column *targets,
                         struct job_request *request, struct err *e);

/* Whether what is left out is chosen as for a table. */
static inline bool job_encodes(const struct job_spec *spec) {
    return spec->table.columns_n && !spec->table.plain;
}

/* batch_size, epochs, learning_rate, ...: everything that needs no data but m. What a
 * posted document leaves out is chosen; what a `stored` one leaves out was not there when
 * it was written, and is off. */
bool job_hyper_decode(const struct json_slot *slots, bool stored, struct job_spec *spec,
                      struct err *e);

/* Its parts. Each needs what stands above it. */

/* optimizer, learning_rate and the numbers that belong to an optimizer, l2 and clipping.
 */
bool job_optimizer_decode(const struct json_slot *slots, struct job_spec *spec,
                          struct err *e);
void job_optimizer_encode(const struct optimizer_options *options, struct text *out);

/* The short form of dropout, for layers that are known; and of each layer. */
extern const struct json_bounds job_dropout_bounds;
bool job_dropout_decode(const struct json_slot *slots, struct job_spec *spec,
                        struct err *e);

/* learning_rate_schedule; needs epochs and learning_rate. */
bool job_schedule_decode(const struct json_slot *slot, struct job_spec *spec,
                         struct err *e);
void job_schedule_encode(const struct schedule *schedule, struct text *out);

/* When training ends early, how often it is written down and when its turn comes; needs
 * epochs, report_every and the validation part. */
bool job_control_decode(const struct json_slot *slots, struct job_spec *spec,
                        struct err *e);
void job_control_encode(const struct job_spec *spec, struct text *out);

/* A key that belongs to other kinds than the chosen one: `takers` has a bit for each that
 * takes it, and kinds[k] is the name of kind k. @return false, always. */
bool job_misfit(const struct json_slot *slot, const struct json_choice *kinds,
                unsigned takers, int chosen, struct err *e);

/* Keys that people know from elsewhere and that mean something else here, or stand in
 * another place: refused with what to give instead. In a job's document, and in a member
 * of its `layers`. */
bool job_foreign_check(const json_t *root, struct err *e);
bool job_foreign_layer_check(const json_t *layer, const char *path, struct err *e);

#endif
