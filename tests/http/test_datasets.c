/* Datasets: files in, documents out, and nothing kept of what was refused or did not
 * arrive. */
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <zlib.h>

#include "tests/http/daemon.h"
#include "tests/http/raw.h"
#include "tests/unit/check.h"

#ifdef __SANITIZE_ADDRESS__
enum { PEAK_KIB = 400 << 10 }; /* its shadow, and what it keeps of freed blocks */
#else
enum { PEAK_KIB = 60 << 10 };
#endif
enum { LIMIT = 80 << 20, HALF = 8 << 20, ANSWER_MS = 5000, WAIT_MS = 30000 };

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

static bool put(const char *path, const void *body, size_t n, const char *header,
                struct reply *reply) {
    return client_send(user,
                       &(struct request){.method = "PUT",
                                         .path = path,
                                         .headers = (const char *const[]){header, NULL},
                                         .body = body,
                                         .body_n = n},
                       reply);
}

/* Uploads a text and checks the status; the reply is the caller's to free. */
static bool put_text(const char *path, const char *text, long status,
                     struct reply *reply) {
    put(path, text, strlen(text), NULL, reply);
    return CHECK_SAY(reply->status == status, "%s: %ld %s", path, reply->status,
                     reply->body);
}

static size_t gzip(const void *from, size_t n, unsigned char *to, size_t capacity) {
    z_stream z = {0};
    deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (unsigned char *)(uintptr_t)from;
    z.avail_in = (unsigned)n;
    z.next_out = to;
    z.avail_out = (unsigned)capacity;
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return z.total_out;
}

/* ---- what is read ------------------------------------------------------------------
 */

#define BYTES(text) (text), sizeof(text) - 1
#define NPY_HEADER "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n"
#define FORTRAN_HEADER "{'descr': '<f4', 'fortran_order': True,  'shape': (2, 2), }\n"

/* The same table, two rows of two columns, in many clothes. */
static const struct accepted {
    const char *name, *query, *header, *bytes;
    size_t n;
    const char *format, *first, *delimiter;
} accepted[] = {
    {"csv", "", NULL, BYTES("a,b\n1,2\n3,4\n"), "csv", "a", "comma"},
    {"csv-crlf", "", NULL, BYTES("a,b\r\n1,2\r\n3,4\r\n"), "csv", "a", "comma"},
    {"csv-quoted", "", NULL, BYTES("\"a\",\"b\"\n\"1\",2\n3,4"), "csv", "a", "comma"},
    {"csv-bom", "", NULL,
     BYTES("\xef\xbb\xbf"
           "a,b\n1,2\n3,4\n"),
     "csv", "a", "comma"},
    {"csv-headless", "?header=false", NULL, BYTES("1,2\n3,4\n"), "csv", "0", "comma"},
    {"csv-semicolon", "", NULL, BYTES("a;b\n1;2\n3;4\n"), "csv", "a", "semicolon"},
    {"csv-tab", "?delimiter=tab&header=true", NULL, BYTES("a\tb\n1\t2\n3\t4\n"), "csv",
     "a", "tab"},
    {"csv-form", "", "Content-Type: application/x-www-form-urlencoded",
     BYTES("a,b\n1,2\n3,4\n"), "csv", "a", "comma"},
    {"csv-type", "", "Content-Type: text/csv; charset=utf-8", BYTES("a,b\n1,2\n3,4\n"),
     "csv", "a", "comma"},
    {"json", "", NULL, BYTES("[[1,2],[3,4]]"), "json", "0", ""},
    {"json-objects", "", "Content-Type: application/json",
     BYTES("[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4}]"), "json", "a", ""},
    {"jsonl", "", NULL, BYTES("{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n"), "jsonl", "a",
     ""},
    {"jsonl-arrays", "?format=jsonl", NULL, BYTES("[1,2]\n[3,4]\n"), "jsonl", "0", ""},
    {"npy", "", NULL,
     BYTES("\x93NUMPY\x01\x00\x3c\x00" NPY_HEADER
           "\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40\x00\x00\x80\x40"),
     "npy", "0", ""},
    {"npy-fortran", "", NULL,
     BYTES("\x93NUMPY\x01\x00\x3c\x00" FORTRAN_HEADER
           "\x00\x00\x80\x3f\x00\x00\x40\x40\x00\x00\x00\x40\x00\x00\x80\x40"),
     "npy", "0", ""},
    {"idx", "", "Content-Type: application/octet-stream",
     BYTES("\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00\x00\x02\x01\x02\x03\x04"), "idx",
     "0", ""},
};

