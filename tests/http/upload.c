#include "tests/http/upload.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/check.h"

bool upload_text(struct client *client, const char *name, const char *text) {
    char path[160];
    struct reply reply;
    snprintf(path, sizeof path, "/v1/datasets/%s", name);
    client_send(client,
                &(struct request){
                    .method = "PUT", .path = path, .body = text, .body_n = strlen(text)},
                &reply);
    bool ok = CHECK_SAY(reply.status == 201 || reply.status == 200, "%s: %ld %s", path,
                        reply.status, reply.body);
    reply_free(&reply);
    return ok;
}
