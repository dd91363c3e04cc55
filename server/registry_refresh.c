/* What the registry learns from the store: the models, their latest versions, aliases. */
#include "server/registry_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/log.h"

enum { LIST_PAGE = 1000 };

/* One model of the store's list: a new latest version is warmed before it takes over. */
static void model_seen(struct registry *r, struct store *store,
                       const struct store_version *v) {
    pthread_rwlock_rdlock(&r->lock);
    struct entry *entry = registry_entry_find(r, v->model);
    bool known = entry && entry->latest == v->version;
    bool warm =
        entry && !known && entry->versions_n && !registry_version_find(entry, v->version);
    pthread_rwlock_unlock(&r->lock);
    if (known)
        return;
    struct err e = {0};
    struct loaded *l =
        warm ? registry_version_read(r, store, v->model, v->version, &e) : NULL;
    if (l && !registry_version_insert(r, l, true))
        registry_loaded_release(l);
    if (warm && !l)
        log_err(LOG_ERROR, "a new version could not be loaded", &e);
    pthread_rwlock_wrlock(&r->lock);
    entry = registry_entry_find(r, v->model);
    if (!entry)
        entry = registry_entry_add(r, v->model);
    if (entry)
        entry->latest = v->version;
    pthread_rwlock_unlock(&r->lock);
}

/* Drops the models that the store no longer has: those before `next` in the order of
 * names and behind `previous`. NULL: the start, the end. */
static void models_gone(struct registry *r, const char *previous, const char *next) {
    pthread_rwlock_wrlock(&r->lock);
    size_t i = previous ? registry_entry_index(r, previous) : 0;
    if (previous && i < r->entries_n && strcmp(r->entries[i]->name, previous) == 0)
        i++;
    while (i < r->entries_n && (!next || strcmp(r->entries[i]->name, next) < 0))
        registry_entry_drop(r, i);
    pthread_rwlock_unlock(&r->lock);
}

/* An alias that has moved: where its model is in use, its version is warmed. */
static void alias_warm(struct registry *r, struct store *store,
                       const struct store_alias *alias) {
    pthread_rwlock_rdlock(&r->lock);
    const struct entry *entry = registry_entry_find(r, alias->model);
    bool moved =
        alias_table_version(&r->aliases, alias->model, alias->alias) != alias->version;
    bool warm = moved && entry && entry->versions_n &&
                !registry_version_find(entry, alias->version);
    pthread_rwlock_unlock(&r->lock);
    if (!warm)
        return;
    struct err e = {0};
    struct loaded *l = registry_version_read(r, store, alias->model, alias->version, &e);
    if (!l)
        log_err(LOG_ERROR, "the version of an alias could not be loaded", &e);
    else if (!registry_version_insert(r, l, false))
        registry_loaded_release(l);
}

bool registry_learn_aliases(struct registry *r, struct store *store, struct err *e) {
    struct alias_table fresh = {0};
    if (!alias_table_read(&fresh, store, e))
        return false;
    for (size_t i = 0; i < fresh.n; i++)
        alias_warm(r, store, &fresh.aliases[i]);
    pthread_rwlock_wrlock(&r->lock);
    struct alias_table stale = r->aliases;
    r->aliases = fresh;
    pthread_rwlock_unlock(&r->lock);
    alias_table_free(&stale);
    return true;
}

/* The loaded versions of a model but for its latest, ascending. */
struct others {
    char name[STORE_NAME_MAX];
    int64_t *versions;
    bool *there;
    size_t n;
};

static void others_free(struct others *o) {
    free(o->versions);
    free(o->there);
    o->versions = NULL;
    o->there = NULL;
    o->n = 0;
}

static int ascending(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* Mostly none: the latest is what is asked for. */
static bool others_has(const struct entry *entry) {
    bool has = false;
    for (size_t i = 0; i < entry->versions_n; i++)
        has |= entry->versions[i]->served.version != entry->latest;
    return has;
}

/* @return false: no memory. */
static bool others_copy(struct others *o, const struct entry *entry) {
    snprintf(o->name, sizeof o->name, "%s", entry->name);
    o->versions = calloc(entry->versions_n, sizeof *o->versions);
    o->there = calloc(entry->versions_n, sizeof *o->there);
    if (!o->versions || !o->there)
        return false;
    for (size_t i = 0; i < entry->versions_n; i++)
        if (entry->versions[i]->served.version != entry->latest)
            o->versions[o->n++] = entry->versions[i]->served.version;
    qsort(o->versions, o->n, sizeof *o->versions, ascending);
    return true;
}

/* Those of the first model behind o->name that has any; o->n 0: there is none. */
static bool others_next(struct registry *r, struct others *o, struct err *e) {
    bool ok = true;
    pthread_rwlock_rdlock(&r->lock);
    size_t i = registry_entry_index(r, o->name);
    if (i < r->entries_n && strcmp(r->entries[i]->name, o->name) == 0)
        i++;
    for (; ok && !o->n && i < r->entries_n; i++) {
        if (!others_has(r->entries[i]))
            continue;
        others_free(o);
        ok = others_copy(o, r->entries[i]);
    }
    pthread_rwlock_unlock(&r->lock);
    return ok || err_set(e, ERR_NO_MEMORY, NULL, "no memory to look at the versions");
}

/* Drops the loaded versions that the store no longer has, deleted through another server:
 * of the latest alone the list has told. */
static bool versions_gone(struct registry *r, struct store *store, struct err *e) {
    struct others o = {.n = 0};
    bool ok;
    while ((ok = others_next(r, &o, e)) && o.n) {
        ok = store_versions_there(store, o.name, o.versions, o.n, o.there, e);
        for (size_t i = 0; ok && i < o.n; i++)
            if (!o.there[i])
                registry_version_forget(r, o.name, o.versions[i]);
        others_free(&o);
        if (!ok)
            break;
    }
    others_free(&o);
    return ok;
}

bool registry_learn(struct registry *r, struct store *store, struct err *e) {
    char previous[STORE_NAME_MAX] = "";
    for (bool more = true; more;) {
        struct store_version *list = NULL;
        size_t n = 0;
        if (!store_versions_list(store, NULL, previous[0] ? previous : NULL, LIST_PAGE,
                                 &list, &n, &more, e))
            return false;
        for (size_t i = 0; i < n; i++) {
            models_gone(r, previous[0] ? previous : NULL, list[i].model);
            model_seen(r, store, &list[i]);
            snprintf(previous, sizeof previous, "%s", list[i].model);
            store_version_free(&list[i]);
        }
        free(list);
    }
    models_gone(r, previous[0] ? previous : NULL, NULL);
    return registry_learn_aliases(r, store, e) && versions_gone(r, store, e);
}

bool registry_refresh(struct registry *r, struct store *store, struct err *e) {
    pthread_mutex_lock(&r->loading);
    bool ok = registry_learn(r, store, e);
    pthread_mutex_unlock(&r->loading);
    return ok;
}

bool registry_refresh_aliases(struct registry *r, struct store *store, struct err *e) {
    pthread_mutex_lock(&r->loading);
    bool ok = registry_learn_aliases(r, store, e);
    pthread_mutex_unlock(&r->loading);
    return ok;
}
