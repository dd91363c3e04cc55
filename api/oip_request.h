/* Inference requests of the Open Inference Protocol V2: a JSON document, and behind it
 * the data of tensors as the binary tensor extension has it; or the bytes of one tensor
 * alone. Pure; any thread; one thread a request. */
#ifndef API_OIP_REQUEST_H
#define API_OIP_REQUEST_H

#include <stdint.h>

#include "api/oip_outputs.h"
#include "api/tensor.h"
#include "api/tensor_rows.h"
#include "engine/memory.h"

enum { OIP_INPUTS_MAX = 1 << 16, OIP_OUTPUTS_MAX = 64 };

/* An output as it is asked for. */
struct oip_wanted {
    const char *name;
    size_t classes_n; /* of the classification extension; 0: it is not asked for */
    bool binary;
    struct oip_output output; /* oip_request_bind's */
};

/* Zero-initialise; oip_request_free. */
struct oip_request {
    struct arena arena;     /* the texts */
    const char *id;         /* NULL: none came */
    const char *parameters; /* a JSON object; NULL: none came */
    int64_t timeout_us;     /* of its parameters; 0: none */
    bool binary_outputs;    /* unless an output says otherwise */
    struct tensor *inputs;  /* (inputs_n); owned */
    size_t inputs_n, inputs_room;
    struct tensor_block block;
    struct oip_wanted *outputs; /* (outputs_n); of the arena */
    size_t outputs_n;           /* 0: all that there are */
    const char *raw;            /* a body without a document, borrowed; or NULL */
    size_t raw_n, raw_first;    /* the latter as a tensor's */
    struct tensor_rows rows;    /* oip_request_rows' */
};
void oip_request_free(struct oip_request *request);

/* A body of which json_n bytes are the document; or (raw) none are, and it is the FP32
 * data of the model's only input. Nothing is copied but small texts and JSON's numbers.
 * `model` and `version` are those of the path, for documents that name them too; version
 * "" where the path has none. */
struct oip_body {
    const char *bytes;
    size_t n, json_n;
    bool raw;
    const char *model, *version;
};
bool oip_request_decode(const struct oip_body *body, struct oip_request *request,
                        struct err *e) __attribute__((warn_unused_result));

/* How many rows the request has at most, and of a body without a document how many
 * numbers: the model says how many rows that is. */
struct oip_size {
    size_t rows_max, numbers;
};
struct oip_size oip_request_size(const struct oip_request *request);

/* A body without a document in pieces: decoded of none of its bytes (bytes may be "", n
 * is the length to come), then bound to a piece after the other, each borrowed until the
 * next; request->rows are those of the last. Errors as oip_request_bind's, their places
 * counted from the first piece on. Bytes of a row; 0: that model needs a document. */
size_t oip_request_row_bytes(const struct model *model);
bool oip_request_bind_piece(struct oip_request *request, const struct model *model,
                            const struct tensor_piece *piece, struct err *e)
    __attribute__((warn_unused_result));

/* The model's inputs, in request->rows, and its outputs that are asked for. */
bool oip_request_bind(struct oip_request *request, const struct model *model,
                      struct err *e) __attribute__((warn_unused_result));

#endif
