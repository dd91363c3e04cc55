/* Versions come and go under load: published over HTTP, loaded by predictions, evicted by
 * the next ones, an alias moved onto each, the oldest deleted. Nobody is refused or
 * answered by the wrong version, and the daemon's memory stays what it was. (The store
 * does not: it keeps for an hour what nobody refers to.)
 *
 * CYCLES in the environment: how many; 60 without it. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/unit/check.h"

enum {
    UNITS = 512,
    WEIGHTS = UNITS * UNITS,
    PARAMETERS = UNITS + UNITS + WEIGHTS + UNITS + UNITS + 1, /* 1-512-512-1: 1 MiB */
    KEPT = 8,   /* versions in the store at a time, */
    LOADED = 3, /* of which so many fit the memory of models */
    CYCLES_MIN = 50,
    CYCLES_DEFAULT = 60,
    WARM_UP = 20, /* cycles: arenas of all threads, caches, the free list of the store */
    WINDOW = 10,  /* cycles whose median stands for their time: one reading may fall on
                     the peak of a load */
    CLIENTS = 2
};

/* A version that leaks costs 1 MiB a cycle and its file as much again, which the fewest
 * cycles show as 10 MiB. malloc moves by a few blocks of 1 MiB and no more: a thread that
 * loads has an arena, where a freed block waits for the next load of that thread. As this
 * does not grow with the cycles, 500 of them bound a leak at 17 KiB a cycle. */
#ifdef __SANITIZE_ADDRESS__
enum { GROWTH_KIB_MAX = 512 << 10 }; /* it keeps 256 MiB of freed blocks */
#else
enum { GROWTH_KIB_MAX = 8 << 10 };
#endif

static struct daemon d;

/* ---- the model of a cycle: y = version x ----------------------------------------- */

struct file {
    char *bytes;
    size_t n;
    char *slope; /* the one weight that tells versions apart */
};

/* The first layer hands x to all units, the second each on, the third takes the first's.
 */
static bool file_make(struct file *file) {
    static const char header[] =
        "{\"0.weight\":{\"dtype\":\"F32\",\"shape\":[512,1],\"data_offsets\":[0,2048]},"
        "\"0.bias\":{\"dtype\":\"F32\",\"shape\":[512],\"data_offsets\":[2048,4096]},"
        "\"1.weight\":{\"dtype\":\"F32\",\"shape\":[512,512],\"data_offsets\":[4096,"
        "1052672]},"
        "\"1.bias\":{\"dtype\":\"F32\",\"shape\":[512],\"data_offsets\":[1052672,1054720]"
        "},"
        "\"2.weight\":{\"dtype\":\"F32\",\"shape\":[1,512],\"data_offsets\":[1054720,"
        "1056768]},"
        "\"2.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1056768,1056772]}"
        "}";
    uint64_t header_n = sizeof header - 1;
    float *data = calloc(PARAMETERS, sizeof *data);
    file->n = sizeof header_n + header_n + PARAMETERS * sizeof *data;
    file->bytes = malloc(file->n);
    if (!data || !file->bytes) {
        free(data);
        return false;
    }
    for (size_t i = 0; i < UNITS; i++) {
        data[i] = 1;
        data[2 * UNITS + i * UNITS + i] = 1;
    }
    memcpy(file->bytes, &header_n, sizeof header_n); /* little-endian, as we are */
    memcpy(file->bytes + sizeof header_n, header, header_n);
    memcpy(file->bytes + sizeof header_n + header_n, data, PARAMETERS * sizeof *data);
    file->slope = file->bytes + file->n - (1 + UNITS) * sizeof *data;
    free(data);
    return true;
}

static void file_set(struct file *file, int version) {
    float slope = (float)version;
    memcpy(file->slope, &slope, sizeof slope);
}

/* ---- requests -------------------------------------------------------------------- */

static bool expect(struct reply *reply, long status, const char *what) {
    return CHECK_SAY(reply->status == status, "%s: %ld %s", what, reply->status,
                     reply->body);
}

