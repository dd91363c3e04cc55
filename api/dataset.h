/* The documents of datasets: what is kept with a part of one, and what a client sees.
 * Pure; any thread; strings are borrowed.
 *
 * A part's document is made once, when the file has been read, with what clients see
 * written out in it: a profile may hold tens of megabytes of values, which nothing has to
 * read again for that. */
#ifndef API_DATASET_H
#define API_DATASET_H

#include "api/profile.h"
#include "api/reader.h"

enum { DATASET_VALUES_SHOWN = 100, DATASET_COLUMNS_WITH_VALUES = 50 };

/* {"format","header","delimiter","gzipped","rows","columns","shown":{..},"profile":{..}}:
 * `header` and `delimiter` ("comma", "semicolon", "tab") are null unless it is CSV. */
void dataset_part_encode(const struct reader_found *found, const struct profile *profile,
                         struct text *out);

/* The counts of a part's document, of which the first 512 bytes are enough. */
struct dataset_counts {
    int64_t rows, columns;
};
bool dataset_counts_decode(const char *document, struct dataset_counts *counts,
                           struct err *e) __attribute__((warn_unused_result));

/* The profile in a part's document. */
bool dataset_profile_decode(const char *document, struct profile *profile, struct err *e)
    __attribute__((warn_unused_result));

/* "comma" is ','. */
bool dataset_delimiter_find(const char *name, char *delimiter);

struct dataset_part_view {
    int64_t bytes;
    const char *sha256, *document; /* NULL: the part is not there */
};
struct dataset_view {
    const char *name;
    int64_t revision, created_ms;
    struct dataset_part_view table, features, targets;
};

/* {"object":"dataset","name","revision","created_at","rows","bytes", ...}: a table's
 * members stand beside these, features and targets are objects of their own.
 * `all_values`: not only those that fit the eye. */
bool dataset_document_encode(const struct dataset_view *dataset, bool all_values,
                             struct text *out, struct err *e)
    __attribute__((warn_unused_result));

/* An element of the list: counts alone, and "parts" with the names of what is there. The
 * documents may be cut off as dataset_counts_decode allows. */
bool dataset_summary_encode(const struct dataset_view *dataset, struct text *out,
                            struct err *e) __attribute__((warn_unused_result));

#endif
