#include "server/http_head.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/utf8.h"

void http_head_open(struct http_head *head, const char *version, size_t line_n) {
    head->version = version;
    head->line_n = line_n;
    head->parameters_n = head->fields_n = 0;
    head->torn = false;
    memset(head->known, 0, sizeof head->known);
}

void http_head_add(struct http_head *head, const struct http_field *field) {
    if (head->fields_n < HTTP_FIELDS_MAX) {
        head->fields[head->fields_n] = *field;
        if (head->known[field->known].n++ == 0)
            head->known[field->known].first = (unsigned char)head->fields_n;
    }
    head->fields_n++;
}

static inline size_t fields_count(const struct http_head *head, enum http_name name) {
    return head->known[name].n;
}

/* The next field of that name from fields[*at] on, behind which *at moves; there is one.
 */
static const struct http_field *field_next(const struct http_head *head,
                                           enum http_name name, size_t *at) {
    while (head->fields[*at].known != name)
        ++*at;
    return &head->fields[(*at)++];
}

bool http_head_single(const struct http_head *head, enum http_name name,
                      const char **value, struct err *e) {
    *value = http_head_field(head, name);
    for (size_t i = 1, at = head->known[name].first + 1U; i < fields_count(head, name);
         i++) {
        const char *other = field_next(head, name, &at)->value;
        if (strcmp(other, *value) != 0)
            return err_set(e, ERR_INVALID, http_name_text(name),
                           "expected one, got \"%.40s\" and \"%.40s\"", *value, other);
    }
    return true;
}

bool http_head_list(const struct http_head *head, enum http_name name, const char **value,
                    char **joined, struct err *e) {
    size_t n = fields_count(head, name), bytes = 0, all_n = 0;
    *value = http_head_field(head, name);
    if (n < 2)
        return true;
    for (size_t i = 0, at = 0; i < n; i++)
        bytes += field_next(head, name, &at)->value_n + 2;
    char *all = *joined = malloc(bytes);
    if (!all)
        return err_set(e, ERR_NO_MEMORY, http_name_text(name), "no memory for %zu fields",
                       n);
    for (size_t i = 0, at = 0; i < n; i++) {
        const struct http_field *f = field_next(head, name, &at);
        memcpy(all + all_n, f->value, f->value_n);
        memcpy(all + all_n + f->value_n, i + 1 < n ? ", " : "\0", 2);
        all_n += f->value_n + 2;
    }
    *value = all;
    return true;
}

/* RFC 9110, section 5.6.2: the characters of a token. */
static const bool token_characters[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,
    ['#'] = true,         ['$'] = true,         ['%'] = true,         ['&'] = true,
    ['*'] = true,         ['\''] = true,        ['+'] = true,         ['-'] = true,
    ['.'] = true,         ['^'] = true,         ['_'] = true,         ['`'] = true,
    ['|'] = true,         ['~'] = true};

/* Whether one of eight bytes may be a control character, as those of 0x80 on may: nearly
 * never. */
static bool may_control(const char *bytes) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return (word | (word - ones * 0x20) | (word + ones)) & ones << 7;
}

/* No control characters but the tab. */
static bool value_is_well_formed(const char *value, size_t n) {
    bool ok = true;
    size_t i = 0;
    while (n - i >= 8 && !may_control(value + i))
        i += 8;
    for (; i < n; i++) {
        unsigned char c = (unsigned char)value[i];
        ok &= (c >= 0x20 || c == '\t') && c != 0x7f;
    }
    return ok;
}

/* A token, as all names are that are known, and, by section 5.5, a value. */
static bool field_is_well_formed(const struct http_field *f) {
    bool ok = f->name_n > 0;
    for (size_t i = 0; !f->known && i < f->name_n; i++)
        ok &= token_characters[(unsigned char)f->name[i]];
    return ok && value_is_well_formed(f->value, f->value_n);
}

static bool length_parse(const char *text, uint64_t *length) {
    size_t digits = strspn(text, "0123456789");
    *length = 0;
    if (!digits || text[digits] || digits > 18)
        return false;
    for (; *text; text++)
        *length = *length * 10 + (uint64_t)(*text - '0');
    return true;
}

