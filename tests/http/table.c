#include "tests/http/table.h"

#include <math.h>

double table_uniform(struct table_random *random) {
    /* The top bits of a 64-bit linear congruential generator (Knuth's MMIX). */
    random->state = random->state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random->state >> 11) * 0x1p-53;
}

double table_normal(struct table_random *random) {
    double radius = sqrt(-2 * log(1 - table_uniform(random)));
    return radius * cos(2 * M_PI * table_uniform(random));
}

static json_t *row_of(double a, double b) {
    return json_pack("[ff]", a, b);
}

static json_t *data_of(json_t *features, json_t *targets) {
    return json_pack("{soso}", "features", features, "targets", targets);
}

json_t *table_planar(size_t m) {
    struct table_random random = {1};
    json_t *features = json_array(), *targets = json_array();
    size_t half = m / 2;
    for (size_t i = 0; i < 2 * half; i++) {
        size_t class = i / half;
        double along = (double)(i % half) / (double)half;
        double angle = ((double)class + along) * 3.12 + 0.2 * table_normal(&random);
        double radius = 4 * sin(4 * angle) + 0.2 * table_normal(&random);
        json_array_append_new(features, row_of(radius * sin(angle), radius * cos(angle)));
        json_array_append_new(targets, json_integer((json_int_t) class));
    }
    return data_of(features, targets);
}

double table_price(double size, double bedrooms) {
    return 45000 + 131.5 * size + 8250 * bedrooms;
}

json_t *table_prices(size_t m) {
    struct table_random random = {2};
    json_t *features = json_array(), *targets = json_array();
    for (size_t i = 0; i < m; i++) {
        double size = 800 + floor(3600 * table_uniform(&random));
        double bedrooms = 1 + floor(5 * table_uniform(&random));
        double price = table_price(size, bedrooms) + 5000 * table_normal(&random);
        json_array_append_new(features, row_of(size, bedrooms));
        json_array_append_new(targets, json_real(floor(price)));
    }
    return data_of(features, targets);
}

void table_blob_centre(size_t class, size_t classes_n, double *x, double *y) {
    double angle = 2 * M_PI * (double)class / (double)classes_n;
    *x = 3 * cos(angle);
    *y = 3 * sin(angle);
}

json_t *table_blobs(size_t m, const json_t *labels) {
    struct table_random random = {3};
    json_t *features = json_array(), *targets = json_array();
    size_t classes_n = json_array_size(labels);
    for (size_t i = 0; i < m; i++) {
        double x, y;
        size_t class = i % classes_n;
        table_blob_centre(class, classes_n, &x, &y);
        x += 0.5 * table_normal(&random);
        y += 0.5 * table_normal(&random);
        json_array_append_new(features, row_of(x, y));
        json_array_append(targets, json_array_get(labels, class));
    }
    return data_of(features, targets);
}

json_t *table_quadrants(size_t m) {
    struct table_random random = {4};
    json_t *features = json_array(), *targets = json_array();
    for (size_t i = 0; i < m; i++) {
        double x = 2 * table_uniform(&random) - 1, y = 2 * table_uniform(&random) - 1;
        json_array_append_new(features, row_of(x, y));
        json_array_append_new(targets, json_pack("[ii]", x > 0, y > 0));
    }
    return data_of(features, targets);
}

json_t *table_job(const char *model, json_t *data, json_t *rest) {
    json_t *job = json_pack("{ssso}", "model", model, "data", data);
    if (rest)
        json_object_update(job, rest);
    json_decref(rest);
    return job;
}
