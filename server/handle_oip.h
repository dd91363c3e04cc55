/* What the handlers of the Open Inference Protocol share. */
#ifndef SERVER_HANDLE_OIP_H
#define SERVER_HANDLE_OIP_H

#include "server/handlers.h"

/* The model of the path: a name, or name@version or name@alias; or a name, and a version
 * or an alias behind it. ERR_INVALID. */
bool oip_ref_read(const struct http_request *request, struct model_ref *ref,
                  struct err *e) __attribute__((warn_unused_result));

/* ERR_UNAVAILABLE for a model that was unloaded. */
bool oip_loaded_check(struct registry *registry, const struct model_ref *ref,
                      struct err *e) __attribute__((warn_unused_result));

/* The number of the version that is meant, from the store; ERR_NOT_FOUND. */
bool oip_version_find(struct store *store, const struct model_ref *ref, int64_t *version,
                      struct err *e) __attribute__((warn_unused_result));

#endif
