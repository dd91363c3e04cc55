#include "server/http_coding.h"

#include <string.h>
#include <strings.h>

#include "api/deflater.h"
#include "server/http_accept.h"
#include "server/http_exchange.h"

enum {
    CODED_BYTES_MIN = 1400,     /* with its head a packet, whatever is saved */
    INLINE_BYTES_MAX = 64 << 10 /* less than a millisecond's work */
};

const char *coding_name(enum http_coding coding) {
    static const char *const names[] = {
        [CODING_NONE] = NULL, [CODING_GZIP] = "gzip", [CODING_DEFLATE] = "deflate"};
    return names[coding];
}

/* Numbers as bytes become hardly smaller. */
static bool is_text(const char *type) {
    static const char *const kinds[] = {"text/", "application/json"};
    for (size_t i = 0; type && i < sizeof kinds / sizeof *kinds; i++)
        if (strncasecmp(type, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return !type;
}

/* Clients of the Open Inference Protocol inflate predictions alone, whatever else their
 * library has said that it takes. */
static bool may_vary(const struct exchange *x) {
    const struct http_reply *reply = &x->reply;
    return reply->body.n >= CODED_BYTES_MIN && is_text(reply->type) &&
           !(x->route && x->route->subsystem == SUBSYSTEM_OIP);
}

static enum http_coding coding_wanted(struct exchange *x) {
    const struct http_reply *reply = &x->reply;
    const char *accept = x->request.accept_encoding;
    bool only;
    if (x->err.kind || reply->feed || reply->etag[0] || reply->body.failed)
        return CODING_NONE;
    x->answer_coding.varies = may_vary(x);
    if (!x->answer_coding.varies && !(accept && strcasestr(accept, "q=0")))
        return CODING_NONE; /* nor does it refuse the answer as it is */
    enum http_coding coding = http_accept_coding(accept, &only);
    return x->answer_coding.varies || only ? coding : CODING_NONE;
}

bool coding_settle(struct exchange *x, bool may_wait) {
    struct http_answer_coding *answer = &x->answer_coding;
    if (answer->settled)
        return true;
    enum http_coding wanted = coding_wanted(x);
    if (wanted != CODING_NONE && !may_wait && x->reply.body.n > INLINE_BYTES_MAX)
        return false;
    answer->settled = true;
    if (wanted != CODING_NONE &&
        deflater_pack(wanted == CODING_GZIP ? INFLATER_GZIP : INFLATER_DEFLATE,
                      &x->reply.body)) {
        answer->coding = wanted;
        answer->varies = true;
    }
    return true;
}
