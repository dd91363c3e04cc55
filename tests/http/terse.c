#include "tests/http/terse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/job.h"
#include "tests/unit/check.h"

static void quotes_put(char *text) {
    for (char *at = text; *at; at++)
        if (*at == '\'')
            *at = '"';
}

static json_t *json_of(const char *format, va_list arguments) {
    static char text[TERSE_BYTES];
    json_error_t error;
    vsnprintf(text, sizeof text, format, arguments);
    quotes_put(text);
    json_t *json = json_loads(text, 0, &error);
    CHECK_SAY(json != NULL, "%s: %s", error.text, text);
    return json;
}

bool terse_train(struct client *client, struct reply *reply, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    json_t *job = json_of(format, arguments);
    va_end(arguments);
    return job_train(client, job, reply);
}

void terse_refused(struct client *client, const char *param, const char *part,
                   const char *format, ...) {
    struct reply reply;
    va_list arguments;
    va_start(arguments, format);
    json_t *job = json_of(format, arguments);
    va_end(arguments);
    client_post_json(client, &reply, "/v1/jobs", job);
    CHECK_SAY(reply.status == 400 &&
                  strcmp(reply_text(reply.json, "/error/param"), param) == 0 &&
                  strstr(reply_text(reply.json, "/error/message"), part),
              "%s, %s: %ld %s", param, part, reply.status, reply.body);
    reply_free(&reply);
}

bool terse_predict(struct client *client, struct reply *reply, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    json_t *body = json_of(format, arguments);
    va_end(arguments);
    client_post_json(client, reply, "/predict", body);
    return reply->status == 200;
}

bool terse_equal(const json_t *json, const char *pointer, const char *want) {
    char text[TERSE_BYTES];
    snprintf(text, sizeof text, "%s", want);
    quotes_put(text);
    json_t *wanted = json_loads(text, JSON_DECODE_ANY, NULL);
    json_t *got = reply_at(json, pointer);
    char *shown = got ? json_dumps(got, JSON_ENCODE_ANY) : NULL;
    bool ok = CHECK_SAY(wanted && got && json_equal(got, wanted), "%s: %s, not %s",
                        pointer, shown ? shown : "nothing", text);
    free(shown);
    json_decref(wanted);
    return ok;
}
