/* A dataset's file as a job needs it: how it is read, and its profile. */
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

/* From the document that dataset_part_encode wrote. */
bool dataset_source_decode(const char *json, struct dataset_source *part, struct err *e)
    __attribute__((warn_unused_result));

#endif
