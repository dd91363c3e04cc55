#include "tests/http/promise.h"

#include <string.h>

#include "tests/unit/check.h"

static void curve_check(struct promise *promise, const json_t *data) {
    static double now[PROMISE_POINTS_MAX];
    size_t missing = 0, differing = 0;
    memset(now, 0, sizeof now);
    for (size_t i = 0; i < json_array_size(data); i++) {
        const json_t *point = json_array_get(data, i);
        double epoch = reply_number(point, "/epoch");
        if (CHECK(epoch >= 0 && epoch < PROMISE_POINTS_MAX))
            now[(size_t)epoch] = reply_number(point, "/cost");
    }
    for (size_t i = 0; i < PROMISE_POINTS_MAX; i++) {
        double before = promise->costs[i];
        missing += before > 0 && !(now[i] > 0);
        differing += before > 0 && now[i] > 0 && (now[i] < before || now[i] > before);
        if (now[i] > 0)
            promise->costs[i] = now[i];
    }
    CHECK_SAY(missing == 0 && differing == 0, "%s: %zu points lost, %zu changed",
              promise->id, missing, differing);
}

static bool has_ended(const json_t *job) {
    const char *status = reply_text(job, "/status");
    return strcmp(status, "succeeded") == 0 || strcmp(status, "failed") == 0 ||
           strcmp(status, "cancelled") == 0;
}

/* The newest one to go on from is the one that was seen or a later one, and what is said
 * of the job afterwards is not behind it. */
static void resumable_check(struct promise *promise, const json_t *list,
                            const json_t *job) {
    double newest = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_true(reply_at(item, "/resumable")))
            continue;
        newest = reply_number(item, "/number");
        if (newest > promise->resumable)
            promise->resumable_epoch = reply_number(item, "/epoch");
    }
    CHECK_SAY(newest >= promise->resumable, "%s: checkpoint %g was lost, %g is there",
              promise->id, promise->resumable, newest);
    CHECK_SAY(reply_number(job, "/epoch") >= promise->resumable_epoch,
              "%s: epoch %g, but checkpoint %g was of %g", promise->id,
              reply_number(job, "/epoch"), newest, promise->resumable_epoch);
    promise->resumable = newest;
}

static void checkpoint_check(struct promise *promise, const json_t *job) {
    if (!json_is_integer(reply_at(job, "/checkpoint")))
        return;
    double number = reply_number(job, "/checkpoint");
    CHECK_SAY(number >= promise->checkpoint, "%s: checkpoint %g after %g", promise->id,
              number, promise->checkpoint);
    promise->checkpoint = number;
}

void promise_check(struct client *user, struct promise *promise) {
    struct reply reply, list;
    if (client_get(user, &reply, "/v1/jobs/%s/history", promise->id) &&
        CHECK_SAY(reply.status == 200, "%s: %ld", promise->id, reply.status))
        curve_check(promise, reply_at(reply.json, "/data"));
    reply_free(&reply);
    client_get(user, &list, "/v1/jobs/%s/checkpoints", promise->id);
    if (client_get(user, &reply, "/v1/jobs/%s", promise->id)) {
        checkpoint_check(promise, reply.json);
        if (!has_ended(reply.json))
            resumable_check(promise, reply_at(list.json, "/data"), reply.json);
    }
    reply_free(&reply);
    reply_free(&list);
}

size_t promise_points(const struct promise *promise) {
    size_t n = 0;
    for (size_t i = 0; i < PROMISE_POINTS_MAX; i++)
        n += promise->costs[i] > 0;
    return n;
}