static void check_accepted(const struct accepted *a, const char *suffix,
                           const void *bytes, size_t n) {
    char path[128];
    struct reply reply, got;
    const json_t *shown;
    snprintf(path, sizeof path, "/v1/datasets/%s%s%s", a->name, suffix, a->query);
    put(path, bytes, n, a->header, &reply);
    bool ok = reply.status == 201 && reply_number(reply.json, "/rows") == 2 &&
              reply_number(reply.json, "/bytes") == (double)n &&
              reply_count(reply.json, "/columns") == 2 &&
              reply_number(reply.json, "/columns/1/mean") == 3 &&
              strcmp(reply_text(reply.json, "/columns/0/name"), a->first) == 0 &&
              strcmp(reply_text(reply.json, "/format"), a->format) == 0 &&
              strcmp(reply_text(reply.json, "/delimiter"), a->delimiter) == 0 &&
              (shown = reply_at(reply.json, "/gzipped")) &&
              json_is_true(shown) == (*suffix != '\0') &&
              reply_number(reply.json, "/first_rows/1/0") == 3;
    CHECK_SAY(ok, "%s: %ld %s", path, reply.status, reply.body);
    client_get(user, &got, "/v1/datasets/%s%s", a->name, suffix);
    CHECK_SAY(got.json && json_equal(got.json, reply.json), "%s: %s", path, got.body);
    reply_free(&got);
    reply_free(&reply);
}

static void test_formats(void) {
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        unsigned char packed[512];
        size_t n = gzip(accepted[i].bytes, accepted[i].n, packed, sizeof packed);
        check_accepted(&accepted[i], "", accepted[i].bytes, accepted[i].n);
        check_accepted(&accepted[i], "-gz", packed, n);
    }
}

static void test_revisions(void) {
    struct reply reply;
    char location[256];
    put_text("/v1/datasets/r", "x\n1\n2\n", 201, &reply);
    CHECK_TEXT(reply_header(&reply, "Location", location), "/v1/datasets/r");
    CHECK_TEXT(reply_text(reply.json, "/object"), "dataset");
    reply_free(&reply);
    put_text("/v1/datasets/r", "x\n1\n2\n3\n", 200, &reply);
    CHECK(reply_number(reply.json, "/revision") == 2);
    reply_free(&reply);
    put_text("/v1/datasets/r", "x,y\n1,2\n3\n", 400, &reply); /* makes none */
    reply_free(&reply);
    client_get(user, &reply, "/v1/datasets/r");
    CHECK(reply_number(reply.json, "/revision") == 2 &&
          reply_number(reply.json, "/rows") == 3);
    reply_free(&reply);
    client_get(user, &reply, "/v1/datasets/r?revision=1");
    CHECK(reply.status == 200 && reply_number(reply.json, "/rows") == 2);
    reply_free(&reply);
    client_get(user, &reply, "/v1/datasets/r?revision=3");
    CHECK(reply.status == 404);
    reply_free(&reply);
    client_call(user, &reply, "DELETE", "/v1/datasets/r");
    CHECK(reply.status == 204 && reply.body_n == 0);
    reply_free(&reply);
    client_call(user, &reply, "DELETE", "/v1/datasets/r");
    CHECK(reply.status == 404);
    reply_free(&reply);
    put_text("/v1/datasets/r", "x\n1\n2\n", 201, &reply);
    CHECK(reply_number(reply.json, "/revision") == 3); /* never the same twice */
    reply_free(&reply);
}

