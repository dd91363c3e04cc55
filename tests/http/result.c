#include "tests/http/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/job.h"
#include "tests/unit/check.h"

enum { WAIT_S = 120 };

void result_free(struct result *r) {
    free(r->curve);
    free(r->parameters);
    *r = (struct result){0};
}

static char *body_take(struct reply *reply, size_t *n) {
    char *body = reply->body;
    *n = reply->body_n;
    reply->body = NULL;
    reply_free(reply);
    return body;
}

/* Of an ended job, and of the only version of its model. */
bool result_read(struct client *user, const char *id, const char *model,
                 struct result *r) {
    struct reply reply;
    client_get(user, &reply, "/v1/jobs/%s/history", id);
    bool ok = CHECK(reply.status == 200);
    r->curve = body_take(&reply, &r->curve_n);
    client_get(user, &reply, "/v1/models/%s/versions/1/export?format=safetensors", model);
    ok = CHECK_SAY(reply.status == 200, "%s: %ld", model, reply.status) && ok;
    r->parameters = body_take(&reply, &r->parameters_n);
    client_get(user, &reply, "/v1/models/%s/versions", model);
    ok = CHECK_SAY(reply_count(reply.json, "/data") == 1, "%s has %zu versions", model,
                   reply_count(reply.json, "/data")) &&
         ok;
    reply_free(&reply);
    return ok;
}

void result_check(const struct result *got, const struct result *want, const char *what) {
    CHECK_SAY(got->curve_n == want->curve_n &&
                  memcmp(got->curve, want->curve, want->curve_n) == 0,
              "%s: another curve", what);
    CHECK_SAY(got->parameters_n == want->parameters_n &&
                  memcmp(got->parameters, want->parameters, want->parameters_n) == 0,
              "%s: other parameters", what);
}

/* Trains it straight through. */
bool result_reference(struct client *user, json_t *job, const char *model,
                      struct result *want) {
    struct reply reply;
    if (!job_train(user, job, &reply)) {
        reply_free(&reply);
        return false;
    }
    char id[JOB_ID_BYTES];
    snprintf(id, sizeof id, "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    return result_read(user, id, model, want);
}

bool result_finish(struct client *user, const char *id, const char *model,
                   const struct result *want) {
    struct reply reply;
    struct result got = {0};
    bool ok = job_wait(user, id, "succeeded", WAIT_S, &reply);
    reply_free(&reply);
    if (ok && result_read(user, id, model, &got))
        result_check(&got, want, model);
    result_free(&got);
    return ok;
}
