#include "tests/http/job.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/http/daemon.h"
#include "tests/unit/check.h"

bool job_post(struct client *client, json_t *body, char id[JOB_ID_BYTES]) {
    struct reply reply;
    id[0] = '\0';
    bool ok = client_post_json(client, &reply, "/v1/jobs", body);
    if (CHECK_SAY(ok && reply.status == 202, "%ld: %s", reply.status, reply.body))
        snprintf(id, JOB_ID_BYTES, "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    return id[0] != '\0';
}

static bool has_ended(const char *status) {
    return strcmp(status, "queued") != 0 && strcmp(status, "running") != 0 &&
           strcmp(status, "paused") != 0;
}

bool job_wait(struct client *client, const char *id, const char *status, int seconds,
              struct reply *reply) {
    int64_t end = daemon_clock_ms() + (int64_t)seconds * 1000;
    *reply = (struct reply){0};
    do {
        reply_free(reply);
        client_get(client, reply, "/v1/jobs/%s?wait=5", id);
    } while (reply->status == 200 && !has_ended(reply_text(reply->json, "/status")) &&
             daemon_clock_ms() < end);
    return CHECK_SAY(strcmp(reply_text(reply->json, "/status"), status) == 0,
                     "%s is not %s: %ld %.600s", id, status, reply->status, reply->body);
}

bool job_train(struct client *client, json_t *body, struct reply *reply) {
    char id[JOB_ID_BYTES];
    struct reply job = {0};
    bool ok = job_post(client, body, id) && job_wait(client, id, "succeeded", 60, &job);
    if (reply)
        *reply = job;
    else
        reply_free(&job);
    return ok;
}

bool job_order(struct client *client, const char *id, const char *verb,
               struct reply *reply) {
    char path[JOB_ID_BYTES + 64];
    snprintf(path, sizeof path, "/v1/jobs/%.*s/%.40s", JOB_ID_BYTES, id, verb);
    return client_call(client, reply, "POST", path);
}

bool job_cancel(struct client *client, const char *id, struct reply *reply) {
    return job_order(client, id, "cancel", reply);
}

bool job_wait_status(struct client *client, const char *id, const char *status,
                     int seconds) {
    int64_t end = daemon_clock_ms() + (int64_t)seconds * 1000;
    char now[32];
    do {
        struct reply reply;
        client_get(client, &reply, "/v1/jobs/%s", id);
        snprintf(now, sizeof now, "%s", reply_text(reply.json, "/status"));
        reply_free(&reply);
        if (strcmp(now, status) == 0)
            return true;
        daemon_sleep_ms(5);
    } while (daemon_clock_ms() < end);
    return CHECK_SAY(false, "%s is %s, not %s", id, now, status);
}

double job_number(struct client *client, const char *id, const char *pointer) {
    struct reply reply;
    client_get(client, &reply, "/v1/jobs/%s", id);
    double number = reply_number(reply.json, pointer);
    reply_free(&reply);
    return number;
}

bool job_wait_running(struct client *client, const char *id, int seconds) {
    int64_t end = daemon_clock_ms() + (int64_t)seconds * 1000;
    bool running = false, ended = false;
    while (!running && !ended && daemon_clock_ms() < end) {
        struct reply reply;
        if (client_get(client, &reply, "/v1/jobs/%s", id)) {
            const char *status = reply_text(reply.json, "/status");
            running =
                strcmp(status, "running") == 0 && reply_number(reply.json, "/epoch") >= 1;
            ended = has_ended(status);
        }
        reply_free(&reply);
        daemon_sleep_ms(5);
    }
    return running;
}

bool job_id_is_formed(const char *id) {
    return strlen(id) == 24 && strncmp(id, "job_", 4) == 0 &&
           strspn(id + 4, "0123456789abcdefghijklmnopqrstuvwxyz") == 20;
}

bool job_time_is_formed(const char *time) {
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (strlen(time) != sizeof form - 1)
        return false;
    for (size_t i = 0; form[i]; i++) {
        bool digit = time[i] >= '0' && time[i] <= '9';
        if (form[i] == 'd' ? !digit : time[i] != form[i])
            return false;
    }
    return true;
}

double job_time_ms(const char *time) {
    struct tm t = {0};
    int ms = 0;
    if (!job_time_is_formed(time) ||
        sscanf(time, "%d-%d-%dT%d:%d:%d.%d", &t.tm_year, &t.tm_mon, &t.tm_mday,
               &t.tm_hour, &t.tm_min, &t.tm_sec, &ms) != 7)
        return (double)NAN;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    return (double)timegm(&t) * 1000 + ms;
}
