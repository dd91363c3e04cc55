#include "server/resume.h"

#include <stdlib.h>

#include "server/away.h"
#include "server/log.h"

void resume_free(struct resume *r) {
    checkpoint_free(&r->from);
    checkpoint_free(&r->best);
    free(r->from_bytes);
    free(r->best_bytes);
    *r = (struct resume){0};
}

/* Whether an error says nothing of what was to be read: it may be there the next time. */
static bool passes(enum err_kind kind) {
    return away_is(kind) || kind == ERR_NO_MEMORY;
}

/* *usable: its bytes are a checkpoint, and the log says why not. @return false when
 * nobody knows. */
static bool row_read(struct store *store, const struct store_checkpoint *row,
                     void **bytes, struct checkpoint *out, bool *usable, struct err *e) {
    struct err why = {0};
    size_t n;
    *usable = store_blob_get(store, row->blob, bytes, &n, &why) &&
              checkpoint_decode(*bytes, n, out, &why);
    if (*usable)
        return true;
    free(*bytes);
    *bytes = NULL;
    if (passes(why.kind))
        return err_set(e, why.kind, why.where, "%s", why.text);
    log_err(LOG_WARN, "a checkpoint cannot be read", &why);
    return true;
}

static bool newest_read(struct store *store, const struct store_checkpoint *list,
                        size_t n, struct resume *r, struct err *e) {
    for (size_t i = n; i-- > 0 && !r->found;) {
        if (!list[i].resumable)
            continue;
        if (!row_read(store, &list[i], &r->from_bytes, &r->from, &r->found, e))
            return false;
        r->number = list[i].number;
    }
    return true;
}

/* Without the best parameters, and past the pass that made them, nobody comes to them
 * again: then all is done from the beginning. */
static bool best_read(struct store *store, const char *job_id,
                      const struct store_checkpoint *list, size_t n, struct resume *r,
                      struct err *e) {
    size_t i = n;
    while (i > 0 && !list[i - 1].best)
        i--;
    if (i == 0 || list[i - 1].number == r->number)
        return true;
    bool usable;
    if (!row_read(store, &list[i - 1], &r->best_bytes, &r->best, &usable, e))
        return false;
    if (!usable && list[i - 1].epoch <= r->from.facts.position.epoch) {
        log_write(LOG_WARN, "the best parameters are lost: the job begins anew", "job",
                  LOG_TEXT(job_id), NULL);
        resume_free(r);
    }
    return true;
}

bool resume_load(struct store *store, const char *job_id, struct resume *r,
                 struct err *e) {
    struct store_checkpoint *list = NULL;
    size_t n = 0;
    if (!store_checkpoints(store, job_id, &list, &n, e))
        return false;
    bool ok = newest_read(store, list, n, r, e) &&
              (!r->found || best_read(store, job_id, list, n, r, e));
    free(list);
    return ok;
}
