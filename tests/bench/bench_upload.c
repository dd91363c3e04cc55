/* Large files into the daemon, and what predictions feel of it: seconds and MB/s of each
 * upload, the peak of the serving process's memory, and the latency of one client that
 * predicts every few milliseconds, without and beside the upload, within one run.
 *
 *   bench_upload [DIVISOR]     sizes are divided by DIVISOR, for a quick look
 *
 * The files are generated in $TMPDIR and removed; so are the stores, one a file. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"

enum {
    BLOCK_BYTES = 16 << 20, /* generated once and repeated */
    PACE_US = 2000,         /* between two predictions */
    IDLE_ASKS = 2000,
    ASKS_MAX = 1 << 18
};

static void die(const char *what) {
    fprintf(stderr, "bench_upload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the files ------------------------------------------------------------------- */

/* A block of whole rows, of BLOCK_BYTES at most. @return its length. */
typedef size_t fill_block(char *block, struct table_random *random);

/* Ten measurements, a small whole number, a category and a boolean: 100 bytes a row. */
static size_t fill_csv(char *block, struct table_random *random) {
    static const char *const towns[] = {"Ulm", "Bonn", "Kiel", "Trier", "Jena"};
    enum { ROW_BYTES_MAX = 256 };
    size_t n = 0;
    while (n + ROW_BYTES_MAX < BLOCK_BYTES) {
        for (int c = 0; c < 10; c++)
            n +=
                (size_t)snprintf(block + n, ROW_BYTES_MAX, "%.4f,", table_normal(random));
        n += (size_t)snprintf(block + n, ROW_BYTES_MAX, "%d,%s,%s\n",
                              (int)(100 * table_uniform(random)),
                              towns[(int)(5 * table_uniform(random))],
                              table_uniform(random) < 0.5 ? "true" : "false");
    }
    return n;
}

/* float32, next to no two the same. */
static size_t fill_floats(char *block, struct table_random *random) {
    for (size_t i = 0; i < BLOCK_BYTES; i += sizeof(float)) {
        float x = (float)table_normal(random);
        memcpy(block + i, &x, sizeof x);
    }
    return BLOCK_BYTES;
}

/* Grey values as in pictures: the most columns' values are counted to the end. */
static size_t fill_bytes(char *block, struct table_random *random) {
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        block[i] = (char)(table_uniform(random) < 0.5 ? 0 : 256 * table_uniform(random));
    return BLOCK_BYTES;
}

struct kind {
    const char *title, *type; /* Content-Type */
    const char *descr;        /* npy: its element, or NULL for CSV */
    size_t width, columns_n;
    fill_block *fill;
    uint64_t bytes;
};

enum { MEGABYTE = 1000 * 1000 };
static const struct kind KINDS[] = {
    {"CSV, 13 columns", "text/csv", NULL, 0, 0, fill_csv, UINT64_C(500) * MEGABYTE},
    {"npy, float32, 64 columns", "application/x-npy", "<f4", 4, 64, fill_floats,
     UINT64_C(1) << 30},
    {"npy, bytes, 1024 columns", "application/x-npy", "|u1", 1, 1024, fill_bytes,
     UINT64_C(1) << 30},
};

/* Version 1.0: the header with its length is padded to 64 bytes' multiples. */
static void npy_head(const struct kind *kind, uint64_t bytes, FILE *out) {
    enum { HEAD = 128, PREFIX = 10 };
    char head[HEAD + 1];
    snprintf(head, sizeof head, "%-*s", HEAD, "");
    int n = snprintf(
        head + PREFIX, HEAD - PREFIX,
        "{'descr': '%s', 'fortran_order': False, 'shape': (%llu, %zu), }", kind->descr,
        (unsigned long long)(bytes / kind->width / kind->columns_n), kind->columns_n);
    head[PREFIX + n] = ' ';
    memcpy(head, "\x93NUMPY\x01\x00\x76\x00", PREFIX); /* 118 behind the prefix */
    head[HEAD - 1] = '\n';
    fwrite(head, 1, HEAD, out);
}

static uint64_t file_make(const struct kind *kind, uint64_t bytes, const char *path) {
    struct table_random random = {1};
    char *block = malloc(BLOCK_BYTES);
    FILE *out = fopen(path, "wb");
    if (!block || !out)
        die(path);
    size_t n = kind->fill(block, &random);
    uint64_t blocks = bytes / n ? bytes / n : 1;
    if (kind->descr)
        npy_head(kind, blocks * n, out);
    else
        fputs("a,b,c,d,e,f,g,h,i,j,count,town,flag\n", out);
    for (uint64_t i = 0; i < blocks; i++)
        fwrite(block, 1, n, out);
    long long size = ftello(out);
    if (ferror(out) || fclose(out) != 0)
        die(path);
    free(block);
    return (uint64_t)size;
}

/* ---- the upload ------------------------------------------------------------------ */

struct upload {
    const struct kind *kind;
    const char *path;
    int port;
    double seconds;
    long status;
    atomic_bool ended;
};

static void *upload_run(void *context) {
    struct upload *u = context;
    char url[64], type[64];
    FILE *in = fopen(u->path, "rb");
    CURL *curl = curl_easy_init();
    if (!in || !curl)
        die(u->path);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1/datasets/large", u->port);
    snprintf(type, sizeof type, "Content-Type: %s", u->kind->type);
    struct curl_slist *headers = curl_slist_append(NULL, type);
    FILE *answer = tmpfile();
    fseeko(in, 0, SEEK_END);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)ftello(in));
    rewind(in);
    curl_easy_setopt(curl, CURLOPT_READDATA, in);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    double start = now_s();
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &u->status);
    u->seconds = now_s() - start;
    atomic_store(&u->ended, true);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    fclose(answer);
    fclose(in);
    return NULL;
}

