#include "api/version_image.h"

#include <stdlib.h>

#include "api/model_file.h"
#include "engine/finite.h"

void version_image_free(struct version_image *image) {
    free(image->file);
    free(image->facts);
    *image = (struct version_image){0};
}

bool version_image_make(const struct model *parts,
                        const struct version_training *training,
                        struct version_image *image, struct err *e) {
    const struct job_spec *spec = training->spec;
    struct model described = *parts; /* borrows all of it */
    struct text facts = {0};
    if (!finite_all(parts->net->params, parts->net->block_n))
        return err_set(e, ERR_RANGE, NULL, "the model's parameters are beyond float32");
    described.task = spec->task;
    described.loss = spec->loss;
    described.labels = spec->labels;
    /* Borrows all of it but a key that older servers refuse: the columns say the same. */
    struct job_spec told = *spec;
    told.table.unseen_refused = false;
    image->file = model_file_encode(&described, &told, &image->file_n, e);
    if (!image->file)
        return false;
    version_facts_encode(&described, training, &facts);
    image->facts = text_take(&facts);
    if (image->facts)
        return true;
    version_image_free(image);
    return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the document");
}
