/* Small tables to train on, the same in every run, as a job's `data` document. */
#ifndef TESTS_HTTP_TABLE_H
#define TESTS_HTTP_TABLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct table_random {
    uint64_t state;
};

/* Uniform in [0, 1), and normal with deviation 1. */
double table_uniform(struct table_random *random);
double table_normal(struct table_random *random);

/* The planar flower: m points (even) on petals of two interleaved classes, 0 and 1. */
json_t *table_planar(size_t m);

/* Size in square feet and bedrooms of m houses, and their price in dollars. */
json_t *table_prices(size_t m);
double table_price(double size, double bedrooms);

/* m points around `classes_n` corners of a polygon; the target is labels[class] (new
 * references are taken). */
json_t *table_blobs(size_t m, const json_t *labels);
void table_blob_centre(size_t class, size_t classes_n, double *x, double *y);

/* m points in a square with two labels each: right of the middle, above the middle. */
json_t *table_quadrants(size_t m);

/* {"model": model, "data": data, ...} with the members of `rest` (a json_pack'ed object,
 * or NULL); takes data and rest. */
json_t *table_job(const char *model, json_t *data, json_t *rest);

#endif