static void test_parts(void) {
    struct reply reply;
    put_text("/v1/datasets/p/targets", "y\n0\n1\n", 201, &reply);
    CHECK(reply_number(reply.json, "/targets/rows") == 2);
    CHECK(!reply_at(reply.json, "/columns"));
    reply_free(&reply);
    put_text("/v1/datasets/p/features", "a,b\n1,2\n3,4\n5,6\n", 400, &reply);
    CHECK_SAY(strstr(reply.body, "features have 3 rows, and the targets 2"), "%s",
              reply.body);
    reply_free(&reply);
    put_text("/v1/datasets/p/features", "a,b\n1,2\n3,4\n", 200, &reply);
    CHECK(reply_number(reply.json, "/revision") == 2);
    CHECK_TEXT(reply_text(reply.json, "/features/columns/1/name"), "b");
    CHECK_TEXT(reply_text(reply.json, "/targets/columns/0/name"), "y");
    CHECK(reply_number(reply.json, "/rows") == 2);
    reply_free(&reply);
    put_text("/v1/datasets/p/targets", "y\n0\n1\n1\n", 400, &reply);
    CHECK_SAY(strstr(reply.body, "targets have 3 rows, and the features 2"), "%s",
              reply.body);
    reply_free(&reply);
    put_text("/v1/datasets/p/features", "a\n1\n2\n3\n", 200, &reply); /* a new pair */
    CHECK(!reply_at(reply.json, "/targets") && reply_number(reply.json, "/rows") == 3);
    reply_free(&reply);
    put_text("/v1/datasets/p/targets", "y\n0\n1\n1\n", 200, &reply);
    CHECK(reply_count(reply.json, "/features/columns") == 1);
    reply_free(&reply);
    put_text("/v1/datasets/p", "a,y\n1,0\n2,1\n", 200, &reply); /* replaces both */
    CHECK(!reply_at(reply.json, "/targets") && reply_count(reply.json, "/columns") == 2);
    reply_free(&reply);
}

/* 51 columns: their values are shown when asked for. 120 values: a hundred are. */
static void test_values_shown(void) {
    char text[4096] = "c0";
    struct reply reply;
    for (int i = 1; i < 51; i++)
        snprintf(text + strlen(text), 16, ",c%d", i);
    strcat(text, "\n0");
    for (int i = 1; i < 51; i++)
        strcat(text, ",7");
    strcat(text, "\n");
    put_text("/v1/datasets/wide", text, 201, &reply);
    CHECK(reply_at(reply.json, "/columns/50/distinct") &&
          !reply_at(reply.json, "/columns/50/values"));
    reply_free(&reply);
    client_get(user, &reply, "/v1/datasets/wide?values=all");
    CHECK_TEXT(reply_text(reply.json, "/columns/50/values/0/value"), "7");
    reply_free(&reply);
    strcpy(text, "n\n");
    for (int i = 0; i < 120; i++)
        snprintf(text + strlen(text), 16, "%d\n", i);
    put_text("/v1/datasets/long", text, 201, &reply);
    CHECK(reply_count(reply.json, "/columns/0/values") == 100 &&
          reply_number(reply.json, "/columns/0/distinct") == 120);
    reply_free(&reply);
    client_get(user, &reply, "/v1/datasets/long?values=all");
    CHECK(reply_count(reply.json, "/columns/0/values") == 120);
    reply_free(&reply);
}

static void test_list(void) {
    struct reply reply;
    char after[160] = "";
    size_t seen = 0, pages = 0;
    bool more = true;
    while (more && pages++ < 100) {
        client_get(user, &reply, "/v1/datasets?limit=7%s%s", *after ? "&after=" : "",
                   after);
        size_t n = reply_count(reply.json, "/data");
        more = json_is_true(reply_at(reply.json, "/has_more"));
        for (size_t i = 0; i < n; i++) {
            const json_t *item = json_array_get(reply_at(reply.json, "/data"), i);
            const char *name = reply_text(item, "/name");
            CHECK_SAY(strcmp(name, after) > 0, "%s behind %s", name, after);
            CHECK(reply_number(item, "/rows") > 0 && reply_number(item, "/bytes") > 0 &&
                  reply_number(item, "/columns_count") > 0 &&
                  reply_number(item, "/revision") > 0 && reply_at(item, "/created_at"));
            snprintf(after, sizeof after, "%s", name);
        }
        seen += n;
        reply_free(&reply);
        if (!CHECK(n == 7 || !more))
            return;
    }
    CHECK_SAY(seen == 2 * sizeof accepted / sizeof *accepted + 4, "%zu", seen);
}

/* ---- what is refused ---------------------------------------------------------------
 */

