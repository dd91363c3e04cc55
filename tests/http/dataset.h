/* Real tables from files, as the body of a job: CSV with a header line, or MNIST's
 * gzipped IDX. Rows are chosen by their numbers, so that a split needs no copy. */
#ifndef TESTS_HTTP_DATASET_H
#define TESTS_HTTP_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { DATASET_LABEL_BYTES = 32 };

struct dataset {
    size_t rows_n, columns_n; /* of features; the target is not among them */
    double *values;           /* (rows_n, columns_n), NAN where missing; owned */
    char (*labels)[DATASET_LABEL_BYTES]; /* (rows_n), as JSON: "setosa" in quotes, 7;
                                            owned */
};

/* The last column of the CSV is the label; a `?` or nothing is a missing number. */
bool dataset_read_csv(struct dataset *set, const char *folder, const char *name)
    __attribute__((warn_unused_result));
/* `prefix` is "train" or "t10k". */
bool dataset_read_mnist(struct dataset *set, const char *folder, const char *prefix)
    __attribute__((warn_unused_result));
void dataset_free(struct dataset *set);

/* Row numbers: a permutation from an .npy file of int64, or 0, 1, 2, ...; free() it. */
size_t *dataset_read_order(const char *folder, const char *name, size_t rows_n);
size_t *dataset_natural_order(size_t rows_n);

/* Puts the mean of the given rows in the place of each missing number of every row. */
void dataset_impute(struct dataset *set, const size_t *rows, size_t n);

/* Writes the features of the rows as a JSON array of arrays, and the labels as an array.
 */
void dataset_write_features(const struct dataset *set, const size_t *rows, size_t n,
                            FILE *out);
void dataset_write_labels(const struct dataset *set, const size_t *rows, size_t n,
                          FILE *out);

#endif
