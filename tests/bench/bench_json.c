/* How fast numbers come out of JSON and go into it, beside other libraries: on the same
 * bodies, in turn, by the time of this thread alone. A figure is the median of the
 * rounds; ratios are the rounds' own, with the least and the greatest. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/number.h"
#include "api/predict.h"
#include "api/rows_private.h"
#include "tests/bench/json_peers.h"
#include "tests/random.h"

enum { ROUNDS_MAX = 101, RUNNERS_MAX = 8 };
static int rounds_n = 21;
static const double round_seconds = 0.01;

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *memory(size_t n) {
    void *p = calloc(n ? n : 1, 1);
    if (!p)
        exit(1);
    return p;
}

static void fail(const char *what) {
    fprintf(stderr, "bench_json: %s\n", what);
    exit(1);
}

static volatile double sink;

/* ---- rounds --------------------------------------------------------------------- */

/* Something to be timed; `work` is what a run gets through, in the unit of the rate. */
struct runner {
    const char *name;
    void (*run)(void *context);
    void *context;
    double work;
    double rates[ROUNDS_MAX]; /* a second */
};

static void runner_round(struct runner *r, int round) {
    r->run(r->context); /* what the others left in the caches is not measured */
    double from = seconds_now(), taken;
    size_t runs_n = 0, more = 1;
    do {
        for (size_t i = 0; i < more; i++)
            r->run(r->context);
        runs_n += more;
        more = runs_n; /* the clock costs as much as a short run */
        taken = seconds_now() - from;
    } while (taken < round_seconds);
    r->rates[round] = r->work * (double)runs_n / taken;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, double *least, double *greatest) {
    double sorted[ROUNDS_MAX];
    size_t n = (size_t)rounds_n;
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    *least = sorted[0];
    *greatest = sorted[n - 1];
    return sorted[n / 2];
}

/* Each in turn, round by round; the first is ours. */
static void runners_run(struct runner *runners, size_t n, const char *unit) {
    for (int round = 0; round < rounds_n; round++)
        for (size_t i = 0; i < n; i++)
            runner_round(&runners[i], round);
    for (size_t i = 0; i < n; i++) {
        double least, greatest, ratios[ROUNDS_MAX];
        double rate = median(runners[i].rates, &least, &greatest);
        printf("  %-22s %8.*f %s (%.*f to %.*f)", runners[i].name, rate < 100, rate, unit,
               least < 100, least, greatest < 100, greatest);
        for (int round = 0; round < rounds_n; round++)
            ratios[round] = runners[0].rates[round] / runners[i].rates[round];
        rate = median(ratios, &least, &greatest);
        if (i > 0)
            printf(", ours x %.2f (%.2f to %.2f)", rate, least, greatest);
        printf("\n");
    }
}

/* ---- bodies --------------------------------------------------------------------- */

struct body {
    char *bytes;
    size_t n;
    float *values; /* as many as fit */
};

enum style { SHORT, LONG, SPACED, BYTES, TENTHS };

static int number_write(enum style style, char *to) {
    double x = random_unit();
    switch (style) {
    case SHORT:
        return sprintf(to, "%.6g", (double)(float)x);
    case LONG:
    case SPACED:
        return sprintf(to, "%.17g", x);
    case BYTES:
        return sprintf(to, "%d", x < 0.75 ? 0 : (int)(random_next() >> 56));
    case TENTHS:
        break;
    }
    return sprintf(to, "%.1f", 8 * x);
}

static struct body body_new(size_t rows_n, size_t columns_n, enum style style) {
    struct body b = {.bytes = memory(rows_n * columns_n * 28 + rows_n * 4 + 64)};
    const char *space = style == SPACED ? " " : "";
    size_t n = (size_t)sprintf(b.bytes, "{\"model\":\"m784\",\"instances\":[");
    for (size_t row = 0; row < rows_n; row++) {
        n += (size_t)sprintf(b.bytes + n, row ? ",%s[" : "[", space);
        for (size_t column = 0; column < columns_n; column++) {
            n += (size_t)sprintf(b.bytes + n, "%s%s", column ? "," : "",
                                 column ? space : "");
            n += (size_t)number_write(style, b.bytes + n);
        }
        b.bytes[n++] = ']';
    }
    b.n = n + (size_t)sprintf(b.bytes + n, "]}");
    /* Of its own size, so that the padding is the peer's. */
    char *exact = memory(b.n + PEER_PADDING);
    memcpy(exact, b.bytes, b.n);
    free(b.bytes);
    b.bytes = exact;
    b.values = memory(b.n * sizeof *b.values);
    return b;
}

