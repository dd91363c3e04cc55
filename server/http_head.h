/* The head of a request, judged: framing that two parties could read differently, paths
 * that decode to something else, pages of other origins. Pure.
 *
 * libmicrohttpd 0.9.75 accepts what RFC 9112 tells a server to refuse (both
 * Content-Length and Transfer-Encoding, two of either, names with a space behind them):
 * here it is refused. */
#ifndef SERVER_HTTP_HEAD_H
#define SERVER_HTTP_HEAD_H

#include <string.h>

#include "server/http.h"
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

struct http_field {
    const char *name, *value;
    size_t name_n, value_n;
};

struct http_head {
    const char *version; /* "HTTP/1.1" */
    size_t line_n;       /* bytes that are kept of the request line */
    size_t fields_n;     /* may be over HTTP_FIELDS_MAX: refused */
    struct http_field fields[HTTP_FIELDS_MAX];
};

struct http_framing {
    bool chunked;
    bool length_known;
    uint64_t length;
};

/* ERR_INVALID, ERR_HEAD_TOO_LARGE, or ERR_FORBIDDEN for a foreign Origin. */
bool http_head_check(const struct http_head *head, struct http_framing *framing,
                     struct err *e) __attribute__((warn_unused_result));

/* Whether the body may be what the route takes (of enum route_body): application/json,
 * text/csv, application/x-npy, application/octet-stream; curl's form type, or none, for
 * any of them. ERR_MEDIA otherwise. */
bool http_head_media(const struct http_head *head, unsigned body, struct err *e)
    __attribute__((warn_unused_result));

/* Whether a Content-Type (NULL: none) is `type`, whatever its parameters. */
bool http_head_media_is(const char *content_type, const char *type);

/* Whether a Content-Type (NULL: none) is that of CSV, by its name or another that is in
 * use. */
bool http_head_media_csv(const char *content_type);

/* What Content-Encoding says (RFC 9110, section 8.4): at most one coding. ERR_MEDIA. */
enum http_coding { CODING_NONE, CODING_GZIP, CODING_DEFLATE };
#define HTTP_CODINGS "gzip, deflate" /* those that are known */
bool http_head_coding(const struct http_head *head, enum http_coding *coding,
                      struct err *e) __attribute__((warn_unused_result));

/* The value of the field whose name is name[0..n); NULL when there is none. Names compare
 * without case. */
const char *http_head_find(const struct http_head *head, const char *name, size_t n);
/* The same; the length of a literal costs nothing here. */
static inline const char *http_head_field(const struct http_head *head,
                                          const char *name) {
    return http_head_find(head, name, strlen(name));
}

/* The same for a field that is one value: others of its name may only repeat it.
 * ERR_INVALID. */
bool http_head_single(const struct http_head *head, const char *name, const char **value,
                      struct err *e) __attribute__((warn_unused_result));

/* The same for a field that is a list, which may stand in several fields (RFC 9110,
 * section 5.3): *joined then gets all of them as one, the caller's to free.
 * ERR_NO_MEMORY.
 */
bool http_head_list(const struct http_head *head, const char *name, const char **value,
                    char **joined, struct err *e) __attribute__((warn_unused_result));

/* X-Request-Timeout-Ms; 0 where there is none. ERR_INVALID: no whole number from 1 to
 * HTTP_TIMEOUT_MS_MAX, or two. */
enum { HTTP_TIMEOUT_MS_MAX = 3600000 };
bool http_head_timeout(const struct http_head *head, int64_t *ms, struct err *e)
    __attribute__((warn_unused_result));

/* Splits and decodes a raw path into `request`, whose pointers go into `buffer`. What
 * follows the last colon of the last segment is the verb; a slash at the end makes an
 * empty segment. Refuses %00, %2F, bad escapes, control characters and what is not
 * UTF-8. */
bool http_head_path(const char *path, char buffer[HTTP_PATH_MAX],
                    struct http_request *request, struct err *e)
    __attribute__((warn_unused_result));

/* Decodes one text of a query in place, with the same refusals; %2F is allowed. */
bool http_head_unescape(char *text, bool slash, struct err *e)
    __attribute__((warn_unused_result));

#endif
