/* The head of a request, judged: framing that two parties could read differently, paths
 * that decode to something else, pages of other origins. Pure.
 *
 * libmicrohttpd 0.9.75 accepts what RFC 9112 tells a server to refuse (both
 * Content-Length and Transfer-Encoding, two of either, names with a space behind them):
 * here it is refused. */
#ifndef SERVER_HTTP_HEAD_H
#define SERVER_HTTP_HEAD_H

#include "server/http.h"
#include "server/http_field.h"
#include "server/http_width.h"
#include "server/routes.h"

/* What libmicrohttpd keeps of a head is to leave room for that of the answer: else it
 * would end the connection, without an answer to a request that has been carried out. */
enum {
    HTTP_FIELDS_MAX = 100,
    HTTP_PATH_MAX = 2048,
    HTTP_ENTRY_BYTES = 64, /* kept for a field, a cookie, or a query's parameter */
    HTTP_ANSWER_HEAD_BYTES_MAX = 1024,
    HTTP_HEAD_BYTES_MAX = HTTP_WIDTH_LEAST_BYTES - HTTP_ANSWER_HEAD_BYTES_MAX
};

struct http_head {
    const char *version; /* "HTTP/1.1" */
    size_t line_n;       /* bytes that are kept of the request line */
    size_t parameters_n; /* of its query */
    bool torn;           /* a NUL stands in the request line */
    size_t fields_n;     /* may be over HTTP_FIELDS_MAX: refused */
    struct {
        unsigned char first, n; /* fields[first] is the first of n */
    } known[NAMES_N];
    struct http_field fields[HTTP_FIELDS_MAX]; /* not zeroed */
};

/* A head without fields. */
void http_head_open(struct http_head *head, const char *version, size_t line_n);

/* One field more, borrowed; beyond HTTP_FIELDS_MAX it is counted alone. */
void http_head_add(struct http_head *head, const struct http_field *field);

struct http_framing {
    bool chunked;
    bool length_known;
    uint64_t length;
};

/* ERR_INVALID, ERR_HEAD_TOO_LARGE, or ERR_FORBIDDEN for a foreign Origin. */
bool http_head_check(const struct http_head *head, struct http_framing *framing,
                     struct err *e) __attribute__((warn_unused_result));

/* What Content-Encoding says (RFC 9110, section 8.4): at most one coding. ERR_MEDIA. */
enum http_coding { CODING_NONE, CODING_GZIP, CODING_DEFLATE };
#define HTTP_CODINGS "gzip, deflate" /* those that are known */
bool http_head_coding(const struct http_head *head, enum http_coding *coding,
                      struct err *e) __attribute__((warn_unused_result));

/* The value of a field, the first of its name; NULL when there is none. */
static inline const char *http_head_field(const struct http_head *head,
                                          enum http_name name) {
    return head->known[name].n ? head->fields[head->known[name].first].value : NULL;
}

/* The same for a field that is one value: others of its name may only repeat it.
 * ERR_INVALID. */
bool http_head_single(const struct http_head *head, enum http_name name,
                      const char **value, struct err *e)
    __attribute__((warn_unused_result));

/* The same for a field that is a list, which may stand in several fields (RFC 9110,
 * section 5.3): *joined then gets all of them as one, the caller's to free.
 * ERR_NO_MEMORY.
 */
bool http_head_list(const struct http_head *head, enum http_name name, const char **value,
                    char **joined, struct err *e) __attribute__((warn_unused_result));

/* X-Request-Timeout-Ms; 0 where there is none. ERR_INVALID: no whole number from 1 to
 * HTTP_TIMEOUT_MS_MAX, or two. */
enum { HTTP_TIMEOUT_MS_MAX = 3600000 };
bool http_head_timeout(const struct http_head *head, int64_t *ms, struct err *e)
    __attribute__((warn_unused_result));

/* Whether the Origin, if there is one, is this machine by an address or as localhost:
 * whoever makes a name of their own mean 127.0.0.1 has pages of that origin. */
bool http_head_origin_is_local(const struct http_head *head);

/* Splits and decodes a raw target's path into `request`, whose pointers go into `buffer`.
 * What follows the last colon of the last segment is the verb; a slash at the end makes
 * an empty segment. Refuses %00, %2F, bad escapes, control characters and what is not
 * UTF-8. */
bool http_head_path(const char *target, char buffer[HTTP_PATH_MAX],
                    struct http_request *request, struct err *e)
    __attribute__((warn_unused_result));

/* The path of a raw target, which may be a whole URL, as proxies are asked (RFC 9112,
 * section 3.2.2); what is none comes back as it is. */
const char *http_head_target_path(const char *target);

/* Decodes one text of a query in place, with the same refusals; %2F is allowed. */
bool http_head_unescape(char *text, bool slash, struct err *e)
    __attribute__((warn_unused_result));

#endif
