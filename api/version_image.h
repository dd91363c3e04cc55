/* A version of a model in the making: its file, and what is kept beside it. Pure; any
 * thread. */
#ifndef API_VERSION_IMAGE_H
#define API_VERSION_IMAGE_H

#include "api/documents.h"

/* Zero-initialise; version_image_free. */
struct version_image {
    void *file; /* (file_n) bytes */
    size_t file_n;
    char *facts; /* version_facts_encode's object */
};
void version_image_free(struct version_image *image);

/* The net, transform and encoder are those of `parts`; task, loss and labels those of the
 * training's spec. ERR_NO_MEMORY, ERR_TOO_LARGE, ERR_RANGE: a parameter is beyond
 * float32. */
bool version_image_make(const struct model *parts,
                        const struct version_training *training,
                        struct version_image *image, struct err *e)
    __attribute__((warn_unused_result));

#endif
