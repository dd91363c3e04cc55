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

/* The loaded version behind (name, *version) that is not its model's latest; false: there
 * is none. */
static bool loaded_next(struct registry *r, char name[STORE_NAME_MAX], int64_t *version) {
    bool found = false;
    pthread_rwlock_rdlock(&r->lock);
    for (size_t i = registry_entry_index(r, name); i < r->entries_n && !found; i++) {
        const struct entry *entry = r->entries[i];
        int64_t behind = strcmp(entry->name, name) == 0 ? *version : 0, next = INT64_MAX;
        for (size_t v = 0; v < entry->versions_n; v++) {
            int64_t one = entry->versions[v]->served.version;
            if (one != entry->latest && one > behind && one < next)
                next = one;
        }
        found = next < INT64_MAX;
        if (found) {
            *version = next;
            snprintf(name, STORE_NAME_MAX, "%s", entry->name);
        }
    }
    pthread_rwlock_unlock(&r->lock);
    return found;
}

/* Drops the loaded versions that the store no longer has, deleted through another server,
 * and were not told of by the list of the latest. */
static bool versions_gone(struct registry *r, struct store *store, struct err *e) {
    char name[STORE_NAME_MAX] = "";
    for (int64_t version = 0; loaded_next(r, name, &version);) {
        bool there;
        if (!store_version_is_there(store, name, version, &there, e))
            return false;
        if (!there)
            registry_version_forget(r, name, version);
    }
    return true;
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
    return versions_gone(r, store, e) && registry_learn_aliases(r, store, e);
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
