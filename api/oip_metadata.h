/* What the Open Inference Protocol V2 tells of the server and of a model. Pure. */
#ifndef API_OIP_METADATA_H
#define API_OIP_METADATA_H

#include <stdint.h>

#include "api/text.h"
#include "engine/model.h"

void oip_server_encode(const char *version, struct text *out);

/* {"live":true}; with `ready`, {"live":true,"ready":true}. */
void oip_health_encode(bool ready, struct text *out);

/* {"name":...,"ready":true} */
void oip_ready_encode(const char *name, struct text *out);

/* Inputs and outputs of a model as inference takes and gives them; `versions` (n), the
 * newest first, as they come from a list. */
void oip_model_encode(const struct model *model, const char *name,
                      const int64_t *versions, size_t n, struct text *out);

#endif
