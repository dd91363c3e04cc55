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

void promise_check(struct client *user, struct promise *promise) {
    struct reply reply;
    if (client_get(user, &reply, "/v1/jobs/%s/history", promise->id) &&
        CHECK_SAY(reply.status == 200, "%s: %ld", promise->id, reply.status))
        curve_check(promise, reply_at(reply.json, "/data"));
    reply_free(&reply);
    if (client_get(user, &reply, "/v1/jobs/%s", promise->id) &&
        json_is_integer(reply_at(reply.json, "/checkpoint"))) {
        double number = reply_number(reply.json, "/checkpoint");
        CHECK_SAY(number >= promise->checkpoint, "%s: checkpoint %g after %g",
                  promise->id, number, promise->checkpoint);
        promise->checkpoint = number;
    }
    reply_free(&reply);
}

size_t promise_points(const struct promise *promise) {
    size_t n = 0;
    for (size_t i = 0; i < PROMISE_POINTS_MAX; i++)
        n += promise->costs[i] > 0;
    return n;
}
