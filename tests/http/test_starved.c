/* Memory runs out in the middle of a request, at each of its allocations in turn: it is
 * answered as ever, or with 503, or not at all; the daemon stays, and so do its answers.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/starve.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

#ifndef __SANITIZE_ADDRESS__ /* which has an allocator of its own */

enum { ALLOCATIONS_MAX = 3000, ANSWER_MS_MAX = 10000 };

static struct daemon d;
static struct starve *starve;
static char starve_path[96];

/* A request, sent again and again, and how its answer is known. */
struct kind {
    const char *name;
    struct request request;
    long status;
    bool changes; /* something: no two answers are alike */
    int stride;   /* of the allocations that are tried */
};

static bool is_same(const struct reply *a, const struct reply *b) {
    static const char *const fields[] = {"Content-Type", "Content-Encoding", "Vary",
                                         "Inference-Header-Content-Length"};
    char one[256], other[256];
    bool same = a->body_n == b->body_n && !memcmp(a->body, b->body, a->body_n);
    for (size_t i = 0; i < sizeof fields / sizeof *fields && same; i++)
        same = strcmp(reply_header(a, fields[i], one),
                      reply_header(b, fields[i], other)) == 0;
    return same;
}

/* Without memory to compress it an answer goes as it is, and says so. */
static bool is_uncoded(const struct reply *reply, const struct reply *whole) {
    char coding[256];
    return *reply_header(whole, "Content-Encoding", coding) &&
           !*reply_header(reply, "Content-Encoding", coding) && reply->json;
}

/* A zombie is not: it stays one for daemon_close. */
static bool is_alive(pid_t pid) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

/* @return whether a block was refused while it was answered. */
static bool send_starved(const struct kind *kind, long n, struct reply *reply) {
    atomic_store(&starve->refused, 0);
    atomic_store(&starve->left, n);
    atomic_store(&starve->pid, (int)d.pid);
    struct request request = kind->request;
    request.timeout_ms = 2 * ANSWER_MS_MAX;
    int64_t start = daemon_clock_ms();
    client_send(&d.client, &request, reply);
    CHECK_SAY(daemon_clock_ms() - start < ANSWER_MS_MAX, "%s, block %ld: no end",
              kind->name, n);
    atomic_store(&starve->pid, 0);
    return atomic_load(&starve->refused);
}

static bool check_kind(const struct kind *kind) {
    struct reply whole, reply;
    long n = 1, refused = 0, answered = 0;
    client_send(&d.client, &kind->request, &whole);
    bool ok = CHECK_SAY(whole.status == kind->status, "%s: %ld %s", kind->name,
                        whole.status, whole.body);
    for (bool more = true; ok && more && n < ALLOCATIONS_MAX; n += kind->stride) {
        more = send_starved(kind, n, &reply);
        refused += more;
        answered += reply.status == 503;
        bool done = reply.status == kind->status;
        ok = CHECK_SAY(done ? kind->changes || is_same(&whole, &reply) ||
                                  is_uncoded(&reply, &whole)
                            : reply.status == 0 || (reply.status == 503 && reply.json),
                       "%s, block %ld: %ld %s", kind->name, n, reply.status,
                       reply.body ? reply.body : "") &&
             CHECK_SAY(is_alive(d.pid), "%s, block %ld: the daemon is gone", kind->name,
                       n);
        reply_free(&reply);
        if (!ok || done)
            continue;
        client_send(&d.client, &kind->request, &reply);
        ok = CHECK_SAY(reply.status == kind->status, "%s, after block %ld: %ld %s",
                       kind->name, n, reply.status, reply.body ? reply.body : "");
        reply_free(&reply);
    }
    CHECK_SAY(!ok || (n < ALLOCATIONS_MAX && refused > 5 && answered), "%s: %ld of %ld",
              kind->name, refused, n);
    reply_free(&whole);
    return ok;
}

#define TEXTS "a text that is longer than sixteen bytes, and than thirty-two of them"

