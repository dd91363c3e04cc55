#include "tests/http/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    char *start;
    size_t n;
};

static size_t bytes_append(char *from, size_t size, size_t count, void *to) {
    struct bytes *bytes = to;
    size_t n = size * count;
    char *start = realloc(bytes->start, bytes->n + n + 1);
    if (!start)
        return 0;
    bytes->start = start;
    memcpy(start + bytes->n, from, n);
    bytes->n += n;
    start[bytes->n] = '\0';
    return n;
}

bool client_open(struct client *client, int port) {
    client->curl = curl_easy_init();
    client->port = port;
    return client->curl != NULL;
}

void client_close(struct client *client) {
    if (client->curl)
        curl_easy_cleanup(client->curl);
    client->curl = NULL;
}

static void request_set(CURL *curl, const struct request *request) {
    if (request->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_n);
    }
    if (!request->method)
        return;
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

bool client_send(struct client *client, const struct request *request,
                 struct reply *reply) {
    CURL *curl = client->curl;
    struct bytes headers = {0}, body = {0};
    struct curl_slist *list = NULL;
    char url[2048];

    *reply = (struct reply){0};
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", client->port, request->path);
    for (const char *const *h = request->headers; h && *h; h++)
        list = curl_slist_append(list, *h);
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     request->timeout_ms ? request->timeout_ms : 60000L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, bytes_append);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, bytes_append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    request_set(curl, request);

    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(list);
    reply->headers = headers.start;
    reply->body = body.start ? body.start : strdup("");
    reply->body_n = body.n;
    if (code != CURLE_OK)
        return false;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME, &reply->seconds);
    reply->json = json_loadb(reply->body, reply->body_n, JSON_REJECT_DUPLICATES, NULL);
    return true;
}

bool client_get(struct client *client, struct reply *reply, const char *format, ...) {
    char path[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    return client_send(client, &(struct request){.path = path}, reply);
}

bool client_post(struct client *client, struct reply *reply, const char *path,
                 const char *body) {
    struct request request = {.path = path, .body = body, .body_n = strlen(body)};
    return client_send(client, &request, reply);
}

bool client_post_json(struct client *client, struct reply *reply, const char *path,
                      json_t *body) {
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    *reply = (struct reply){0};
    bool ok = text && client_post(client, reply, path, text);
    free(text);
    return ok;
}

bool client_call(struct client *client, struct reply *reply, const char *method,
                 const char *path) {
    return client_send(client, &(struct request){.method = method, .path = path}, reply);
}
