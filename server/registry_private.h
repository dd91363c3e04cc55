/* The registry's own: what it holds, and what registry_refresh.c needs of registry.c. */
#ifndef SERVER_REGISTRY_PRIVATE_H
#define SERVER_REGISTRY_PRIVATE_H

#include "server/registry.h"

#include <pthread.h>
#include <stdatomic.h>

#include "server/alias_table.h"

/* What a version's predictions cost: it outlives its stays in memory, and the model. */
struct tally {
    struct usage usage;
    int64_t version;
    atomic_int references; /* the entry's, and those of the loaded */
};

struct loaded {
    struct served served; /* first: a served pointer is a loaded pointer */
    struct tally *tally;
    atomic_int references;
    atomic_uint_fast64_t used_at; /* the registry's tick of its last use */
    size_t bytes;
    struct model *model;
    struct predict_frame frame;
    char name[STORE_NAME_MAX];
};

/* One model: its name, its latest version, and which versions are loaded. */
struct entry {
    char name[STORE_NAME_MAX];
    int64_t latest;
    struct loaded **versions;
    size_t versions_n;
    struct tally **tallies; /* of the versions that were ever loaded */
    size_t tallies_n;
    bool aside;
};

struct registry {
    size_t memory_max;
    struct model_ref by_default; /* no name: there is none */
    atomic_uint_fast64_t ticks;
    atomic_size_t aside_n;   /* models that are set aside: mostly none */
    pthread_mutex_t loading; /* one load or refresh at a time; before `lock` */
    pthread_rwlock_t lock;   /* guards what follows */
    struct entry **entries;  /* sorted by name */
    size_t entries_n;
    size_t bytes;
    int64_t loads, evictions;
    struct alias_table aliases;
};

/* Of the entries; the caller holds `lock`. Where `name` stands, or would; the entry, or
 * NULL; a new one, or NULL without memory. */
size_t registry_entry_index(const struct registry *r, const char *name);
struct entry *registry_entry_find(const struct registry *r, const char *name);
struct entry *registry_entry_add(struct registry *r, const char *name);
void registry_entry_drop(struct registry *r, size_t i);
struct loaded *registry_version_find(const struct entry *entry, int64_t version);

/* A version that the store no longer has. Takes `lock`; the caller holds `loading`. */
void registry_version_forget(struct registry *r, const char *name, int64_t version);

/* Reads a version (0: the latest) from the store; the caller's, with one reference. */
struct loaded *registry_version_read(struct registry *r, struct store *store,
                                     const char *name, int64_t version, struct err *e);
/* Puts a version in; takes the caller's reference when it says true. One that is there
 * already, loaded under its number before it was known to be the latest, stays. */
bool registry_version_insert(struct registry *r, struct loaded *l, bool is_latest);
void registry_loaded_release(struct loaded *l);

/* What there is, and the aliases alone; the caller holds `loading`. */
bool registry_learn(struct registry *r, struct store *store, struct err *e);
bool registry_learn_aliases(struct registry *r, struct store *store, struct err *e);

#endif