static void body_free(struct body *b) {
    free(b->bytes);
    free(b->values);
}

static void run_decode(void *context) {
    const struct body *b = context;
    struct predict_request request;
    struct err e = {0};
    if (!predict_decode(b->bytes, b->n, &request, &e))
        fail(e.text);
    sink = (double)request.instances.values[0];
    predict_request_free(&request);
}

static void run_strictly(void *context) {
    const struct body *b = context;
    const char *at = memchr(b->bytes, '[', b->n);
    struct cursor c = {b->bytes, at, b->bytes + b->n};
    struct rows rows = {0};
    struct err e = {0};
    if (!rows_scan_strictly(&c, (struct rows_form){0}, "/instances", &rows, &e))
        fail(e.text);
    rows_free(&rows);
}

static void run_simdjson(void *context) {
    const struct body *b = context;
    if (!peer_simdjson(b->bytes, b->n, b->values))
        fail("simdjson refuses a body");
}

static void run_jansson(void *context) {
    const struct body *b = context;
    json_t *root = json_loadb(b->bytes, b->n, 0, NULL), *row, *value;
    size_t i, j, n = 0;
    json_array_foreach(json_object_get(root, "instances"), i, row)
        json_array_foreach(row, j, value)
            b->values[n++] = (float)json_number_value(value);
    if (!n)
        fail("jansson refuses a body");
    json_decref(root);
}

static void run_strtof(void *context) {
    const struct body *b = context;
    char *p = memchr(b->bytes, '[', b->n);
    float sum = 0;
    while (*p) { /* the padding is zero */
        if ((*p >= '0' && *p <= '9') || *p == '-')
            sum += strtof(p, &p);
        else
            p++;
    }
    sink = (double)sum;
}

static void bench_scan(const char *name, size_t rows_n, size_t columns_n,
                       enum style style) {
    struct body b = body_new(rows_n, columns_n, style);
    double megabytes = (double)b.n / 1e6;
    struct runner runners[] = {{"ours", run_decode, &b, megabytes, {0}},
                               {"ours, one at a time", run_strictly, &b, megabytes, {0}},
                               {"simdjson on demand", run_simdjson, &b, megabytes, {0}},
                               {"strtof", run_strtof, &b, megabytes, {0}},
                               {"jansson", run_jansson, &b, megabytes, {0}}};
    printf("%s: %zu x %zu, %.2f MB\n", name, rows_n, columns_n, megabytes);
    runners_run(runners, sizeof runners / sizeof *runners, "MB/s");
    body_free(&b);
}

static struct body named_new(size_t rows_n, size_t columns_n) {
    struct body b = {.bytes = memory(rows_n * columns_n * 40 + PEER_PADDING + 64)};
    size_t n = (size_t)sprintf(b.bytes, "{\"model\":\"m784\",\"instances\":[");
    for (size_t i = 0; i < rows_n * columns_n; i++) {
        size_t column = i % columns_n;
        n += (size_t)sprintf(b.bytes + n, "%s\"column_%zu\":%.6g",
                             column ? ","
                             : i    ? "},{"
                                    : "{",
                             column, random_unit());
    }
    b.n = n + (size_t)sprintf(b.bytes + n, "}]}");
    b.values = memory(b.n * sizeof *b.values);
    return b;
}

static void run_simdjson_named(void *context) {
    const struct body *b = context;
    if (!peer_simdjson_named(b->bytes, b->n, b->values))
        fail("simdjson refuses a body");
}

static void bench_named(const char *name, size_t rows_n, size_t columns_n) {
    struct body b = named_new(rows_n, columns_n);
    double megabytes = (double)b.n / 1e6;
    struct runner runners[] = {
        {"ours", run_decode, &b, megabytes, {0}},
        {"simdjson on demand", run_simdjson_named, &b, megabytes, {0}}};
    printf("%s: %zu x %zu, %.2f MB\n", name, rows_n, columns_n, megabytes);
    runners_run(runners, sizeof runners / sizeof *runners, "MB/s");
    body_free(&b);
}

