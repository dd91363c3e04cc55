#include "server/job_source.h"

#include <stdio.h>

void job_source_free(struct job_source *source) {
    store_dataset_free(&source->stored);
    dataset_source_free(&source->rows);
    dataset_source_free(&source->targets);
}

bool job_source_load(struct store *store, const char *name, int64_t revision,
                     const char *where, struct job_source *source, struct err *e) {
    struct store_dataset *stored = &source->stored;
    if (!store_dataset_get(store, name, revision, stored, e)) {
        if (e->kind == ERR_NOT_FOUND)
            snprintf(e->where, sizeof e->where, "%s", where);
        return false;
    }
    bool apart = stored->parts[DATASET_TABLE].blob == 0;
    const struct store_part *rows =
        &stored->parts[apart ? DATASET_FEATURES : DATASET_TABLE];
    const struct store_part *targets = &stored->parts[DATASET_TARGETS];
    if (!rows->blob || (apart && !targets->blob))
        return err_set(e, ERR_CONFLICT, where, "\"%s\" has features or targets alone",
                       stored->name);
    if (!dataset_source_decode(rows->document, &source->rows, e) ||
        (apart && !dataset_source_decode(targets->document, &source->targets, e)))
        return false;
    source->rows_blob = rows->blob;
    source->targets_blob = apart ? targets->blob : 0;
    source->view = (struct job_dataset){
        .name = stored->name,
        .revision = stored->revision,
        .table = &source->rows.profile,
        .targets = apart ? &source->targets.profile : NULL,
        .source = source->rows.source,
        .targets_source = source->targets.source,
    };
    return true;
}