static void test_cut_gzip(void) {
    struct reply reply;
    unsigned char packed[512];
    size_t n = gzip(BYTES("a,b\n1,2\n3,4\n5,6\n7,8\n"), packed, sizeof packed);
    for (size_t cut = 2; cut < n; cut += 3) {
        put("/v1/datasets/cut", packed, cut, NULL, &reply);
        CHECK_SAY(reply.status == 400, "%zu: %ld", cut, reply.status);
        reply_free(&reply);
    }
    client_get(user, &reply, "/v1/datasets/cut");
    CHECK(reply.status == 404);
    reply_free(&reply);
}

/* An error in the first of many pieces is answered when all of them came. */
static void test_early_error(void) {
    struct reply reply;
    size_t n = 6 << 20;
    char *text = malloc(n);
    if (!CHECK(text))
        return;
    memset(text, '\n', n);
    memcpy(text, "a,b\n1,2\n3,4,5\n", 14);
    put("/v1/datasets/early", text, n, NULL, &reply);
    CHECK(reply.status == 400);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "line 3");
    reply_free(&reply);
    free(text);
}

static void test_over_the_limit(void) {
    struct raw raw;
    struct reply reply;
    char head[256];
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    snprintf(head, sizeof head,
             "PUT /v1/datasets/large HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
             "Content-Length: %d\r\n\r\n",
             LIMIT + 1);
    raw_text(&raw, head); /* refused before any of it is sent */
    CHECK(raw_reply(&raw, false, ANSWER_MS, &reply) && reply.status == 413);
    CHECK_SAY(strstr(reply.body, "--upload-bytes-max"), "%s", reply.body);
    reply_free(&reply);
    raw_close(&raw);
}

/* ---- framing and clients that leave ------------------------------------------------
 */

