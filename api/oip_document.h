/* The small parts of an inference request, read through jansson: what is left of an input
 * without its data, and of a request without its inputs. Private to oip_request.c. */
#ifndef API_OIP_DOCUMENT_H
#define API_OIP_DOCUMENT_H

#include "api/oip_request.h"

struct oip_input_document {
    bool binary; /* the data is behind the document */
    size_t binary_n;
};

/* Sets t->name (of the arena) and t->type, *shape and *document. Errors at t->place. */
bool oip_input_decode(const char *text, size_t n, struct arena *arena, struct tensor *t,
                      struct tensor_shape *shape, struct oip_input_document *document,
                      struct err *e) __attribute__((warn_unused_result));

/* id, parameters, outputs; and model_name and model_version, which must be the path's. */
bool oip_request_document_decode(const char *text, size_t n, const struct oip_body *body,
                                 struct oip_request *request, struct err *e)
    __attribute__((warn_unused_result));

#endif
