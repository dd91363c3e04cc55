/* The model repository extension of the Open Inference Protocol V2: index, load, unload.
 * Pure. */
#ifndef API_OIP_REPOSITORY_H
#define API_OIP_REPOSITORY_H

#include <stdint.h>

#include "api/text.h"
#include "engine/err.h"

/* {"ready":true}, or an empty body: *ready is whether only those are wanted. */
bool oip_index_decode(const char *body, size_t n, bool *ready, struct err *e)
    __attribute__((warn_unused_result));

/* {"parameters":{...}}, or an empty body, of load or unload: what would change the model,
 * as another configuration, is refused. */
bool oip_load_decode(const char *body, size_t n, struct err *e)
    __attribute__((warn_unused_result));
bool oip_unload_decode(const char *body, size_t n, struct err *e)
    __attribute__((warn_unused_result));

/* One entry of the index's array. */
void oip_index_entry_encode(const char *name, int64_t version, bool unloaded,
                            struct text *out);

/* {"name":...,"load":true}, or "unload". */
void oip_loaded_encode(const char *name, const char *what, struct text *out);

#endif
