#include "server/http_media.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/csv_instances.h"
#include "server/routes.h"

/* The first of a kind is what an error says. */
static const struct {
    enum http_media media;
    unsigned body; /* of enum route_body */
    const char *type;
} known[] = {{MEDIA_JSON, BODY_JSON, "application/json"},
             {MEDIA_CSV, BODY_CSV, "text/csv"},
             {MEDIA_CSV, 0, "application/csv"},
             {MEDIA_NPY, BODY_NPY, "application/x-npy"},
             {MEDIA_BYTES, BODY_BYTES, "application/octet-stream"},
             {MEDIA_FORM, 0, "application/x-www-form-urlencoded"}};
enum { KNOWN_N = sizeof known / sizeof *known };

static bool is_type(const char *content_type, const char *type) {
    size_t n = strlen(type);
    if (strncasecmp(content_type, type, n) != 0)
        return false;
    char next = content_type[n];
    return !next || next == ';' || next == ' ' || next == '\t';
}

enum http_media http_media_of(const char *content_type) {
    if (!content_type)
        return MEDIA_NONE;
    for (size_t i = 0; i < KNOWN_N; i++)
        if (is_type(content_type, known[i].type))
            return known[i].media;
    return MEDIA_OTHER;
}

static unsigned body_of(enum http_media media) {
    for (size_t i = 0; i < KNOWN_N; i++)
        if (known[i].media == media)
            return known[i].body;
    return BODY_NONE;
}

bool http_media_check(const struct http_request *request, unsigned body, struct err *e) {
    enum http_media media = request->media;
    char expected[128] = "";
    if (media == MEDIA_CSV && body & BODY_CSV && !csv_is_utf8(request->content_type))
        return err_set(e, ERR_MEDIA, "Content-Type", "expected UTF-8, got \"%.60s\"",
                       request->content_type);
    if (body & BODY_ANY_TYPE || media == MEDIA_NONE || media == MEDIA_FORM ||
        body_of(media) & body)
        return true;
    for (size_t i = 0, at = 0; i < KNOWN_N; i++)
        if (body & known[i].body)
            at += (size_t)snprintf(expected + at, sizeof expected - at, "%s%s",
                                   at ? " or " : "", known[i].type);
    return err_set(e, ERR_MEDIA, "Content-Type", "expected %s, got \"%.60s\"", expected,
                   request->content_type);
}
