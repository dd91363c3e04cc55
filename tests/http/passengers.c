#include "tests/http/passengers.h"

#include <stdio.h>

#include "tests/http/job.h"
#include "tests/unit/check.h"

bool passengers_train(struct client *client) {
    char body[8192];
    size_t n = (size_t)snprintf(body, sizeof body, "class,sex,age,survived\n");
    for (int i = 0; i < 200; i++)
        n += (size_t)snprintf(body + n, sizeof body - n, "%s,%s,%s,%s\n",
                              i % 3 ? "third" : "first", i % 2 ? "male" : "female",
                              i % 5 ? "30.5" : "", i % 3 && i % 2 ? "no" : "yes");
    struct reply reply;
    client_send(client,
                &(struct request){
                    .method = "PUT",
                    .path = "/v1/datasets/passengers",
                    .headers = (const char *const[]){"Content-Type: text/csv", NULL},
                    .body = body,
                    .body_n = n},
                &reply);
    bool ok = CHECK_SAY(reply.status == 201, "%ld: %s", reply.status, reply.body);
    reply_free(&reply);
    return ok && job_train(client,
                           json_pack("{sssssssi}", "model", "passengers", "dataset",
                                     "passengers", "target", "survived", "seed", 1),
                           NULL);
}