static void test_predictions(void) {
    static const char *const json[] = {"Content-Type: application/json", NULL};
    static const char *const gzip[] = {"Content-Type: application/json",
                                       "Accept-Encoding: gzip", NULL};
    static const char few[] = "{\"model\":\"line\",\"instances\":[[1],[2]]}";
    static const char rows[] = "{\"instances\":[[1],[2]]}";
    static const char keyed[] =
        "{\"instances\":[{\"0\":1},{\"0\":2}],\"model\":\"line\"}";
    static const char tensors[] =
        "{\"id\":\"" TEXTS "\",\"parameters\":{\"" TEXTS "\":\"" TEXTS "\"},"
        "\"inputs\":[{\"name\":\"input\",\"shape\":[2,1],\"datatype\":\"FP32\","
        "\"data\":[1,2]}],\"outputs\":[{\"name\":\"predictions\","
        "\"parameters\":{\"binary_data\":true}}]}";
    static const char split[] = "{\"dataframe_split\":{\"columns\":[\"0\"],"
                                "\"data\":[[1],[2]]},\"params\":{}}";
    static char many[8192] = "{\"instances\":[[1]";
    for (size_t n = strlen(many), i = 0; i < 400; i++)
        n += (size_t)sprintf(many + n, ",[%zu.5]", i);
    strcat(many, "]}");
#define KIND(name_, path_, headers_, body_)                                              \
    {                                                                                    \
        .name = name_,                                                                   \
        .request = {.path = path_,                                                       \
                    .headers = headers_,                                                 \
                    .body = body_,                                                       \
                    .body_n = strlen(body_)},                                            \
        .status = 200, .stride = 1                                                       \
    }
    const struct kind kinds[] = {
        KIND("predict", "/predict", json, few),
        KIND("by name", "/predict", json, keyed),
        KIND("gzip", "/predict", gzip, many),
        KIND("infer", "/v2/models/line/infer", json, tensors),
        KIND("TensorFlow", "/v1/models/line:predict", json, rows),
        KIND("invocations", "/invocations", json, split),
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        check_kind(&kinds[i]);
}

/* What is written is written whole or not at all, and nothing stays locked. */
static void test_changes(void) {
    static const char *const bytes[] = {"Content-Type: application/octet-stream", NULL};
    static const char *const json[] = {"Content-Type: application/json", NULL};
    static const char job[] =
        "{\"model\":\"job\",\"metadata\":{\"" TEXTS "\":\"" TEXTS "\"},\"epochs\":1,"
        "\"data\":{\"features\":[[0],[1],[2]],\"targets\":[1.5,3.5,5.5]}}";
    static const char alias[] = "{\"version\":1}";
    struct reply file;
    client_get(&d.client, &file, "/v1/models/line/versions/1/export?format=safetensors");
    if (!CHECK(file.status == 200))
        return;
    const struct kind kinds[] = {
        {"alias",
         {.method = "PUT",
          .path = "/v1/models/line/aliases/best",
          .headers = json,
          .body = alias,
          .body_n = strlen(alias)},
         200,
         true,
         1},
        {"import",
         {.path = "/v1/models/copy/versions",
          .headers = bytes,
          .body = file.body,
          .body_n = file.body_n},
         201,
         true,
         7},
        {"job",
         {.path = "/v1/jobs", .headers = json, .body = job, .body_n = strlen(job)},
         202,
         true,
         5},
    };
    struct reply first;
    client_send(&d.client, &kinds[0].request, &first);
    CHECK(first.status == 201);
    reply_free(&first);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        check_kind(&kinds[i]);
    reply_free(&file);
}

static bool starve_open(void) {
    char library[512];
    ssize_t n = readlink("/proc/self/exe", library, sizeof library - 16);
    if (n <= 0)
        return false;
    library[n] = '\0';
    strcpy(strrchr(library, '/') + 1, "starve.so");
    snprintf(starve_path, sizeof starve_path, "/tmp/descentd-starve-%d", (int)getpid());
    int fd = open(starve_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *starve) != 0)
        return false;
    void *at = mmap(NULL, sizeof *starve, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        return false;
    starve = at;
    return access(library, R_OK) == 0 && setenv("LD_PRELOAD", library, 1) == 0 &&
           setenv("STARVE_FILE", starve_path, 1) == 0;
}

int main(void) {
    static const char *const flags[] = {
        "--queue-max", "0", "--default-model", "line", "--log-level", "warn", NULL};
    if (!CHECK(starve_open()) || !CHECK(daemon_start(&d, flags)))
        return check_done();
    unsetenv("LD_PRELOAD");
    json_t *data = json_loads(
        "{\"features\":[[0],[1],[2],[3]],\"targets\":[1.5,3.5,5.5,7.5]}", 0, NULL);
    if (job_train(&d.client,
                  table_job("line", data, json_loads("{\"epochs\":20}", 0, NULL)),
                  NULL)) {
        CHECK_RUN(test_predictions);
        CHECK_RUN(test_changes);
    }
    daemon_close(&d);
    unlink(starve_path);
    return check_done();
}

#else

int main(void) {
    return check_done();
}

#endif