static bool framing_check(const struct http_head *head, struct http_framing *framing,
                          struct err *e) {
    size_t lengths = fields_count(head, NAME_CONTENT_LENGTH);
    size_t codings = fields_count(head, NAME_TRANSFER_ENCODING);
    *framing = (struct http_framing){.chunked = codings, .length_known = lengths};
    if (lengths + codings > 1)
        return err_set(e, ERR_INVALID, "Content-Length",
                       "expected one Content-Length or one Transfer-Encoding");
    if (codings && strcmp(head->version, "HTTP/1.1") != 0)
        return err_set(e, ERR_INVALID, "Transfer-Encoding", "belongs to HTTP/1.1");
    if (codings &&
        strcasecmp(http_head_field(head, NAME_TRANSFER_ENCODING), "chunked") != 0)
        return err_set(e, ERR_INVALID, "Transfer-Encoding",
                       "expected chunked, got \"%.40s\"",
                       http_head_field(head, NAME_TRANSFER_ENCODING));
    if (lengths &&
        !length_parse(http_head_field(head, NAME_CONTENT_LENGTH), &framing->length))
        return err_set(e, ERR_INVALID, "Content-Length", "expected a number of bytes");
    return true;
}

bool http_head_timeout(const struct http_head *head, int64_t *ms, struct err *e) {
    const char *text;
    uint64_t value = 0;
    *ms = 0;
    if (!http_head_single(head, NAME_X_REQUEST_TIMEOUT_MS, &text, e))
        return false;
    if (text && (!length_parse(text, &value) || !value || value > HTTP_TIMEOUT_MS_MAX))
        return err_set(e, ERR_INVALID, HTTP_TIMEOUT,
                       "expected milliseconds from 1 to %d, got \"%.40s\"",
                       HTTP_TIMEOUT_MS_MAX, text);
    *ms = (int64_t)value;
    return true;
}

/* How much of an authority is left without the port that is its scheme's own: proxies
 * write it, browsers do not. */
static size_t without_port(const char *authority, const char *port) {
    size_t n = strlen(authority), port_n = strlen(port);
    bool ends = n > port_n && strcmp(authority + n - port_n, port) == 0;
    return ends ? n - port_n : n;
}

static bool is_same_origin(const char *origin, const char *host) {
    const char *port = strncasecmp(origin, "https://", 8) == 0  ? ":443"
                       : strncasecmp(origin, "http://", 7) == 0 ? ":80"
                                                                : "";
    const char *at = strstr(origin, "://");
    if (!at)
        return false;
    size_t n = without_port(at + 3, port);
    return n == without_port(host, port) && strncasecmp(at + 3, host, n) == 0;
}

/* "http://host:port" against the Host that was asked: a page of our own, or of somebody
 * else's. */
static bool origin_check(const struct http_head *head, const char *host, struct err *e) {
    const char *origin = http_head_field(head, NAME_ORIGIN);
    if (!origin || (host && is_same_origin(origin, host)))
        return true;
    return err_set(e, ERR_FORBIDDEN, "Origin",
                   "requests of web pages from elsewhere (%.60s) are refused", origin);
}

/* Digits and dots, or, in brackets, an IPv6 address. */
static bool is_address(const char *host, size_t n) {
    return n > 0 && (host[0] == '[' ? host[n - 1] == ']'
                                    : strspn(host, "0123456789.") == n && host[0] != '.');
}

bool http_head_origin_is_local(const struct http_head *head) {
    static const char localhost[] = "localhost";
    const char *origin = http_head_field(head, NAME_ORIGIN);
    const char *host = origin ? strstr(origin, "://") : NULL;
    if (!host)
        return !origin;
    host += 3;
    size_t bracket = host[0] == '[' ? strcspn(host, "]") : 0;
    size_t n = bracket + strcspn(host + bracket, ":/");
    return is_address(host, n) ||
           (n == sizeof localhost - 1 && strncasecmp(host, localhost, n) == 0);
}

/* Cookies are kept twice: as the field, and each by itself. */
static size_t cookies_bytes(const struct http_field *f) {
    size_t n = f->value_n + HTTP_ENTRY_BYTES;
    for (const char *at = f->value; (at = strchr(at, ';')); at++)
        n += HTTP_ENTRY_BYTES;
    return n;
}

static bool size_check(const struct http_head *head, struct err *e) {
    size_t bytes = head->line_n;
    for (size_t i = 0; i < head->fields_n; i++) {
        const struct http_field *f = &head->fields[i];
        bytes += f->name_n + f->value_n + sizeof ": \r\n" - 1 + HTTP_ENTRY_BYTES;
        if (f->known == NAME_COOKIE)
            bytes += cookies_bytes(f);
    }
    return bytes <= HTTP_HEAD_BYTES_MAX ||
           err_set(e, ERR_HEAD_TOO_LARGE, NULL,
                   "the request line and %zu fields take %zu bytes, with %d for each "
                   "field; at most %d are allowed",
                   head->fields_n, bytes, HTTP_ENTRY_BYTES, HTTP_HEAD_BYTES_MAX);
}