/* One request of the test's own client that must get `status`. */
static bool ask(const char *method, const char *path, const char *body, size_t body_n,
                long status) {
    static const char *const types[] = {"Content-Type: application/octet-stream", NULL};
    bool file = body && body[0] != '{';
    struct request request = {.method = method,
                              .path = path,
                              .headers = file ? types : NULL,
                              .body = body,
                              .body_n = body_n};
    struct reply reply;
    client_send(&d.client, &request, &reply);
    bool ok = expect(&reply, status, path);
    reply_free(&reply);
    return ok;
}

/* The answer of `model` to 2 comes from a version whose number it tells. @return that
 * version; 0 when it was refused or wrong. */
static int predict(struct client *client, const char *model) {
    struct reply reply;
    char body[128];
    snprintf(body, sizeof body, "{\"model\":\"%s\",\"instances\":[[2]]}", model);
    client_post(client, &reply, "/predict", body);
    double version = reply_number(reply.json, "/version");
    bool right =
        reply.status == 200 && reply_number(reply.json, "/predictions/0") == 2 * version;
    if (!right)
        printf("%s: %ld %s\n", model, reply.status, reply.body);
    reply_free(&reply);
    return right ? (int)version : 0;
}

static bool check_predicts(int version) {
    char model[64];
    snprintf(model, sizeof model, "wheel@%d", version);
    int got = predict(&d.client, model);
    return CHECK_SAY(got == version, "%s was answered by %d", model, got);
}

/* ---- those who predict meanwhile ------------------------------------------------- */

struct crowd {
    atomic_int answers, wrong, backward, ahead;
    atomic_int published; /* the newest version that there may be */
    atomic_bool ending;
};

/* The alias only moves on: so does each client. */
static void *follow(void *context) {
    struct crowd *crowd = context;
    struct client client = {0};
    int last = 0;
    if (!client_open(&client, d.port))
        return NULL;
    while (!atomic_load(&crowd->ending)) {
        int version = predict(&client, "wheel@live");
        atomic_fetch_add(&crowd->answers, 1);
        atomic_fetch_add(&crowd->wrong, version == 0);
        atomic_fetch_add(&crowd->backward, version && version < last);
        atomic_fetch_add(&crowd->ahead, version > atomic_load(&crowd->published));
        last = version;
    }
    client_close(&client);
    return NULL;
}

/* ---- cycles ---------------------------------------------------------------------- */

/* A model of its own for one cycle: the registry's entry goes with it. */
static bool guest(const struct file *file, int cycle) {
    char path[128], model[64];
    snprintf(model, sizeof model, "guest-%d", cycle);
    snprintf(path, sizeof path, "/v1/models/%s/versions?activations=linear,linear",
             model);
    if (!ask(NULL, path, file->bytes, file->n, 201))
        return false;
    struct reply reply;
    char body[128];
    snprintf(body, sizeof body, "{\"model\":\"%s\",\"instances\":[[1]]}", model);
    client_post(&d.client, &reply, "/predict", body);
    CHECK_SAY(reply.status == 200 && reply_number(reply.json, "/predictions/0") == cycle,
              "%s: %ld %s", model, reply.status, reply.body);
    reply_free(&reply);
    snprintf(path, sizeof path, "/v1/models/%s", model);
    return ask("DELETE", path, NULL, 0, 204);
}

/* @return false at the first thing that went wrong. */
static bool cycle_run(struct file *file, struct crowd *crowd, int cycle) {
    char text[96];
    file_set(file, cycle);
    atomic_store(&crowd->published, cycle);
    if (!ask(NULL, "/v1/models/wheel/versions?activations=linear,linear", file->bytes,
             file->n, 201) ||
        !check_predicts(cycle))
        return false;
    int oldest = cycle - KEPT + 1; /* evicted long ago: this loads it again */
    if (oldest > 0 && !check_predicts(oldest))
        return false;
    snprintf(text, sizeof text, "{\"version\":%d}", cycle);
    if (!ask("PUT", "/v1/models/wheel/aliases/live", text, strlen(text),
             cycle == 1 ? 201 : 200))
        return false;
    int live = predict(&d.client, "wheel@live");
    if (!CHECK_SAY(live == cycle, "live was %d, not %d", live, cycle) ||
        !guest(file, cycle))
        return false;
    snprintf(text, sizeof text, "/v1/models/wheel/versions/%d", oldest);
    return oldest <= 0 || ask("DELETE", text, NULL, 0, 204);
}

