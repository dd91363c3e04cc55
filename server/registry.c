#include "server/registry_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/model_file.h"
#include "engine/memory.h"

/* ---- references ----------------------------------------------------------------- */

static void tally_release(struct tally *t) {
    if (t && atomic_fetch_sub_explicit(&t->references, 1, memory_order_acq_rel) == 1)
        free(t);
}

void registry_loaded_release(struct loaded *l) {
    if (atomic_fetch_sub_explicit(&l->references, 1, memory_order_acq_rel) > 1)
        return;
    model_free(l->model);
    predict_frame_free(&l->frame);
    tally_release(l->tally);
    free(l);
}

void registry_release(const struct served *served) {
    registry_loaded_release((struct loaded *)(uintptr_t)served);
}

static const struct served *loaded_acquire(struct registry *r, struct loaded *l) {
    uint64_t tick = atomic_fetch_add_explicit(&r->ticks, 1, memory_order_relaxed);
    atomic_store_explicit(&l->used_at, tick, memory_order_relaxed);
    atomic_fetch_add_explicit(&l->references, 1, memory_order_relaxed);
    return &l->served;
}

/* ---- entries: the caller holds `lock` ------------------------------------------- */

size_t registry_entry_index(const struct registry *r, const char *name) {
    size_t low = 0, high = r->entries_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(r->entries[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct entry *registry_entry_find(const struct registry *r, const char *name) {
    size_t i = registry_entry_index(r, name);
    bool there = i < r->entries_n && strcmp(r->entries[i]->name, name) == 0;
    return there ? r->entries[i] : NULL;
}

struct entry *registry_entry_add(struct registry *r, const char *name) {
    size_t i = registry_entry_index(r, name);
    struct entry **grown = realloc(r->entries, (r->entries_n + 1) * sizeof *grown);
    struct entry *entry = calloc(1, sizeof *entry);
    if (grown)
        r->entries = grown;
    if (!grown || !entry) {
        free(entry);
        return NULL;
    }
    snprintf(entry->name, sizeof entry->name, "%s", name);
    memmove(&r->entries[i + 1], &r->entries[i], (r->entries_n - i) * sizeof *grown);
    r->entries[i] = entry;
    r->entries_n++;
    return entry;
}

struct loaded *registry_version_find(const struct entry *entry, int64_t version) {
    for (size_t i = 0; i < entry->versions_n; i++)
        if (entry->versions[i]->served.version == version)
            return entry->versions[i];
    return NULL;
}

/* The version's tally, with a reference for the caller; a new one where there is none. */
static struct tally *tally_take(struct entry *entry, int64_t version) {
    struct tally *t = NULL;
    for (size_t i = 0; i < entry->tallies_n && !t; i++)
        if (entry->tallies[i]->version == version)
            t = entry->tallies[i];
    if (!t) {
        struct tally **grown =
            realloc(entry->tallies, (entry->tallies_n + 1) * sizeof *grown);
        if (grown)
            entry->tallies = grown;
        t = grown ? memory_new(1, sizeof *t) : NULL;
        if (!t)
            return NULL;
        t->version = version;
        atomic_init(&t->references, 1);
        entry->tallies[entry->tallies_n++] = t;
    }
    atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed);
    return t;
}

static void tally_drop(struct entry *entry, int64_t version) {
    for (size_t i = 0; i < entry->tallies_n; i++) {
        if (entry->tallies[i]->version != version)
            continue;
        tally_release(entry->tallies[i]);
        entry->tallies[i] = entry->tallies[--entry->tallies_n];
        return;
    }
}

static void version_drop(struct registry *r, struct entry *entry, size_t i) {
    struct loaded *l = entry->versions[i];
    entry->versions[i] = entry->versions[--entry->versions_n];
    r->bytes -= l->bytes;
    registry_loaded_release(l);
}

void registry_entry_drop(struct registry *r, size_t i) {
    struct entry *entry = r->entries[i];
    while (entry->versions_n)
        version_drop(r, entry, entry->versions_n - 1);
    while (entry->tallies_n)
        tally_release(entry->tallies[--entry->tallies_n]);
    atomic_fetch_sub(&r->aside_n, entry->aside);
    free(entry->tallies);
    free(entry->versions);
    free(entry);
    memmove(&r->entries[i], &r->entries[i + 1],
            (--r->entries_n - i) * sizeof *r->entries);
}

/* Drops what was used longest ago until the rest fits; never `keep`. */
static void evict(struct registry *r, const struct loaded *keep) {
    while (r->bytes > r->memory_max) {
        struct entry *oldest_entry = NULL;
        size_t oldest = 0;
        uint64_t oldest_tick = UINT64_MAX;
        for (size_t i = 0; i < r->entries_n; i++) {
            for (size_t v = 0; v < r->entries[i]->versions_n; v++) {
                struct loaded *l = r->entries[i]->versions[v];
                uint64_t tick = atomic_load_explicit(&l->used_at, memory_order_relaxed);
                if (l != keep && tick < oldest_tick) {
                    oldest_tick = tick;
                    oldest_entry = r->entries[i];
                    oldest = v;
                }
            }
        }
        if (!oldest_entry)
            return;
        version_drop(r, oldest_entry, oldest);
        r->evictions++;
    }
}

static const struct model_ref *ref_or_default(const struct registry *r,
                                              const struct model_ref *ref) {
    return ref->name[0] ? ref : &r->by_default;
}

static struct loaded *version_wanted(const struct registry *r,
                                     const struct model_ref *asked) {
    const struct model_ref *ref = ref_or_default(r, asked);
    const struct entry *entry = ref->name[0]        ? registry_entry_find(r, ref->name)
                                : r->entries_n == 1 ? r->entries[0]
                                                    : NULL;
    if (!entry)
        return NULL;
    int64_t version = ref->alias[0]
                          ? alias_table_version(&r->aliases, entry->name, ref->alias)
                      : ref->version ? ref->version
                                     : entry->latest;
    return registry_version_find(entry, version);
}

/* ---- loading -------------------------------------------------------------------- */

const struct served *registry_acquire(struct registry *r, const struct model_ref *ref) {
    const struct served *served = NULL;
    pthread_rwlock_rdlock(&r->lock);
    struct loaded *l = version_wanted(r, ref);
    if (l)
        served = loaded_acquire(r, l);
    pthread_rwlock_unlock(&r->lock);
    return served;
}

/* Gives a version the counters of its kind. */
static bool tally_attach(struct registry *r, struct loaded *l, struct err *e) {
    pthread_rwlock_wrlock(&r->lock);
    struct entry *entry = registry_entry_find(r, l->name);
    if (!entry)
        entry = registry_entry_add(r, l->name);
    l->tally = entry ? tally_take(entry, l->served.version) : NULL;
    pthread_rwlock_unlock(&r->lock);
    if (!l->tally)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the model");
    l->served.usage = &l->tally->usage;
    return true;
}

struct loaded *registry_version_read(struct registry *r, struct store *store,
                                     const char *name, int64_t version, struct err *e) {
    struct store_version v;
    void *bytes = NULL;
    size_t n = 0;
    if (!store_version_get(store, name, version, &v, e))
        return NULL;
    struct model *model = NULL;
    if (store_blob_get(store, v.blob, &bytes, &n, e))
        model = model_file_decode(bytes, n, e);
    free(bytes);
    struct loaded *l = model && model_settle(model, e) ? calloc(1, sizeof *l) : NULL;
    if (l) {
        net_params_free(model->net); /* nobody asks for them here */
        l->model = model;
        atomic_init(&l->references, 1);
        snprintf(l->name, sizeof l->name, "%s", v.model);
        l->served = (struct served){l->name, v.version, model, &l->frame, NULL};
        if (!predict_frame_make(model, l->name, v.version, &l->frame, e) ||
            !tally_attach(r, l, e)) {
            registry_loaded_release(l);
            l = NULL;
        } else {
            l->bytes = inference_memory(model->net) + predict_frame_memory(&l->frame) +
                       sizeof *l;
        }
    } else {
        model_free(model);
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the model");
    }
    store_version_free(&v);
    return l;
}

bool registry_version_insert(struct registry *r, struct loaded *l, bool is_latest) {
    pthread_rwlock_wrlock(&r->lock);
    struct entry *entry = registry_entry_find(r, l->name);
    if (!entry)
        entry = registry_entry_add(r, l->name);
    if (entry && is_latest && l->served.version > entry->latest)
        entry->latest = l->served.version;
    bool there = entry && registry_version_find(entry, l->served.version);
    struct loaded **grown = NULL;
    if (entry && !there)
        grown = realloc(entry->versions, (entry->versions_n + 1) * sizeof *grown);
    if (grown) {
        entry->versions = grown;
        entry->versions[entry->versions_n++] = l;
        r->bytes += l->bytes;
        r->loads++;
        atomic_store(&l->used_at, atomic_fetch_add(&r->ticks, 1));
        evict(r, l);
    }
    pthread_rwlock_unlock(&r->lock);
    return grown;
}

static size_t models_count(struct registry *r) {
    pthread_rwlock_rdlock(&r->lock);
    size_t n = r->entries_n;
    pthread_rwlock_unlock(&r->lock);
    return n;
}

static int64_t alias_known(struct registry *r, const char *model, const char *alias) {
    pthread_rwlock_rdlock(&r->lock);
    int64_t version = alias_table_version(&r->aliases, model, alias);
    pthread_rwlock_unlock(&r->lock);
    return version;
}

/* From the alias to its version. What is learnt here is learnt for all: otherwise the
 * next request could be answered by the version that the alias has left. */
static bool alias_resolve(struct registry *r, struct store *store, struct model_ref *ref,
                          struct err *e) {
    struct store_alias found;
    if (!store_alias_get(store, ref->name, ref->alias, &found, e))
        return false;
    if (alias_known(r, ref->name, ref->alias) != found.version &&
        !registry_learn_aliases(r, store, e))
        return false;
    ref->version = found.version;
    ref->alias[0] = '\0';
    return true;
}

/* The name and version to load: without a name, the only model's. */
static bool wanted_resolve(struct registry *r, struct store *store,
                           const struct model_ref *ref, struct model_ref *wanted,
                           struct err *e) {
    *wanted = *ref_or_default(r, ref);
    if (wanted->name[0])
        return true;
    if (!registry_learn(r, store, e))
        return false;
    size_t n = models_count(r);
    if (!n)
        return err_set(e, ERR_INVALID, "/model",
                       "is missing, and there are no models yet");
    if (n > 1)
        return err_set(
            e, ERR_INVALID, "/model",
            "is missing: there are %zu models, so it, or --default-model, must "
            "name one",
            n);
    pthread_rwlock_rdlock(&r->lock);
    snprintf(wanted->name, sizeof wanted->name, "%s", r->entries[0]->name);
    pthread_rwlock_unlock(&r->lock);
    return true;
}

const struct served *registry_load(struct registry *r, struct store *store,
                                   const struct model_ref *ref, struct err *e) {
    struct model_ref wanted;
    pthread_mutex_lock(&r->loading);
    const struct served *served = NULL;
    if (wanted_resolve(r, store, ref, &wanted, e)) {
        served = registry_acquire(r, &wanted); /* another thread may have loaded it */
        bool found = served || !wanted.alias[0] || alias_resolve(r, store, &wanted, e);
        if (!served && found)
            served = registry_acquire(r, &wanted);
        struct loaded *l = !served && found ? registry_version_read(r, store, wanted.name,
                                                                    wanted.version, e)
                                            : NULL;
        if (l) {
            served = loaded_acquire(r, l);
            if (!registry_version_insert(r, l, !wanted.version))
                registry_loaded_release(l);
        }
    }
    pthread_mutex_unlock(&r->loading);
    return served;
}

/* ---- what there is -------------------------------------------------------------- */

void registry_version_forget(struct registry *r, const char *name, int64_t version) {
    pthread_rwlock_wrlock(&r->lock);
    struct entry *entry = registry_entry_find(r, name);
    for (size_t i = 0; entry && i < entry->versions_n; i++) {
        if (entry->versions[i]->served.version == version) {
            version_drop(r, entry, i);
            break;
        }
    }
    if (entry)
        tally_drop(entry, version);
    pthread_rwlock_unlock(&r->lock);
}

void registry_forget(struct registry *r, const char *name, int64_t version) {
    pthread_mutex_lock(&r->loading); /* a load that began before ends before */
    registry_version_forget(r, name, version);
    pthread_mutex_unlock(&r->loading);
}

bool registry_knows(struct registry *r, const char *name, int64_t version) {
    pthread_rwlock_rdlock(&r->lock);
    const struct entry *entry = registry_entry_find(r, name);
    bool knows = entry && entry->latest >= version;
    pthread_rwlock_unlock(&r->lock);
    return knows;
}

bool registry_put_aside(struct registry *r, const char *name, bool aside, struct err *e) {
    pthread_rwlock_wrlock(&r->lock);
    struct entry *entry = registry_entry_find(r, name);
    if (!entry && aside)
        entry = registry_entry_add(r, name);
    bool failed = !entry && aside;
    if (entry && entry->aside != aside) {
        entry->aside = aside;
        if (aside)
            atomic_fetch_add(&r->aside_n, 1);
        else
            atomic_fetch_sub(&r->aside_n, 1);
    }
    while (entry && aside && entry->versions_n)
        version_drop(r, entry, entry->versions_n - 1);
    pthread_rwlock_unlock(&r->lock);
    return !failed || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the model");
}

bool registry_is_aside(struct registry *r, const char *name) {
    if (!atomic_load_explicit(&r->aside_n, memory_order_relaxed))
        return false;
    pthread_rwlock_rdlock(&r->lock);
    const struct entry *entry = registry_entry_find(r, name);
    bool aside = entry && entry->aside;
    pthread_rwlock_unlock(&r->lock);
    return aside;
}

void registry_usage_each(struct registry *r, const char *name, registry_visit *visit,
                         void *context) {
    pthread_rwlock_rdlock(&r->lock);
    for (size_t i = 0; i < r->entries_n; i++) {
        const struct entry *entry = r->entries[i];
        if (name && strcmp(name, entry->name) != 0)
            continue;
        for (size_t t = 0; t < entry->tallies_n; t++)
            visit(context, entry->name, entry->tallies[t]->version,
                  &entry->tallies[t]->usage);
    }
    pthread_rwlock_unlock(&r->lock);
}

void registry_counts(struct registry *r, struct registry_counts *counts) {
    pthread_rwlock_rdlock(&r->lock);
    *counts = (struct registry_counts){.models = (int64_t)r->entries_n,
                                       .bytes = (int64_t)r->bytes,
                                       .loads = r->loads,
                                       .evictions = r->evictions};
    for (size_t i = 0; i < r->entries_n; i++)
        counts->loaded += (int64_t)r->entries[i]->versions_n;
    pthread_rwlock_unlock(&r->lock);
}

struct registry *registry_new(size_t memory_max, struct err *e) {
    struct registry *r = calloc(1, sizeof *r);
    if (!r) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the registry");
        return NULL;
    }
    r->memory_max = memory_max;
    pthread_mutex_init(&r->loading, NULL);
    pthread_rwlock_init(&r->lock, NULL);
    return r;
}

void registry_set_default(struct registry *r, const struct model_ref *ref) {
    r->by_default = *ref;
}

void registry_free(struct registry *r) {
    if (!r)
        return;
    while (r->entries_n)
        registry_entry_drop(r, r->entries_n - 1);
    free(r->entries);
    alias_table_free(&r->aliases);
    pthread_mutex_destroy(&r->loading);
    pthread_rwlock_destroy(&r->lock);
    free(r);
}
