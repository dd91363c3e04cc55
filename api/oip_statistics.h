/* The statistics extension of the Open Inference Protocol V2. Pure. */
#ifndef API_OIP_STATISTICS_H
#define API_OIP_STATISTICS_H

#include <stdint.h>

#include "api/text.h"

struct oip_duration {
    uint64_t count, ns;
};

/* Forward passes of a size. */
struct oip_batch {
    uint64_t rows;  /* of a pass */
    uint64_t count; /* passes */
    uint64_t input_ns, infer_ns, output_ns;
};

/* One version since the start of the server. */
struct oip_statistics {
    const char *name;
    int64_t version;
    int64_t last_ms; /* of the last request, since 1970; 0: there was none */
    uint64_t rows_n; /* predicted by requests that succeeded */
    struct oip_duration success, fail, queue;
    const struct oip_batch *batches; /* (batches_n), by size; borrowed */
    size_t batches_n;
};

/* One entry of {"model_stats":[...]}. */
void oip_statistics_open(struct text *out);
void oip_statistics_encode(const struct oip_statistics *of, struct text *out);
void oip_statistics_close(struct text *out);

#endif
