/* All aliases of all models, as the store had them at one moment. Not thread-safe: its
 * owner, the registry, guards it. */
#ifndef SERVER_ALIAS_TABLE_H
#define SERVER_ALIAS_TABLE_H

#include "server/store.h"

/* Zero-initialise. */
struct alias_table {
    struct store_alias *aliases; /* (n), sorted by model, then alias; owned */
    size_t n;
};

/* Reads the store's aliases into a zeroed table. On an error it stays so. */
bool alias_table_read(struct alias_table *table, struct store *store, struct err *e)
    __attribute__((warn_unused_result));
void alias_table_free(struct alias_table *table);

/* The version that the alias points to; 0 when there is no such alias. */
int64_t alias_table_version(const struct alias_table *table, const char *model,
                            const char *alias);

#endif
