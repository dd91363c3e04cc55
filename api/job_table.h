/* A job whose columns are encoded, on a dataset or on inline rows: which columns go in,
 * which one is to be predicted, and how the file is read again. Part of a job_spec;
 * stands in its document, so that a worker needs nothing but the document and the bytes.
 */
#ifndef API_JOB_TABLE_H
#define API_JOB_TABLE_H

#include <jansson.h>

#include "api/json.h"
#include "api/profile.h"
#include "api/reader.h"
#include "engine/encoder.h"
#include "engine/model.h"

enum column_use { COLUMN_UNUSED, COLUMN_FEATURE, COLUMN_TARGET };

struct job_column {
    char *name; /* owned */
    enum encoder_kind kind;
    enum column_use use;
};

/* Zero-initialise; columns_n 0: the job has inline data of numbers. */
struct job_table {
    char dataset[129];          /* "": inline rows */
    int64_t revision;           /* 0 of those */
    bool targets_apart;         /* the target is column 0 of a file of its own */
    struct reader_found source; /* how the features' file is read */
    struct reader_found targets_source;
    struct job_column *columns; /* of the features' file, in its order; owned */
    size_t columns_n;
    struct job_column target; /* when targets_apart; owned name */
    uint64_t rows_n;
    bool plain;             /* inline rows of numbers alone, which keep the defaults of
                               those; not in the document */
    size_t inputs_max;      /* that its encoder will make, at most; not in the document */
    float validation_split; /* 0: none */
    bool missing_refused, unseen_refused;
    bool scale_target;            /* regression: trained on the standardised target */
    struct job_table *validation; /* rows of another dataset, whose columns (the target of
                                     a file of its own apart) have the same names; owned;
                                     NULL: none */
    char *warnings;               /* JSON array of texts; owned; NULL: none */
};
void job_table_free(struct job_table *t);

/* A dataset as a job sees it; borrowed. */
struct job_dataset {
    const char *name; /* "": inline rows */
    int64_t revision;
    const struct profile *table;   /* of the table, or of the features' file */
    const struct profile *targets; /* of the targets' file, or NULL */
    struct reader_found source, targets_source;
    const struct job_dataset *validation; /* that the job names, or NULL */
};

/* The posted keys that only a dataset's job has. */
struct job_table_slots {
    const struct json_slot *dataset, *target, *features, *exclude, *validation_split,
        *validation_dataset, *missing_values, *unknown_categories;
};

/* Chooses the columns: those that `origin`, a model to continue from, takes, where it is
 * not NULL. *target is the target's profile. Errors name the key and the column. */
bool job_table_decode(const struct job_table_slots *slots,
                      const struct job_dataset *dataset, const struct model *origin,
                      struct job_table *t, const struct profile_column **target,
                      struct err *e) __attribute__((warn_unused_result));

/* The members of the echo ("dataset", "target", "features", "table", ...), and back. */
void job_table_encode(const struct job_table *t, struct text *out);
bool job_table_read(const struct job_table_slots *slots, const struct json_slot *table,
                    struct job_table *t, struct err *e)
    __attribute__((warn_unused_result));

/* The unused columns of an encoder that is laid out become those of the features' file
 * that it does not take. ERR_NO_MEMORY. */
bool job_table_leave_out(const struct job_table *t, struct encoder *encoder,
                         struct err *e) __attribute__((warn_unused_result));

/* The column to be predicted, in either place; and what its dataset tells of it. */
const struct job_column *job_table_target(const struct job_table *t);
const struct profile_column *job_table_target_profile(const struct job_table *t,
                                                      const struct job_dataset *dataset);

#endif
