/* A training job: from the document that a user posts to what a trainer needs, and back.
 *
 * job_decode validates everything before anything is accepted; what was left out is
 * chosen and stands in the spec, so that its encoding tells the whole truth and is itself
 * enough to train again. Pure; any thread. */
#ifndef API_JOB_H
#define API_JOB_H

#include <stdint.h>

#include "api/class_weight.h"
#include "api/job_table.h"
#include "api/rows.h"
#include "api/text.h"
#include "engine/initializer.h"
#include "engine/model.h"
#include "engine/trainer.h"

enum {
    JOB_NAME_MAX = 128,
    JOB_METADATA_BYTES_MAX = 16 << 10,
    JOB_REST_BYTES_MAX = 256 << 10, /* the document without its data */
    JOB_CLASSES_MAX = 65536,
    JOB_LABEL_BYTES_MAX = 1 << 20, /* of all class labels together */
    JOB_INFERRED_CLASSES_MAX = 20, /* more distinct integers than this are a regression */
    JOB_POINTS_MAX = 1000000,      /* of one curve */
    JOB_PARAMETERS_MAX = 1 << 28   /* of one network: 1 GiB */
};
#define JOB_EPOCHS_MAX INT64_C(1000000000)
#define JOB_SEED_MAX ((INT64_C(1) << 53) - 1)

/* Of two queued jobs the one of more priority is trained first. */
enum { JOB_PRIORITY_MIN = -100, JOB_PRIORITY_MAX = 100 };

/* As many as a worker may have. */
enum { JOB_THREADS_MAX = 64 };

/* The cost that early stopping, the target and the best checkpoint go by. */
enum job_monitor { JOB_MONITOR_COST, JOB_MONITOR_VALIDATION_COST };

/* Training ends when `patience` epochs have brought no cost lower by more than min_delta
 * than the lowest before them; it is looked at wherever the curve has a point. */
struct job_early_stopping {
    bool on;
    int64_t patience;  /* epochs, at least 1 */
    double min_delta;  /* >= 0 */
    bool restore_best; /* the model is the best epoch's, not the last one's */
};

/* Whether `name` is [A-Za-z0-9][A-Za-z0-9._-]{0,127}. */
bool job_name_valid(const char *name);

/* Every hyper-parameter, resolved. Zero it first; job_spec_free. */
struct job_spec {
    enum task task;
    size_t samples_n, inputs_n;
    struct layer_shape *layers; /* (layers_n); owned */
    size_t layers_n;
    enum loss loss;
    enum initializer initializer;
    float init_scale;
    struct optimizer_options optimizer;
    struct schedule schedule;
    size_t batch_rows; /* 0: full */
    int64_t epochs;
    bool shuffle;
    enum normalize normalize;
    int64_t report_every; /* epochs between points of the curve */
    int64_t seed;         /* 0..JOB_SEED_MAX */
    struct job_early_stopping early_stopping;
    enum job_monitor monitor;
    double max_runtime_seconds; /* of training; 0: no bound */
    bool target_cost_given;
    double target_cost;        /* training ends at this cost or less */
    double checkpoint_seconds; /* between two checkpoints; 0 where nothing is trained */
    int64_t priority;
    int64_t threads; /* that its worker should have; 0: any. Not echoed: the same job on
                        more of them is the same, to the bit */
    char init_from[JOB_NAME_MAX + 24]; /* "name@version", or "": from the initializer */
    bool transform_kept;               /* the inputs' scaling is that version's */
    struct labels labels;              /* owned */
    struct class_weight class_weight;  /* owned */
    struct job_table table; /* of a job on a dataset, whose inputs_n is 0 until a worker
                               has learnt its encoder; owned */
};
void job_spec_free(struct job_spec *spec);

/* A decoded request: the spec and the data, in the form that the trainer takes or, where
 * they hold more than numbers (spec.table.columns_n), as rows for a worker to encode. */
struct job_request {
    char model[JOB_NAME_MAX + 1];
    struct job_spec spec;
    const char *rows; /* inline features as JSON, rows_bytes long; borrowed from the body
                         or rows_flat; NULL: there are none to encode */
    size_t rows_bytes;
    char *rows_flat;      /* NULL: they stand in the body; owned */
    char *targets_rows;   /* the inline targets of those rows as JSON; owned */
    struct rows features; /* (m,n); owned */
    float *values;        /* (m,k) targets, or NULL; owned */
    int32_t *classes;     /* (m) targets, or NULL; owned */
    char *metadata; /* JSON as it was written, without white space, or NULL; owned */
};
void job_request_free(struct job_request *request);

/* Decodes and validates body[0..n), which *out borrows. `seed` is used where the document
 * gives none. On an error *out holds nothing. */
bool job_decode(const char *body, size_t n, int64_t seed, struct job_request *out,
                struct err *e) __attribute__((warn_unused_result));

/* The same in two steps, for jobs on a dataset: what the document says, then what follows
 * from it and from the dataset that it names. */
struct job_draft;
struct job_draft *job_draft_new(const char *body, size_t n, struct err *e)
    __attribute__((warn_unused_result));  /* borrows body */
void job_draft_free(struct job_draft *d); /* NULL is allowed */

/* The dataset that the job names ("name" or "name@revision"): its name into `name`, and
 * the revision or 0. false when its data are inline. */
bool job_draft_dataset(const struct job_draft *d, char name[JOB_NAME_MAX + 1],
                       int64_t *revision);

/* The same of its validation_dataset. */
bool job_draft_validation(const struct job_draft *d, char name[JOB_NAME_MAX + 1],
                          int64_t *revision);

/* The model that the job continues from, as it was written; NULL: none. Borrowed. */
const char *job_draft_init_from(const struct job_draft *d);

/* That model: for a draft with init_from, before it is resolved. Borrowed until then. */
struct job_origin {
    const char *name;
    int64_t version;
    const struct model *model;
};
void job_draft_start(struct job_draft *d, const struct job_origin *origin);

/* `dataset` is NULL for inline data. The draft's data move to *out, which borrows the
 * body as the draft does. */
bool job_draft_resolve(struct job_draft *d, const struct job_dataset *dataset,
                       int64_t seed, struct job_request *out, struct err *e)
    __attribute__((warn_unused_result));

/* The spec as a JSON object ("hyperparameters"), and back from one. A model's document
 * has its encoder beside the spec's members: it is read where `encoder` is not NULL. */
void job_spec_encode(const struct job_spec *spec, struct text *out);
void job_spec_members_encode(const struct job_spec *spec, struct text *out);
bool job_spec_decode(const char *json, struct job_spec *spec, struct encoder *encoder,
                     struct err *e) __attribute__((warn_unused_result));

/* The layers as a JSON array of {units, activation[, negative_slope]}. */
void job_layer_encode(const struct layer_shape *layer, struct text *out);
void job_layers_encode(const struct job_spec *spec, struct text *out);
/* Labels as a JSON array. */
void job_labels_encode(const struct labels *labels, struct text *out);
/* One label as it stood in the targets. */
void job_label_encode(const struct labels *labels, size_t index, struct text *out);

/* Whether the network is of at most JOB_PARAMETERS_MAX weights and biases, which are
 * counted before anybody allocates them. */
bool job_size_check(const struct job_spec *spec, struct err *e);

/* What the trainer is given. */
struct trainer_options job_trainer_options(const struct job_spec *spec);

#endif