/* ---- rows with texts ------------------------------------------------------------ */

enum { MIXED_COLUMNS = 8, COLORS_N = 5 }; /* every other column is a colour */
static char *const colors[COLORS_N] = {"blue", "green", "orange", "red", "violet"};

struct mixed {
    struct body body;
    struct model model;
    struct encoder_column columns[MIXED_COLUMNS];
    char names[MIXED_COLUMNS][16];
};

static void mixed_model(struct mixed *m) {
    struct layer_shape shape = {.units_n = 1};
    struct err e = {0};
    for (size_t i = 0; i < MIXED_COLUMNS; i++) {
        snprintf(m->names[i], sizeof m->names[i], "column_%zu", i);
        m->columns[i] = (struct encoder_column){.name = m->names[i]};
        if (i % 2 == 0)
            continue;
        m->columns[i].kind = ENCODER_CATEGORY;
        m->columns[i].categories = (char **)colors;
        m->columns[i].categories_n = COLORS_N;
    }
    struct encoder *encoder = &m->model.encoder;
    *encoder = (struct encoder){.columns = m->columns, .columns_n = MIXED_COLUMNS};
    if (encoder_layout(encoder, &e))
        m->model.net = net_new(encoder->inputs_n, &shape, 1, &e);
    if (!m->model.net)
        fail(e.text);
}

static void mixed_body(struct mixed *m, size_t rows_n, bool named) {
    char *bytes = memory(rows_n * MIXED_COLUMNS * 40 + 64);
    size_t n = (size_t)sprintf(bytes, "{\"instances\":[");
    for (size_t i = 0; i < rows_n * MIXED_COLUMNS; i++) {
        size_t column = i % MIXED_COLUMNS;
        if (column == 0)
            n += (size_t)sprintf(bytes + n, "%s%c", i ? "," : "", named ? '{' : '[');
        if (named)
            n += (size_t)sprintf(bytes + n, "\"%s\":", m->names[column]);
        n += (size_t)(column % 2
                          ? sprintf(bytes + n, "\"%s\"", colors[random_next() % COLORS_N])
                          : sprintf(bytes + n, "%.6g", random_unit()));
        bytes[n++] = column + 1 < MIXED_COLUMNS ? ',' : named ? '}' : ']';
    }
    m->body = (struct body){bytes, n + (size_t)sprintf(bytes + n, "]}"), NULL};
}

static void run_mixed(void *context) {
    const struct mixed *m = context;
    struct predict_request request;
    struct err e = {0};
    if (!predict_decode(m->body.bytes, m->body.n, &request, &e) ||
        !predict_rows(&request, &m->model, &e))
        fail(e.text);
    sink = (double)request.instances.values[0];
    predict_request_free(&request);
}

/* The tree alone: no column is looked for, no category. */
static void run_tree(void *context) {
    const struct mixed *m = context;
    json_t *root = json_loadb(m->body.bytes, m->body.n, 0, NULL);
    if (!root)
        fail("jansson refuses a body");
    json_decref(root);
}

static void bench_mixed(const char *name, size_t rows_n, bool named) {
    struct mixed *m = memory(sizeof *m);
    mixed_model(m);
    mixed_body(m, rows_n, named);
    double megabytes = (double)m->body.n / 1e6;
    struct runner runners[] = {{"ours", run_mixed, m, megabytes, {0}},
                               {"jansson, the tree", run_tree, m, megabytes, {0}}};
    printf("%s: %zu x %d, %.2f MB\n", name, rows_n, MIXED_COLUMNS, megabytes);
    runners_run(runners, sizeof runners / sizeof *runners, "MB/s");
    net_free(m->model.net);
    free(m->model.encoder.by_name);
    free(m->body.bytes);
    free(m);
}

/* One small body: what a request of four numbers waits for. */
static void bench_small(void) {
    static char bytes[] = "{\"model\":\"tiny\",\"instances\":[[0.1,0.2,0.3,0.4]]}";
    struct body b = {bytes, sizeof bytes - 1, NULL};
    struct runner ours = {"ours", run_decode, &b, 1e-6, {0}};
    double least, greatest;
    for (int round = 0; round < rounds_n; round++)
        runner_round(&ours, round);
    double rate = median(ours.rates, &least, &greatest);
    printf("4 numbers, %zu bytes, decoded in %.0f ns (%.0f to %.0f)\n", b.n, 1e3 / rate,
           1e3 / greatest, 1e3 / least);
}

