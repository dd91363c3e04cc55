/* http_head_path: segments that are within the buffer, clean and without a slash. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <string.h>

#include "server/http_head.h"

/* jansson decides what UTF-8 is. */
static void segment_check(const char *segment, const char *buffer) {
    PROMISE(segment >= buffer && segment < buffer + HTTP_PATH_MAX);
    PROMISE(!strchr(segment, '/'));
    for (const char *c = segment; *c; c++)
        PROMISE((unsigned char)*c >= 0x20 && *c != 0x7f);
    json_t *string = json_string(segment);
    PROMISE(string);
    json_decref(string);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static char buffer[HTTP_PATH_MAX];
    struct http_request request = {0};
    struct err e = {0};
    char *path = malloc(n + 1);
    PROMISE(path);
    if (n)
        memcpy(path, data, n);
    path[n] = '\0';
    if (http_head_path(path, buffer, &request, &e)) {
        PROMISE(path[0] == '/' && request.segments_n <= HTTP_SEGMENTS_MAX);
        for (size_t i = 0; i < request.segments_n; i++)
            segment_check(request.segments[i], buffer);
    } else {
        PROMISE(e.kind == ERR_INVALID || e.kind == ERR_NOT_FOUND);
    }
    size_t before = strlen(path);
    e = (struct err){0};
    if (http_head_unescape(path, true, &e))
        PROMISE(strlen(path) <= before);
    else
        PROMISE(e.kind == ERR_INVALID);
    free(path);
    return 0;
}