/* ---- predictions ----------------------------------------------------------------- */

struct asks {
    double *seconds; /* (ASKS_MAX) */
    size_t n;
};

static void ask(struct daemon *d, struct asks *asks) {
    struct reply reply;
    double start = now_s();
    client_post(&d->client, &reply, "/predict",
                "{\"model\":\"tiny\",\"instances\":[[0.5,0.25]]}");
    asks->seconds[asks->n++] = now_s() - start;
    if (reply.status != 200)
        die("a prediction failed");
    reply_free(&reply);
    nanosleep(&(struct timespec){0, PACE_US * 1000}, NULL);
}

static int doubles_compare(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void asks_print(const char *title, struct asks *asks) {
    qsort(asks->seconds, asks->n, sizeof *asks->seconds, doubles_compare);
    printf("  predict %-8s %7zu asked, p50 %7.0f us, p99 %7.0f us, most %7.0f us\n",
           title, asks->n, asks->seconds[asks->n / 2] * 1e6,
           asks->seconds[asks->n * 99 / 100] * 1e6, asks->seconds[asks->n - 1] * 1e6);
}

/* ---- one file -------------------------------------------------------------------- */

static void model_make(struct daemon *d) {
    json_t *job =
        table_job("tiny", table_planar(40), json_pack("{sisi}", "epochs", 10, "seed", 1));
    if (!job_train(&d->client, job, NULL))
        die("no model");
}

static void kind_run(const struct kind *kind, uint64_t divisor) {
    struct daemon d;
    struct asks idle = {malloc(ASKS_MAX * sizeof(double)), 0};
    struct asks beside = {malloc(ASKS_MAX * sizeof(double)), 0};
    if (!idle.seconds || !beside.seconds || !daemon_start(&d, NULL))
        die("no daemon");
    char path[96];
    snprintf(path, sizeof path, "%s/large", d.dir);
    uint64_t bytes = file_make(kind, kind->bytes / divisor, path);
    model_make(&d);
    while (idle.n < IDLE_ASKS)
        ask(&d, &idle);
    long peak_idle = daemon_memory_kib(d.pid, "VmHWM");

    struct upload upload = {.kind = kind, .path = path, .port = d.port};
    pthread_t thread;
    if (pthread_create(&thread, NULL, upload_run, &upload) != 0)
        die("no thread");
    while (!atomic_load(&upload.ended) && beside.n < ASKS_MAX)
        ask(&d, &beside);
    pthread_join(thread, NULL);
    unlink(path);
    if (upload.status != 201)
        die("the upload was refused");
    printf("%s: %.0f MB\n", kind->title, (double)bytes / MEGABYTE);
    printf(
        "  upload           %7.1f s, %.0f MB/s; peak memory %.0f MiB, before %.0f MiB\n",
        upload.seconds, (double)bytes / MEGABYTE / upload.seconds,
        (double)daemon_memory_kib(d.pid, "VmHWM") / 1024, (double)peak_idle / 1024);
    asks_print("idle", &idle);
    asks_print("beside", &beside);
    fflush(stdout);
    free(idle.seconds);
    free(beside.seconds);
    daemon_close(&d);
}

int main(int argc, char **argv) {
    uint64_t divisor = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    if (!divisor)
        die("expected a divisor from 1");
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        kind_run(&KINDS[i], divisor);
    return 0;
}