static void test_chunked(void) {
    struct raw raw;
    struct reply reply;
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    raw_text(&raw, "PUT /v1/datasets/chunked HTTP/1.1\r\nHost: a\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n6\r\na,b\n1,\r\n");
    daemon_sleep_ms(20);
    raw_text(&raw, "6\r\n2\n3,4\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(raw_reply(&raw, false, ANSWER_MS, &reply) && reply.status == 201);
    CHECK(reply_number(reply.json, "/columns/1/mean") == 3);
    reply_free(&reply);
    CHECK(raw_reply(&raw, false, ANSWER_MS, &reply) && reply.status == 200);
    reply_free(&reply);
    raw_close(&raw);
}

static void fill_rows(char *text, size_t n) {
    for (size_t i = 0; i + 8 <= n; i += 8)
        memcpy(text + i, "123,456\n", 8);
}

/* Many pieces, in one chunk each and in one for all. */
static void test_chunked_large(void) {
    struct reply reply;
    size_t n = 5 << 20;
    char *text = malloc(n);
    if (!CHECK(text))
        return;
    fill_rows(text, n);
    put("/v1/datasets/chunked-large", text, n, "Transfer-Encoding: chunked", &reply);
    CHECK_SAY(reply.status == 201 && reply_number(reply.json, "/rows") == (double)(n / 8),
              "%ld %.300s", reply.status, reply.body);
    reply_free(&reply);
    free(text);
}

/* Sends half of an upload and waits until it has left this process: the daemon has read
 * what is more than the kernel holds for it. */
static bool half_send(struct raw *raw, const char *rows) {
    char head[160];
    if (!CHECK(raw_open(raw, daemon_of_all.port)))
        return false;
    snprintf(head, sizeof head,
             "PUT /v1/datasets/half HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
             2 * HALF);
    int64_t end = daemon_clock_ms() + WAIT_MS;
    bool ok = raw_text(raw, head) && raw_send(raw, rows, HALF);
    int unsent = 1;
    while (ok && unsent && daemon_clock_ms() < end) {
        ok = ioctl(raw->fd, SIOCOUTQ, &unsent) == 0;
        if (unsent)
            daemon_sleep_ms(5);
    }
    return CHECK(ok && !unsent);
}

/* Until the daemon has undone the upload of a client that left: it has only our
 * connection any more, and its only thread with a store has got to what came behind. */
static void left_wait(void) {
    int64_t end = daemon_clock_ms() + WAIT_MS;
    struct reply reply;
    double connections;
    do {
        client_get(user, &reply, "/metrics");
        connections = reply_metric(&reply, "descentd_connections");
        reply_free(&reply);
        if (connections > 1)
            daemon_sleep_ms(5);
    } while (connections > 1 && daemon_clock_ms() < end);
    CHECK_SAY(connections == 1, "%g connections", connections);
    client_get(user, &reply, "/v1/datasets/half");
    CHECK(reply.status == 404);
    reply_free(&reply);
}

static long store_bytes(void) {
    struct stat s;
    return stat(daemon_of_all.store, &s) == 0 ? (long)s.st_size : 0;
}

/* What does not arrive leaves nothing: the pages of one are those of the next. The last
 * times the daemon ends instead of the client. */
static void test_clients_that_leave(void) {
    struct raw raw;
    char *rows = malloc(HALF);
    if (!CHECK(rows))
        return;
    fill_rows(rows, HALF);
    long before = store_bytes();
    for (int i = 0; i < 9; i++) {
        if (!half_send(&raw, rows))
            break;
        if (i >= 6)
            CHECK(daemon_stop(&daemon_of_all) == 0);
        raw_close(&raw);
        if (i >= 6 && !CHECK(daemon_restart(&daemon_of_all)))
            break;
        left_wait();
    }
    CHECK_SAY(store_bytes() < before + 2 * HALF, "%ld became %ld", before, store_bytes());
    free(rows);
}

/* 64 MiB behind a header in bounded memory, while others are served. */
static void check_memory(const char *name, const char *header, double rows_n) {
    struct raw raw;
    struct reply reply;
    char head[160];
    char *rows = malloc(HALF);
    double slowest = 0;
    if (!CHECK(rows && raw_open(&raw, daemon_of_all.port)))
        return;
    fill_rows(rows, HALF);
    snprintf(head, sizeof head,
             "PUT /v1/datasets/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
             name, 8 * (size_t)HALF + (*header ? 10 + strlen(header) : 0));
    raw_text(&raw, head);
    if (*header)
        raw_send(&raw, "\x93NUMPY\x01\x00\x3c\x00", 10);
    raw_text(&raw, header);
    for (int i = 0; i < 8; i++) {
        raw_send(&raw, rows, HALF);
        client_get(user, &reply, "/livez");
        CHECK(reply.status == 200);
        slowest = reply.seconds > slowest ? reply.seconds : slowest;
        reply_free(&reply);
    }
    CHECK(raw_reply(&raw, false, 20000, &reply) && reply.status == 201);
    CHECK(reply_number(reply.json, "/rows") == rows_n);
    reply_free(&reply);
    raw_close(&raw);
    free(rows);
    long peak = daemon_memory_kib(daemon_of_all.pid, "VmHWM");
    CHECK_SAY(peak > 0 && peak < PEAK_KIB, "%ld KiB", peak);
    CHECK_SAY(slowest < 0.25, "%g s", slowest);
}

static void test_memory(void) {
    check_memory("64", "", HALF);
    /* Column behind column: 4 bytes each of an integer. */
    check_memory("64-fortran",
                 "{'descr': '<i4', 'fortran_order':True, 'shape':(2097152,8)}\n",
                 2097152);
}

int main(void) {
    static const char *const flags[] = {"--upload-bytes-max",
                                        "83886080",
                                        "--workers",
                                        "0",
                                        "--drain-timeout-ms",
                                        "300",
                                        "--body-bytes-max",
                                        "1024",
                                        "--store-threads",
                                        "1",
                                        NULL};
    if (!daemon_start(&daemon_of_all, flags))
        return 1;
    CHECK_RUN(test_formats);
    CHECK_RUN(test_revisions);
    CHECK_RUN(test_parts);
    CHECK_RUN(test_values_shown);
    CHECK_RUN(test_list);
    CHECK_RUN(test_cut_gzip);
    CHECK_RUN(test_early_error);
    CHECK_RUN(test_over_the_limit);
    CHECK_RUN(test_chunked);
    CHECK_RUN(test_chunked_large);
    CHECK_RUN(test_clients_that_leave);
    CHECK_RUN(test_memory);
    daemon_close(&daemon_of_all);
    return check_done();
}
