#include "server/resume.h"

#include <stdlib.h>

#include "server/log.h"

void resume_free(struct resume *r) {
    checkpoint_free(&r->from);
    checkpoint_free(&r->best);
    free(r->from_bytes);
    free(r->best_bytes);
    *r = (struct resume){0};
}

/* false: the row's bytes cannot be used. */
static bool row_read(struct store *store, const struct store_checkpoint *row,
                     void **bytes, struct checkpoint *out) {
    struct err e = {0};
    size_t n;
    if (store_blob_get(store, row->blob, bytes, &n, &e) &&
        checkpoint_decode(*bytes, n, out, &e))
        return true;
    log_err(LOG_WARN, "a checkpoint cannot be read", &e);
    free(*bytes);
    *bytes = NULL;
    return false;
}

bool resume_load(struct store *store, const char *job_id, struct resume *r,
                 struct err *e) {
    struct store_checkpoint *list = NULL;
    size_t n = 0;
    if (!store_checkpoints(store, job_id, &list, &n, e))
        return false;
    for (size_t i = n; i-- > 0 && !r->found;) {
        r->found =
            list[i].resumable && row_read(store, &list[i], &r->from_bytes, &r->from);
        r->number = list[i].number;
    }
    bool beside = false;
    for (size_t i = n; r->found && i-- > 0 && !beside;)
        if ((beside = list[i].best) && list[i].number != r->number)
            (void)!row_read(store, &list[i], &r->best_bytes, &r->best);
    free(list);
    return true;
}
