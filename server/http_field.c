#include "server/http_field.h"

#include <strings.h>

#include "server/http.h"

/* No two have the same length and, whatever its case, the same first letter. */
#define NAME(text)                                                                       \
    { text, sizeof text - 1, (text)[0] | 0x20 }
static const struct {
    const char *text;
    unsigned char n, letter;
} names[NAMES_N] = {
    [NAME_OTHER] = {"", 0, 0},
    [NAME_ACCEPT] = NAME("Accept"),
    [NAME_ACCEPT_ENCODING] = NAME("Accept-Encoding"),
    [NAME_AUTHORIZATION] = NAME("Authorization"),
    [NAME_CONTENT_ENCODING] = NAME("Content-Encoding"),
    [NAME_CONTENT_LENGTH] = NAME("Content-Length"),
    [NAME_CONTENT_TYPE] = NAME("Content-Type"),
    [NAME_COOKIE] = NAME("Cookie"),
    [NAME_EXPECT] = NAME("Expect"),
    [NAME_HOST] = NAME("Host"),
    [NAME_IDEMPOTENCY_KEY] = NAME("Idempotency-Key"),
    [NAME_IF_MATCH] = NAME("If-Match"),
    [NAME_IF_NONE_MATCH] = NAME("If-None-Match"),
    [NAME_INFERENCE_HEADER_CONTENT_LENGTH] = NAME("Inference-Header-Content-Length"),
    [NAME_LAST_EVENT_ID] = NAME("Last-Event-ID"),
    [NAME_ORIGIN] = NAME("Origin"),
    [NAME_TRANSFER_ENCODING] = NAME("Transfer-Encoding"),
    [NAME_X_REQUEST_ID] = NAME("X-Request-Id"),
    [NAME_X_REQUEST_TIMEOUT_MS] = NAME(HTTP_TIMEOUT),
};

enum http_name http_name_of(const char *name, size_t n) {
    if (!n)
        return NAME_OTHER;
    unsigned char letter = (unsigned char)name[0] | 0x20;
    for (enum http_name known = NAME_OTHER + 1; known < NAMES_N; known++)
        if (names[known].n == n && names[known].letter == letter)
            return strncasecmp(name, names[known].text, n) == 0 ? known : NAME_OTHER;
    return NAME_OTHER;
}

const char *http_name_text(enum http_name known) {
    return names[known].text;
}