static int longs_compare(const void *a, const void *b) {
    const long *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static long median(const long *window) {
    long values[WINDOW];
    memcpy(values, window, sizeof values);
    qsort(values, WINDOW, sizeof *values, longs_compare);
    return values[WINDOW / 2];
}

static void check_resident(const long *kib, int cycles) {
    long first = median(kib + WARM_UP), last = median(kib + cycles - WINDOW);
    printf("%d cycles: %ld KiB resident after %d, %ld at the end\n", cycles, first,
           WARM_UP, last);
    CHECK(first > 0);
    CHECK_SAY(last - first <= GROWTH_KIB_MAX, "%ld KiB more", last - first);
}

/* Each cycle loads three at least, the wheel's two and the guest, and all but the few
 * that were there at the end went: the guests by their deletion, the others for room. */
static void check_counters(int cycles) {
    struct reply reply;
    client_get(&d.client, &reply, "/metrics");
    double loads = reply_metric(&reply, "descentd_model_loads_total");
    double evictions = reply_metric(&reply, "descentd_model_evictions_total");
    printf("%g loads, %g evictions\n", loads, evictions);
    CHECK_SAY(loads >= 3 * cycles - KEPT, "%g loads", loads);
    CHECK_SAY(evictions >= cycles - KEPT, "%g evictions", evictions);
    CHECK(reply_metric(&reply, "descentd_models") == 1);
    CHECK(reply_metric(&reply, "descentd_models_in_memory") <= LOADED);
    CHECK(reply_metric(&reply, "descentd_model_bytes") <= 4 << 20);
    reply_free(&reply);
}

static int cycles_wanted(void) {
    const char *text = getenv("CYCLES");
    int cycles = text ? atoi(text) : CYCLES_DEFAULT;
    return cycles < CYCLES_MIN ? CYCLES_MIN : cycles;
}

static bool cycles_run(struct file *file, long *resident_kib, int cycles) {
    static struct crowd crowd;
    pthread_t threads[CLIENTS];
    bool ok = cycle_run(file, &crowd, 1);
    resident_kib[0] = daemon_memory_kib(d.pid, "VmRSS");
    for (int i = 0; i < CLIENTS; i++)
        if (pthread_create(&threads[i], NULL, follow, &crowd) != 0)
            abort();
    for (int cycle = 2; ok && cycle <= cycles; cycle++) {
        ok = cycle_run(file, &crowd, cycle);
        resident_kib[cycle - 1] = daemon_memory_kib(d.pid, "VmRSS");
    }
    atomic_store(&crowd.ending, true);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    printf("%d answers beside them\n", atomic_load(&crowd.answers));
    CHECK_SAY(atomic_load(&crowd.wrong) == 0, "%d wrong", atomic_load(&crowd.wrong));
    CHECK_SAY(atomic_load(&crowd.backward) == 0, "%d times the alias went back",
              atomic_load(&crowd.backward));
    CHECK(atomic_load(&crowd.ahead) == 0);
    CHECK(atomic_load(&crowd.answers) > cycles);
    return ok;
}

static void test_cycles(void) {
    struct file file = {0};
    int cycles = cycles_wanted();
    long *resident_kib = calloc((size_t)cycles, sizeof *resident_kib);
    if (!file_make(&file) || !resident_kib)
        abort();
    if (cycles_run(&file, resident_kib, cycles)) {
        check_resident(resident_kib, cycles);
        check_counters(cycles);
    }
    free(resident_kib);
    free(file.bytes);
}

int main(void) {
    static const char *const flags[] = {"--model-memory-max", "4194304", NULL};
    if (!daemon_start(&d, flags))
        return 1;
    CHECK_RUN(test_cycles);
    daemon_close(&d);
    return check_done();
}
