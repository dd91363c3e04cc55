#include "server/http_query.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_head.h"

const char *http_query_text(const struct http_request *request, const char *name) {
    for (size_t i = 0; i < request->query_n; i++)
        if (strcmp(request->query[i].name, name) == 0)
            return request->query[i].value;
    return NULL;
}

bool http_query_int(const struct http_request *request, const char *name, int64_t min,
                    int64_t max, int64_t *out, struct err *e) {
    const char *text = http_query_text(request, name);
    if (!text)
        return true;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool plain = text[text[0] == '-'] >= '0' && text[text[0] == '-'] <= '9';
    if (!plain || errno || *end || value < min || value > max)
        return err_set(e, ERR_INVALID, name,
                       "expected an integer from %" PRId64 " to %" PRId64
                       ", got \"%.40s\"",
                       min, max, text);
    *out = value;
    return true;
}

bool http_query_number(const struct http_request *request, const char *name, double min,
                       double max, double *out, struct err *e) {
    const char *text = http_query_text(request, name);
    if (!text)
        return true;
    char *end;
    double value = strtod(text, &end);
    bool plain = strspn(text, "0123456789.") == strlen(text);
    if (!plain || end == text || *end || !(value >= min && value <= max))
        return err_set(e, ERR_INVALID, name,
                       "expected a number from %g to %g, got \"%.40s\"", min, max, text);
    *out = value;
    return true;
}

static bool text_copy(struct http_query_space *space, const char *text, const char **copy,
                      struct err *e) {
    size_t n = strlen(text) + 1;
    if (n > space->left)
        return err_set(e, ERR_INVALID, NULL, "the query is too long");
    char *to = space->at;
    memcpy(to, text, n);
    space->at += n;
    space->left -= n;
    *copy = to;
    return http_head_unescape(to, true, e);
}

bool http_query_add(struct http_request *request, struct http_query_space *space,
                    const char *name, const char *value, struct err *e) {
    if (request->query_n == HTTP_QUERY_MAX)
        return err_set(e, ERR_INVALID, NULL, "expected at most %d query parameters",
                       HTTP_QUERY_MAX);
    struct http_pair *pair = &request->query[request->query_n];
    if (!text_copy(space, name, &pair->name, e))
        return false;
    if (!text_copy(space, value, &pair->value, e)) {
        snprintf(e->where, sizeof e->where, "%s", pair->name);
        return false;
    }
    if (http_query_text(request, pair->name))
        return err_set(e, ERR_INVALID, pair->name, "is given twice");
    request->query_n++;
    return true;
}

/* Of words with a space between two; whatever `word` is. */
static bool word_among(const char *word, const char *words) {
    size_t n = strlen(word);
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t word_n = strcspn(at, " ");
        if (word_n == n && memcmp(at, word, n) == 0)
            return true;
        at += word_n;
    }
    return false;
}

bool http_query_known(const struct http_request *request, const char *words,
                      struct err *e) {
    for (size_t i = 0; i < request->query_n; i++) {
        const char *name = request->query[i].name;
        if (!word_among(name, words))
            return err_set(e, ERR_INVALID, name, "%s; known here: %s",
                           name[0] ? "is an unknown query parameter"
                                   : "a query parameter without a name",
                           words[0] ? words : "none");
    }
    return true;
}

static bool id_is_valid(const char *id) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-";
    size_t n = strlen(id);
    return n > 0 && n < HTTP_ID_MAX && strspn(id, allowed) == n;
}

/* @return behind the digits. */
static char *hex_write(uint64_t value, char *to) {
    int digits = 1;
    while (digits < 16 && value >> 4 * digits)
        digits++;
    for (int i = digits - 1; i >= 0; i--)
        *to++ = "0123456789abcdef"[value >> 4 * i & 15];
    return to;
}

void http_request_id(struct http_request *request, const char *given) {
    static atomic_uint_fast64_t counter;
    if (given && id_is_valid(given)) {
        snprintf(request->id, sizeof request->id, "%s", given);
        return;
    }
    uint64_t n = atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
    char *at = request->id;
    memcpy(at, "req-", 4);
    at = hex_write((uint64_t)request->received_us, at + 4);
    *at++ = '-';
    *hex_write(n, at) = '\0';
}
