/* Jobs as a user handles them: post, wait, read the curve. */
#ifndef TESTS_HTTP_JOB_H
#define TESTS_HTTP_JOB_H

#include "tests/http/client.h"

enum { JOB_ID_BYTES = 64 };

/* Posts the job (which it frees), checks the 202 and copies the id.
 * @return false when it was not accepted. */
bool job_post(struct client *client, json_t *body, char id[JOB_ID_BYTES]);

/* Waits until the job has ended, `seconds` at most. *reply is the job as it stands then.
 * @return whether its status is `status`, which is checked. */
bool job_wait(struct client *client, const char *id, const char *status, int seconds,
              struct reply *reply);

/* Posts the job, waits for its success and checks it. *reply is the job (may be NULL). */
bool job_train(struct client *client, json_t *body, struct reply *reply);

/* POST /v1/jobs/`id`/`verb`. *reply is the answer. */
bool job_order(struct client *client, const char *id, const char *verb,
               struct reply *reply);

/* Asks for the end of a job. *reply is the answer. */
bool job_cancel(struct client *client, const char *id, struct reply *reply);

/* Polls until the job has that status, `seconds` at most. @return whether it has, which
 * is checked. */
bool job_wait_status(struct client *client, const char *id, const char *status,
                     int seconds);

/* Polls until the job runs and has completed an epoch. */
bool job_wait_running(struct client *client, const char *id, int seconds);

/* The number that stands at that pointer of the job. */
double job_number(struct client *client, const char *id, const char *pointer);

/* Whether an id has the form of one, and a time that of RFC 3339 with milliseconds. */
bool job_id_is_formed(const char *id);
bool job_time_is_formed(const char *time);

/* Milliseconds since 1970 of such a time. */
double job_time_ms(const char *time);

#endif