bool http_head_check(const struct http_head *head, struct http_framing *framing,
                     struct err *e) {
    if (head->torn)
        return err_set(e, ERR_INVALID, NULL, "a NUL in the request line");
    if (head->fields_n > HTTP_FIELDS_MAX)
        return err_set(e, ERR_INVALID, NULL, "expected at most %d header fields, got %zu",
                       HTTP_FIELDS_MAX, head->fields_n);
    if (!size_check(head, e))
        return false;
    for (size_t i = 0; i < head->fields_n; i++)
        if (!field_is_well_formed(&head->fields[i]))
            return err_set(e, ERR_INVALID, NULL, "a malformed header field");
    size_t hosts = fields_count(head, NAME_HOST);
    if (hosts > 1 || (!hosts && strcmp(head->version, "HTTP/1.1") == 0))
        return err_set(e, ERR_INVALID, "Host", "expected one Host header, got %zu",
                       hosts);
    if (fields_count(head, NAME_IF_MATCH) + fields_count(head, NAME_IF_NONE_MATCH) > 1)
        return err_set(e, ERR_INVALID, "If-Match",
                       "expected one If-Match or one If-None-Match");
    return framing_check(head, framing, e) &&
           origin_check(head, http_head_field(head, NAME_HOST), e);
}

bool http_head_coding(const struct http_head *head, enum http_coding *coding,
                      struct err *e) {
    static const struct {
        const char *name;
        enum http_coding coding;
    } known[] = {{"identity", CODING_NONE},
                 {"gzip", CODING_GZIP},
                 {"x-gzip", CODING_GZIP},
                 {"deflate", CODING_DEFLATE}};
    const char *name = http_head_field(head, NAME_CONTENT_ENCODING);
    *coding = CODING_NONE;
    if (!name)
        return true;
    bool one = fields_count(head, NAME_CONTENT_ENCODING) == 1;
    for (size_t i = 0; one && i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(name, known[i].name) != 0)
            continue;
        *coding = known[i].coding;
        return true;
    }
    return err_set(e, ERR_MEDIA, "Content-Encoding",
                   "expected one of " HTTP_CODINGS " and identity, got %s%.40s\"",
                   one ? "\"" : "several from \"", name);
}

/* ---- paths ---------------------------------------------------------------------- */

static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* UTF-8 without control characters. */
static bool text_is_clean(const char *text) {
    while ((unsigned char)*text >= 0x20 && (unsigned char)*text < 0x7f)
        text++; /* nearly always all of it */
    const char *end = text + strlen(text);
    for (const char *at = text; at < end;) {
        size_t n = utf8_length(at, end);
        if (!n || (unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
        at += n;
    }
    return true;
}

bool http_head_unescape(char *text, bool slash, struct err *e) {
    char *to = text;
    for (const char *at = text; *at; at++) {
        if (*at != '%') {
            *to++ = *at;
            continue;
        }
        int high = hex(at[1]), low = high < 0 ? -1 : hex(at[2]);
        int c = low < 0 ? 0 : high << 4 | low;
        if (!c || (c == '/' && !slash))
            return err_set(e, ERR_INVALID, NULL,
                           "an escape that is not allowed: \"%.3s\"", at);
        *to++ = (char)c;
        at += 2;
    }
    *to = '\0';
    return text_is_clean(text) ||
           err_set(e, ERR_INVALID, NULL, "control characters, or not UTF-8");
}

const char *http_head_target_path(const char *target) {
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        if (strncasecmp(target, schemes[i], n) != 0 || !target[n] || target[n] == '/')
            continue;
        const char *path = strchr(target + n, '/');
        return path ? path : "/";
    }
    return target;
}

bool http_head_path(const char *target, char buffer[HTTP_PATH_MAX],
                    struct http_request *request, struct err *e) {
    const char *path = http_head_target_path(target);
    size_t n = strlen(path);
    request->segments_n = 0;
    if (path[0] != '/')
        return err_set(e, ERR_INVALID, NULL, "expected a path that starts with /");
    if (n >= HTTP_PATH_MAX)
        return err_set(e, ERR_NOT_FOUND, NULL, "no such path");
    memcpy(buffer, path, n + 1);
    char *verb = strrchr(buffer, ':');
    if (verb && strchr(verb, '/'))
        verb = NULL;
    if (verb)
        *verb++ = '\0';
    request->verb = verb;
    if (verb && !http_head_unescape(verb, false, e))
        return false;
    for (char *at = n > 1 ? buffer : NULL; at;) {
        char *segment = at + 1;
        at = strchr(segment, '/');
        if (at)
            *at = '\0';
        if (request->segments_n == HTTP_SEGMENTS_MAX)
            return err_set(e, ERR_NOT_FOUND, NULL, "no such path");
        if (!http_head_unescape(segment, false, e))
            return false;
        request->segments[request->segments_n++] = segment;
    }
    return true;
}
