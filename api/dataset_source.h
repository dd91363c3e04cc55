/* What is kept with each file of a dataset: how it was read, and its profile. */
#ifndef API_DATASET_SOURCE_H
#define API_DATASET_SOURCE_H

#include "api/profile.h"
#include "api/reader.h"

/* Zero-initialise; dataset_source_free. */
struct dataset_source {
    struct reader_found source;
    struct profile profile;
};
void dataset_source_free(struct dataset_source *part);

/* {"format","header","delimiter","gzipped","profile":{...}}, and back. */
void dataset_source_encode(const struct dataset_source *part, struct text *out);
bool dataset_source_decode(const char *json, struct dataset_source *part, struct err *e)
    __attribute__((warn_unused_result));

#endif
