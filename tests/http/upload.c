#include "tests/http/upload.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/check.h"

bool upload_bytes(struct client *client, const char *name, const void *bytes, size_t n) {
    char path[160];
    struct reply reply;
    snprintf(path, sizeof path, "/v1/datasets/%s", name);
    client_send(
        client,
        &(struct request){.method = "PUT", .path = path, .body = bytes, .body_n = n},
        &reply);
    bool ok = CHECK_SAY(reply.status == 201 || reply.status == 200, "%s: %ld %s", path,
                        reply.status, reply.body);
    reply_free(&reply);
    return ok;
}

bool upload_text(struct client *client, const char *name, const char *text) {
    return upload_bytes(client, name, text, strlen(text));
}

bool upload_file(struct client *client, const char *name, const char *file) {
    static char bytes[1 << 20];
    FILE *f = fopen(file, "rb");
    if (!CHECK_SAY(f != NULL, "%s", file))
        return false;
    size_t n = fread(bytes, 1, sizeof bytes - 1, f);
    fclose(f);
    return upload_bytes(client, name, bytes, n);
}
