#include "api/label_index.h"

#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"

static int entries_compare(const void *a, const void *b) {
    const struct label_entry *x = a, *y = b;
    if (x->text && y->text)
        return strcmp(x->text, y->text);
    if (x->text || y->text)
        return x->text ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

bool label_index_init(struct label_index *index, const struct labels *labels,
                      struct err *e) {
    *index = (struct label_index){.n = labels->n};
    index->entries = memory_new(labels->n, sizeof *index->entries);
    if (!index->entries)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu labels", labels->n);
    for (size_t i = 0; i < labels->n; i++)
        index->entries[i] =
            (struct label_entry){labels->strings ? 0 : labels->numbers[i],
                                 labels->strings ? labels->strings[i] : NULL, (int32_t)i};
    qsort(index->entries, index->n, sizeof *index->entries, entries_compare);
    return true;
}

void label_index_free(struct label_index *index) {
    free(index->entries);
    *index = (struct label_index){0};
}

int32_t label_index_find(const struct label_index *index, const char *text,
                         double number) {
    struct label_entry key = {number, text, -1};
    const struct label_entry *at =
        bsearch(&key, index->entries, index->n, sizeof *index->entries, entries_compare);
    return at ? at->index : -1;
}

bool labels_copy(const struct labels *from, struct labels *out, struct err *e) {
    *out = (struct labels){.kind = from->kind};
    bool ok = true;
    if (from->strings) {
        out->strings = memory_new(from->n, sizeof *out->strings);
        for (; out->strings && ok && out->n < from->n; out->n += ok)
            ok = (out->strings[out->n] = strdup(from->strings[out->n]));
    } else {
        out->numbers = memory_new(from->n, sizeof *out->numbers);
        if (out->numbers && from->n)
            memcpy(out->numbers, from->numbers, from->n * sizeof *out->numbers);
        out->n = from->n;
    }
    if (ok && (out->strings || out->numbers))
        return true;
    if (!out->strings)
        out->n = 0;
    labels_free(out);
    return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu labels", from->n);
}
