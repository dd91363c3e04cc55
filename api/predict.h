/* Prediction requests and answers of the native route. Pure; any thread. */
#ifndef API_PREDICT_H
#define API_PREDICT_H

#include <stdint.h>

#include "api/csv_instances.h"
#include "api/instances.h"
#include "api/job.h"
#include "api/predict_frame.h"
#include "api/rows.h"
#include "api/text.h"
#include "engine/model.h"

/* A model by name and version or alias: "iris", "iris@3", "iris@production". */
struct model_ref {
    char name[JOB_NAME_MAX + 1];  /* "" when the request names none */
    int64_t version;              /* 0: what the alias says, or the latest */
    char alias[JOB_NAME_MAX + 1]; /* "" when it names none; "latest" is none */
};

/* Whether `alias` can be given to a version: [A-Za-z0-9][A-Za-z0-9._-]{0,127}, neither a
 * number nor "latest". */
bool model_alias_valid(const char *alias);

/* Parses "name", "name@version" or "name@alias". `where` is the place of the text, for
 * errors. */
bool model_ref_parse(const char *text, const char *where, struct model_ref *ref,
                     struct err *e) __attribute__((warn_unused_result));

/* Rows to predict. Those of numbers are scanned at once; others wait for the model, which
 * may know its columns, as the text that they are. */
struct predict_request {
    struct model_ref model;
    struct rows instances; /* owned; as many columns as the rows have */
    struct err
        not_numbers; /* why the instances are not rows of numbers, if they are not */
    const char *raw, *raw_end; /* the instances in the body, which is borrowed */
    bool flat;  /* they are numbers without a row: one row, or of one column each one */
    bool keyed; /* they are objects: the columns are in the order of their keys */
    bool csv;   /* they are CSV */
    enum csv_header header; /* theirs */
    /* What other dialects say: */
    unsigned allowed;  /* of instances.h; 0: JSON_CELL_MISSING */
    bool columnar;     /* the instances are by columns */
    const char *path;  /* where the instances stand; static storage; NULL: /instances */
    const char *names; /* an array of the columns' names, up to names_end, or NULL */
    const char *names_end;
    const char *names_path;            /* where it stands, or may; NULL: none may */
    const char *context, *context_end; /* what instances.h says; or NULL */
};
void predict_request_free(struct predict_request *request);

/* {"model":...,"instances":[[...],...]}. On an error *out holds nothing. */
bool predict_decode(const char *body, size_t n, struct predict_request *out,
                    struct err *e) __attribute__((warn_unused_result));

/* The same for a body of CSV, which waits for the model. `type` is its Content-Type. */
void predict_decode_csv(const char *body, size_t n, const char *type,
                        struct predict_request *out);

/* For a carve_hole, whose context is a request with its path and what is allowed: the
 * instances; the instances or an object of columns. */
bool predict_scan(void *request, struct cursor *c, const char *path, struct err *e)
    __attribute__((warn_unused_result));
bool predict_scan_columnar(void *request, struct cursor *c, const char *path,
                           struct err *e) __attribute__((warn_unused_result));

/* How many rows the request has; while they wait for the model, at most, if the rows are
 * alike. */
size_t predict_rows_bound(const struct predict_request *request);

enum { PREDICT_OUTPUTS_MAX = 1 << 24 }; /* rows times outputs of one request */

/* Makes request->instances the model's inputs: as they are where it takes numbers,
 * encoded where it knows its columns. ERR_INVALID names the instance; ERR_TOO_LARGE: more
 * comes out of them than PREDICT_OUTPUTS_MAX. */
bool predict_rows(struct predict_request *request, const struct model *model,
                  struct err *e) __attribute__((warn_unused_result));

/* The class that y (outputs) says; the first of equal ones. */
size_t predict_class(const struct model *model, const float *y);

/* A class's label as text: its own, or `number`, filled. */
enum { PREDICT_LABEL_BYTES = 40 };
const char *predict_label_text(const struct labels *labels, size_t index,
                               char number[PREDICT_LABEL_BYTES]);

/* ERR_NUMERIC where one of Y (m, outputs) is not finite, naming the row at `path`. */
bool predict_finite(const float *Y, size_t m, size_t outputs_n, const char *path,
                    struct err *e) __attribute__((warn_unused_result));

/* Lists of m elements from Y (m, outputs), which is finite: the predictions, each a value
 * or a class, or where there are several outputs or labels, a list of them; and the
 * outputs as they are, each a number, or a list where there are several. */
void predict_list_encode(const struct model *model, const float *Y, size_t m,
                         struct text *out);
void predict_outputs_encode(const struct model *model, const float *Y, size_t m,
                            struct text *out);

/* The answer from Y (m, outputs), in the frame that is the model's. false with
 * ERR_NUMERIC where a prediction is not finite, naming the row; ERR_NO_MEMORY. */
bool predict_encode(const struct model *model, const struct predict_frame *frame,
                    const float *Y, size_t m, struct text *out, struct err *e)
    __attribute__((warn_unused_result));

#endif
