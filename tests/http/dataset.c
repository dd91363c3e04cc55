#include "tests/http/dataset.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LINE_BYTES = 4096 };

static bool dataset_allocate(struct dataset *set, size_t rows_n, size_t columns_n) {
    *set = (struct dataset){.rows_n = rows_n, .columns_n = columns_n};
    set->values = calloc(rows_n * columns_n, sizeof *set->values);
    set->labels = calloc(rows_n, sizeof *set->labels);
    return set->values && set->labels;
}

void dataset_free(struct dataset *set) {
    free(set->values);
    free(set->labels);
    *set = (struct dataset){0};
}

/* Lines and columns of a CSV file, the header counted. */
static void csv_measure(FILE *f, size_t *lines_n, size_t *columns_n) {
    char line[LINE_BYTES];
    *lines_n = 0;
    *columns_n = 1;
    while (fgets(line, sizeof line, f)) {
        for (const char *at = line; *lines_n == 0 && *at; at++)
            *columns_n += *at == ',';
        ++*lines_n;
    }
    rewind(f);
}

static bool csv_read_row(struct dataset *set, size_t row, char *line) {
    char *at = line;
    line[strcspn(line, "\r\n")] = '\0';
    for (size_t j = 0; j < set->columns_n; j++) {
        char *cell = strsep(&at, ","), *end;
        if (!at)
            return false;
        bool missing = *cell == '\0' || strcmp(cell, "?") == 0;
        set->values[row * set->columns_n + j] =
            missing ? (double)NAN : strtod(cell, &end);
    }
    char *end;
    strtod(at, &end);
    const char *quote = *end ? "\"" : "";
    int n = snprintf(set->labels[row], DATASET_LABEL_BYTES, "%s%s%s", quote, at, quote);
    return n > 0 && n < DATASET_LABEL_BYTES && !strchr(at, ',');
}

bool dataset_read_csv(struct dataset *set, const char *folder, const char *name) {
    char path[1024], line[LINE_BYTES];
    size_t lines_n, columns_n, row = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    csv_measure(f, &lines_n, &columns_n);
    bool ok = lines_n > 1 && columns_n > 1 &&
              dataset_allocate(set, lines_n - 1, columns_n - 1) &&
              fgets(line, sizeof line, f);
    while (ok && row < set->rows_n && fgets(line, sizeof line, f))
        ok = csv_read_row(set, row++, line);
    fclose(f);
    return ok && row == set->rows_n;
}

/* Reads an IDX file of bytes: its first dimension is rows_n, the others make one row. */
static uint8_t *idx_read(const char *folder, const char *name, size_t *rows_n,
                         size_t *row_n) {
    char path[1024];
    uint8_t head[4], dimension[4];
    uint8_t *bytes = NULL;
    snprintf(path, sizeof path, "%s/mnist/%s", folder, name);
    gzFile f = gzopen(path, "rb");
    if (!f)
        return NULL;
    *rows_n = 0;
    *row_n = 1;
    bool ok = gzread(f, head, 4) == 4 && head[2] == 8;
    for (int i = 0; ok && i < head[3]; i++) {
        ok = gzread(f, dimension, 4) == 4;
        size_t n = (size_t)dimension[0] << 24 | (size_t)dimension[1] << 16 |
                   (size_t)dimension[2] << 8 | dimension[3];
        if (i == 0)
            *rows_n = n;
        else
            *row_n *= n;
    }
    size_t n = *rows_n * *row_n;
    if (ok && n && (bytes = malloc(n)) && gzread(f, bytes, (unsigned)n) != (int)n) {
        free(bytes);
        bytes = NULL;
    }
    gzclose(f);
    return bytes;
}

bool dataset_read_mnist(struct dataset *set, const char *folder, const char *prefix) {
    char name[64];
    size_t images_n = 0, labels_n = 0, pixels_n = 0, one = 0;
    snprintf(name, sizeof name, "%s-images-idx3-ubyte.gz", prefix);
    uint8_t *pixels = idx_read(folder, name, &images_n, &pixels_n);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte.gz", prefix);
    uint8_t *digits = idx_read(folder, name, &labels_n, &one);
    bool ok = pixels && digits && images_n == labels_n && one == 1 &&
              dataset_allocate(set, images_n, pixels_n);
    for (size_t i = 0; ok && i < images_n * pixels_n; i++)
        set->values[i] = pixels[i];
    for (size_t i = 0; ok && i < images_n; i++)
        snprintf(set->labels[i], DATASET_LABEL_BYTES, "%d", digits[i]);
    free(pixels);
    free(digits);
    return ok;
}

size_t *dataset_natural_order(size_t rows_n) {
    size_t *rows = calloc(rows_n, sizeof *rows);
    for (size_t i = 0; rows && i < rows_n; i++)
        rows[i] = i;
    return rows;
}

/* An .npy file is a magic of six bytes, a version, the header's length, the header (read
 * over here: the layout is known), then the numbers. */
size_t *dataset_read_order(const char *folder, const char *name, size_t rows_n) {
    char path[1024];
    uint8_t head[10];
    size_t *rows = NULL;
    snprintf(path, sizeof path, "%s/splits/%s.perm.npy", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    if (fread(head, 1, 10, f) == 10 && memcmp(head, "\x93NUMPY\x01", 7) == 0 &&
        fseek(f, head[8] | head[9] << 8, SEEK_CUR) == 0)
        rows = calloc(rows_n, sizeof *rows);
    for (size_t i = 0; rows && i < rows_n; i++) {
        int64_t row = -1;
        if (fread(&row, sizeof row, 1, f) != 1 || row < 0 || (size_t)row >= rows_n) {
            free(rows);
            rows = NULL;
            break;
        }
        rows[i] = (size_t)row;
    }
    fclose(f);
    return rows;
}

void dataset_impute(struct dataset *set, const size_t *rows, size_t n) {
    for (size_t j = 0; j < set->columns_n; j++) {
        double sum = 0, known = 0;
        for (size_t i = 0; i < n; i++) {
            double value = set->values[rows[i] * set->columns_n + j];
            if (!isnan(value)) {
                sum += value;
                known++;
            }
        }
        for (size_t i = 0; i < set->rows_n; i++) {
            double *value = &set->values[i * set->columns_n + j];
            if (isnan(*value))
                *value = sum / known;
        }
    }
}

void dataset_write_features(const struct dataset *set, const size_t *rows, size_t n,
                            FILE *out) {
    for (size_t i = 0; i < n; i++) {
        const double *row = set->values + rows[i] * set->columns_n;
        fputs(i ? ",[" : "[[", out);
        for (size_t j = 0; j < set->columns_n; j++)
            fprintf(out, j ? ",%.9g" : "%.9g", row[j]);
        fputc(']', out);
    }
    fputc(']', out);
}

void dataset_write_labels(const struct dataset *set, const size_t *rows, size_t n,
                          FILE *out) {
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%c%s", i ? ',' : '[', set->labels[rows[i]]);
    fputc(']', out);
}
