/* The models in memory: what there is, which versions are loaded, who is using them.
 *
 * A loaded version is immutable and reference counted, so that publishing, deleting or
 * evicting never waits for a prediction. Any thread; the store is the calling thread's
 * own. */
#ifndef SERVER_REGISTRY_H
#define SERVER_REGISTRY_H

#include "api/predict.h"
#include "engine/model.h"
#include "server/store.h"
#include "server/usage.h"

struct registry;

/* A loaded version, acquired. */
struct served {
    const char *name;
    int64_t version;
    const struct model *model;
    const struct predict_frame *frame;
    struct usage *usage; /* the same however often the version is loaded */
};

/* Versions are kept loaded up to memory_max bytes; over it, the least recently used goes.
 */
struct registry *registry_new(size_t memory_max, struct err *e)
    __attribute__((warn_unused_result));
void registry_free(struct registry *r);

/* What a request that names no model means, instead of the only model. Once, before
 * requests come. */
void registry_set_default(struct registry *r, const struct model_ref *ref);

/* The version that is asked for (ref->name "": the default model's, or the only one's),
 * if it is loaded; NULL
 * when only the store can tell. Never waits. Release it. */
const struct served *registry_acquire(struct registry *r, const struct model_ref *ref);

/* The same, loading it from the store when need be; one load at a time. NULL with
 * ERR_NOT_FOUND, ERR_INVALID (no name, no default and not exactly one model),
 * ERR_STORAGE. */
const struct served *registry_load(struct registry *r, struct store *store,
                                   const struct model_ref *ref, struct err *e)
    __attribute__((warn_unused_result));

void registry_release(const struct served *served);

/* Learns from the store which models, loaded versions and aliases there are. A model of
 * which a version was loaded has its latest, and those that its aliases have moved to,
 * loaded before they take over here. */
bool registry_refresh(struct registry *r, struct store *store, struct err *e)
    __attribute__((warn_unused_result));

/* The same for the aliases alone. */
bool registry_refresh_aliases(struct registry *r, struct store *store, struct err *e)
    __attribute__((warn_unused_result));

/* Forgets a version that the store no longer has. Whoever has acquired it keeps it. */
void registry_forget(struct registry *r, const char *name, int64_t version);

/* Whether the registry knows a version of `name` of at least `version`. */
bool registry_knows(struct registry *r, const char *name, int64_t version);

/* Sets a model aside, or takes it back: its versions leave the memory, and
 * registry_is_aside says so until then. That is for those who ask; the model is loaded
 * again for whoever does not. */
bool registry_put_aside(struct registry *r, const char *name, bool aside, struct err *e)
    __attribute__((warn_unused_result));
bool registry_is_aside(struct registry *r, const char *name);

/* Calls `visit` for each version that has been loaded since the start, of the model
 * `name` or (NULL) of all, by name. It must not wait: the registry is held meanwhile. */
typedef void registry_visit(void *context, const char *name, int64_t version,
                            struct usage *usage);
void registry_usage_each(struct registry *r, const char *name, registry_visit *visit,
                         void *context);

struct registry_counts {
    int64_t models, loaded, bytes; /* now; bytes of those that are loaded */
    int64_t loads, evictions;      /* since the start; to make room, not by a deletion */
};
void registry_counts(struct registry *r, struct registry_counts *counts);

#endif
