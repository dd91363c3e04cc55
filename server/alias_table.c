#include "server/alias_table.h"

#include <stdlib.h>
#include <string.h>

static int order(const char *model, const char *alias, const struct store_alias *with) {
    int models = strcmp(model, with->model);
    return models ? models : strcmp(alias, with->alias);
}

static int compare(const void *a, const void *b) {
    const struct store_alias *left = a;
    return order(left->model, left->alias, b);
}

bool alias_table_read(struct alias_table *table, struct store *store, struct err *e) {
    if (!store_aliases(store, NULL, &table->aliases, &table->n, e))
        return false;
    /* In the order of bytes, whatever order a database's collation has them in. */
    if (table->n)
        qsort(table->aliases, table->n, sizeof *table->aliases, compare);
    return true;
}

void alias_table_free(struct alias_table *table) {
    free(table->aliases);
    *table = (struct alias_table){0};
}

int64_t alias_table_version(const struct alias_table *table, const char *model,
                            const char *alias) {
    size_t low = 0, high = table->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int side = order(model, alias, &table->aliases[middle]);
        if (!side)
            return table->aliases[middle].version;
        if (side > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}