/* ---- printing ------------------------------------------------------------------- */

enum { FLOATS_N = 10000 };
struct floats {
    float values[FLOATS_N];
    struct model model;
    struct predict_frame frame;
    struct text text;
};

static void run_print_rows(void *context) {
    const struct floats *f = context;
    static char text[FLOATS_N * (NUMBER_TEXT_MAX + 2)];
    size_t k = f->model.net->outputs_n;
    sink = (double)number_print_rows(f->values, FLOATS_N / k, k, text);
}
static void run_print(void *context) {
    const struct floats *f = context;
    char text[NUMBER_TEXT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < FLOATS_N; i++)
        n += number_print_float(f->values[i], text);
    sink = (double)n;
}
static void run_to_chars(void *context) {
    const struct floats *f = context;
    char text[NUMBER_TEXT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < FLOATS_N; i++)
        n += peer_to_chars(f->values[i], text, sizeof text);
    sink = (double)n;
}
static void run_snprintf(void *context) {
    const struct floats *f = context;
    char text[NUMBER_TEXT_MAX];
    int n = 0;
    for (size_t i = 0; i < FLOATS_N; i++)
        n += snprintf(text, sizeof text, "%.9g", (double)f->values[i]);
    sink = n;
}
static void run_encode(void *context) {
    struct floats *f = context;
    struct err e = {0};
    size_t k = f->model.net->outputs_n;
    f->text.n = 0;
    if (!predict_encode(&f->model, &f->frame, f->values, FLOATS_N / k, &f->text, &e))
        fail(e.text);
}

static void bench_floats(const char *name, struct floats *f) {
    const double millions = FLOATS_N / 1e6;
    struct runner runners[] = {{"ours", run_print_rows, f, millions, {0}},
                               {"ours, one at a time", run_print, f, millions, {0}},
                               {"a whole answer", run_encode, f, millions, {0}},
                               {"to_chars", run_to_chars, f, millions, {0}},
                               {"snprintf %.9g", run_snprintf, f, millions, {0}}};
    printf("%s\n", name);
    runners_run(runners, sizeof runners / sizeof *runners, "M floats/s");
}

static void bench_print(void) {
    struct floats *f = memory(sizeof *f);
    struct layer_shape shape = {.units_n = 10};
    struct err e = {0};
    double classes[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    f->model = (struct model){.task = TASK_MULTI_CLASS,
                              .net = net_new(16, &shape, 1, &e),
                              .labels = {LABEL_NUMBER, 10, classes, NULL}};
    if (!f->model.net || !predict_frame_make(&f->model, "m784", 1, &f->frame, &e))
        fail(e.text);
    for (size_t i = 0; i < FLOATS_N; i++)
        f->values[i] = (float)random_unit();
    bench_floats("print floats in [0, 1)", f);
    for (size_t i = 0; i < FLOATS_N; i++) {
        double power = 1;
        for (size_t j = random_next() >> 60; j > 0; j--)
            power *= 0.25;
        f->values[i] = (float)(random_unit() * power);
    }
    bench_floats("print floats from 1 down to 1e-9, as probabilities are", f);
    net_free(f->model.net);
    predict_frame_free(&f->frame);
    text_free(&f->text);
    free(f);
}

int main(int argc, char **argv) {
    if (argc > 1)
        rounds_n = atoi(argv[1]);
    if (rounds_n < 1 || rounds_n > ROUNDS_MAX)
        fail("expected rounds from 1 to 101");
    bench_scan("S1, 6 digits", 1, 784, SHORT);
    bench_scan("S2, 6 digits", 100, 784, SHORT);
    bench_scan("S5, 6 digits", 10000, 16, SHORT);
    bench_scan("17 digits", 100, 784, LONG);
    bench_scan("17 digits, a space behind each comma", 100, 784, SPACED);
    bench_scan("0 to 255, most of them 0", 100, 784, BYTES);
    bench_scan("one decimal", 10000, 4, TENTHS);
    bench_named("rows as objects", 10000, 16);
    bench_mixed("rows as objects, half of the cells texts", 10000, true);
    bench_mixed("rows as arrays, half of the cells texts", 10000, false);
    bench_small();
    bench_print();
    return 0;
}
