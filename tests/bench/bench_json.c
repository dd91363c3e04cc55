/* How fast numbers come out of JSON and go into it, beside jansson and the C library. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/number.h"
#include "api/rows.h"

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t random_state = 0x9e3779b97f4a7c15;
static uint64_t random_next(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1d;
}
static float random_float(void) {
    return (float)(random_next() >> 40) * 0x1p-24F;
}

/* [[...],...] of numbers in [0, 1); NUL-terminated for strtof. */
static char *body_new(size_t rows_n, size_t columns_n, const char *format, size_t *n) {
    char *body = malloc(rows_n * columns_n * 16 + rows_n * 2 + 3);
    if (!body)
        exit(1);
    size_t used = 0;
    for (size_t row = 0; row < rows_n; row++) {
        body[used++] = row ? ',' : '[';
        for (size_t column = 0; column < columns_n; column++) {
            body[used++] = column ? ',' : '[';
            used += (size_t)sprintf(body + used, format, (double)random_float());
        }
        body[used++] = ']';
    }
    body[used++] = ']';
    body[used] = 0;
    *n = used;
    return body;
}

static volatile float sink;

static void run_rows(const char *body, size_t n) {
    struct cursor c = {body, body, body + n};
    struct rows rows = {0};
    struct err e = {0};
    if (!rows_scan(&c, 0, "/instances", &rows, &e)) {
        fprintf(stderr, "%s: %s\n", e.where, e.text);
        exit(1);
    }
    sink = rows.values[rows.rows_n * rows.columns_n - 1];
    rows_free(&rows);
}

static void run_jansson(const char *body, size_t n) {
    json_t *root = json_loadb(body, n, 0, NULL);
    if (!root)
        exit(1);
    json_decref(root);
}

static void run_strtof(const char *body, size_t n) {
    (void)n;
    float sum = 0;
    for (char *p = (char *)(uintptr_t)body; *p;) {
        if (*p == '[' || *p == ']' || *p == ',')
            p++;
        else
            sum += strtof(p, &p);
    }
    sink = sum;
}

/* The best of several rounds of at least 0.1 s, in MB/s. */
static double measure(void (*run)(const char *body, size_t n), const char *body,
                      size_t n) {
    double best = 0;
    for (int round = 0; round < 5; round++) {
        double from = seconds_now(), taken;
        size_t bytes = 0;
        do {
            run(body, n);
            bytes += n;
            taken = seconds_now() - from;
        } while (taken < 0.1);
        double rate = (double)bytes / taken / 1e6;
        best = rate > best ? rate : best;
    }
    return best;
}

static void bench_scan(size_t rows_n, size_t columns_n, const char *format) {
    size_t n;
    char *body = body_new(rows_n, columns_n, format, &n);
    printf("scan %5zu x %3zu %s (%4.1f MB): rows_scan %4.0f MB/s, strtof %4.0f, jansson "
           "%4.0f\n",
           rows_n, columns_n, format, (double)n / 1e6, measure(run_rows, body, n),
           measure(run_strtof, body, n), measure(run_jansson, body, n));
    free(body);
}

enum { PRINT_N = 1000000 };

static size_t print_ours(float value, char *text) {
    return number_print_float(value, text);
}
static size_t print_library(float value, char *text) {
    return (size_t)snprintf(text, NUMBER_TEXT_MAX, "%.9g", (double)value);
}

/* Million floats a second, best of three. */
static double measure_print(size_t (*print)(float value, char *text),
                            const float *values) {
    double best = 0;
    for (int round = 0; round < 3; round++) {
        char text[NUMBER_TEXT_MAX];
        size_t bytes = 0;
        double from = seconds_now();
        for (size_t i = 0; i < PRINT_N; i++)
            bytes += print(values[i], text);
        double rate = PRINT_N / (seconds_now() - from) / 1e6;
        sink = (float)bytes;
        best = rate > best ? rate : best;
    }
    return best;
}

static void bench_print(void) {
    float *values = malloc(PRINT_N * sizeof *values);
    if (!values)
        exit(1);
    for (size_t i = 0; i < PRINT_N; i++)
        values[i] = random_float();
    printf("print %d floats: number_print_float %.1f million/s, %%.9g %.1f million/s\n",
           PRINT_N, measure_print(print_ours, values),
           measure_print(print_library, values));
    free(values);
}

int main(void) {
    bench_scan(100, 784, "%.6g");
    bench_scan(10000, 16, "%.6g");
    bench_scan(10000, 16, "%.9g");
    bench_print();
    return 0;
}
