/* The connection to PostgreSQL dies around a COMMIT, each one that a posted job needs, so
 * that the server cannot know what became of it. A job whose own was carried out is
 * accepted; whatever else is said, the same key posted again makes one job of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/relay.h"
#include "tests/unit/check.h"

static char store[POSTGRES_URL_MAX];
static struct relay relay;
static struct daemon d;

struct posted {
    long status;
    bool replayed, retry_after;
};

/* Data of its own, so that nothing of it is in the store before. `key` may be NULL. */
static struct posted post(int number, const char *key) {
    char body[200], header[64], value[256];
    struct reply reply;
    snprintf(header, sizeof header, "Idempotency-Key: %s", key ? key : "");
    int n = snprintf(body, sizeof body,
                     "{\"model\":\"m\",\"epochs\":1,\"data\":{\"features\":[[%d],[1]],"
                     "\"targets\":[1,2.5]}}",
                     number + 2);
    client_send(
        &d.client,
        &(struct request){.path = "/v1/jobs",
                          .headers = key ? (const char *const[]){header, NULL} : NULL,
                          .body = body,
                          .body_n = (size_t)n},
        &reply);
    struct posted p = {
        reply.status,
        strcmp(reply_header(&reply, "Idempotent-Replayed", value), "true") == 0,
        *reply_header(&reply, "Retry-After", value)};
    CHECK_SAY(p.status == 202 || p.status == 503, "%ld %s", reply.status, reply.body);
    reply_free(&reply);
    return p;
}

static int64_t jobs(const char *key) {
    char sql[120];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM jobs WHERE idempotency_key = '%s'",
             key);
    return postgres_int(store, sql);
}

/* @return the status of the first answer. */
static long post_through(int cut_at, enum relay_cut how) {
    static int number;
    char key[16];
    snprintf(key, sizeof key, "key-%d", ++number);
    relay_cut(&relay, cut_at, how);
    struct posted first = post(number, key);
    int64_t there = jobs(key);
    CHECK_SAY(there == (first.status == 202), "cut %d: %ld, and %lld there", cut_at,
              first.status, (long long)there);
    CHECK(!first.replayed && first.retry_after == (first.status == 503));
    struct posted again = post(number, key);
    CHECK_SAY(again.status == 202 && again.replayed == (first.status == 202),
              "cut %d, again: %ld, replayed %d", cut_at, again.status, again.replayed);
    CHECK(jobs(key) == 1);
    return first.status;
}

static void every_commit_is_cut(void) {
    int before = atomic_load(&relay.commits);
    CHECK(post(1000, "whole").status == 202);
    int commits_n = atomic_load(&relay.commits) - before;
    CHECK(commits_n >= 2); /* those of the bytes, and the job's own */
    for (int i = 1; i <= commits_n; i++) {
        CHECK(post_through(i, RELAY_BEFORE) == 503);
        long status = post_through(i, RELAY_AFTER);
        CHECK_SAY(i < commits_n || status == 202, "%ld", status);
    }
    /* Without a key it is the job's own id that tells. */
    int64_t there = postgres_int(store, "SELECT count(*) FROM jobs");
    relay_cut(&relay, commits_n, RELAY_AFTER);
    CHECK(post(1001, NULL).status == 202);
    CHECK(postgres_int(store, "SELECT count(*) FROM jobs") == there + 1);
    relay_cut(&relay, commits_n, RELAY_BEFORE);
    CHECK(post(1002, NULL).status == 503);
    CHECK(postgres_int(store, "SELECT count(*) FROM jobs") == there + 1);
}

/* The store's URL through the relay. */
static bool relayed(char url[POSTGRES_URL_MAX]) {
    const char *port = strstr(store, "127.0.0.1:");
    if (!CHECK(port != NULL) || !relay_open(&relay, atoi(port + 10)))
        return false;
    snprintf(url, POSTGRES_URL_MAX, "%.*s%d%s", (int)(port + 10 - store), store,
             relay.port, port + 10 + strspn(port + 10, "0123456789"));
    return true;
}

int main(void) {
    char url[POSTGRES_URL_MAX];
    const char *server = getenv("DESCENTD_TEST_POSTGRES");
    if (!CHECK_SAY(server, "run it by tests/run.sh") ||
        !postgres_schema_make(server, store) || !relayed(url) ||
        !daemon_start_on(
            &d, url, (const char *const[]){"--workers", "0", "--queue-max", "0", NULL}))
        return 1;
    CHECK_RUN(every_commit_is_cut);
    daemon_close(&d);
    relay_close(&relay);
    postgres_schema_end(store);
    return check_done();
}
