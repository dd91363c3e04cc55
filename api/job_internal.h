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
    KEY_BATCH_SIZE,
    KEY_EPOCHS,
    KEY_ITERATIONS,
    KEY_SHUFFLE,
    KEY_NORMALIZE,
    KEY_REPORT_EVERY,
    KEY_SEED,
    KEY_METADATA,
    KEY_POSTED_N,
    KEY_INPUTS = KEY_POSTED_N, /* these stand in the echo alone */
    KEY_SAMPLES,
    KEY_CLASSES,
    KEY_TABLE,
    KEY_TRANSFORM,
    KEY_ENCODER, /* of a model's document */
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

/* batch_size, epochs, learning_rate, ...: everything that needs no data but m. */
bool job_hyper_decode(const struct json_slot *slots, struct job_spec *spec,
                      struct err *e);

#endif
