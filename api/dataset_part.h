/* What is kept with each file of a dataset: how it was read, and its profile. */
#ifndef API_DATASET_PART_H
#define API_DATASET_PART_H

#include "api/profile.h"
#include "api/reader.h"

/* Zero-initialise; dataset_part_free. */
struct dataset_part {
    struct reader_found source;
    struct profile profile;
};
void dataset_part_free(struct dataset_part *part);

/* {"format","header","delimiter","gzipped","profile":{...}}, and back. */
void dataset_part_encode(const struct dataset_part *part, struct text *out);
bool dataset_part_decode(const char *json, struct dataset_part *part, struct err *e)
    __attribute__((warn_unused_result));

#endif
