#include "server/http_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_media.h"
#include "server/routes.h"
#include "tests/unit/check.h"

static void field_add(struct http_head *head, const char *name, const char *value) {
    size_t name_n = strlen(name);
    http_head_add(head, &(struct http_field){name, value, name_n, strlen(value),
                                             http_name_of(name, name_n)});
}

/* "Name: value\nName: value" as a head; the text is borrowed and cut. */
static struct http_head *head_new(const char *version, char *lines) {
    struct http_head *head = malloc(sizeof *head);
    if (!head)
        abort();
    http_head_open(head, version, 0);
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
        char *colon = strchr(line, ':');
        if (!colon)
            abort();
        *colon = '\0';
        field_add(head, line, colon + 1 + (colon[1] == ' '));
    }
    return head;
}

static bool checked(const char *version, const char *text, struct http_framing *framing,
                    struct err *e) {
    char lines[1024];
    snprintf(lines, sizeof lines, "%s", text);
    struct http_head *head = head_new(version, lines);
    *e = (struct err){0};
    bool ok = http_head_check(head, framing, e);
    free(head);
    return ok;
}

/* Names are those of RFC 9110 and of openapi.yaml, whatever their case. */
static void test_names(void) {
    for (enum http_name name = NAME_OTHER + 1; name < NAMES_N; name++) {
        char text[64], longer[sizeof text + 1];
        size_t n = strlen(http_name_text(name));
        CHECK(n > 0 && n < sizeof text);
        for (size_t i = 0; i < n; i++) {
            char c = http_name_text(name)[i];
            text[i] = (char)(c >= 'a' && c <= 'z'   ? c - 32
                             : c >= 'A' && c <= 'Z' ? c + 32
                                                    : c);
        }
        text[n] = '\0';
        CHECK_SAY(http_name_of(text, n) == name, "%s", text);
        snprintf(longer, sizeof longer, "%ss", text);
        CHECK_SAY(http_name_of(longer, n + 1) == NAME_OTHER, "%s", longer);
        CHECK_SAY(http_name_of(text, n - 1) == NAME_OTHER, "%s", text);
        text[n - 1] = '!';
        CHECK_SAY(http_name_of(text, n) == NAME_OTHER, "%s", text);
    }
    CHECK(http_name_of("", 0) == NAME_OTHER && http_name_of("X", 1) == NAME_OTHER);
    CHECK(http_name_of("host", 4) == NAME_HOST && http_name_of("(ost", 4) == NAME_OTHER);
}

/* Fields that stand alone, and those that are lists (RFC 9110, section 5.3). */
static void test_several(void) {
    char lines[] = "Accept: a\nContent-Type: 1\naccept: b;q=0.5, c\nIdempotency-Key: "
                   "2\nLast-Event-ID: 3\nACCEPT: \nidempotency-key: 4\nlast-event-id: "
                   "3\nAccept-Encoding: d, e";
    struct http_head *head = head_new("HTTP/1.1", lines);
    struct err e = {0};
    const char *value = "";
    char *joined = NULL;
    CHECK(http_head_list(head, NAME_ACCEPT, &value, &joined, &e) && value == joined);
    CHECK_TEXT(value, "a, b;q=0.5, c, ");
    free(joined);
    joined = NULL;
    CHECK(http_head_list(head, NAME_ACCEPT_ENCODING, &value, &joined, &e) && !joined);
    CHECK_TEXT(value, "d, e");
    CHECK(http_head_list(head, NAME_HOST, &value, &joined, &e) && !joined && !value);
    CHECK(http_head_single(head, NAME_HOST, &value, &e) && !value);
    CHECK(http_head_single(head, NAME_CONTENT_TYPE, &value, &e));
    CHECK_TEXT(value, "1");
    CHECK(http_head_single(head, NAME_LAST_EVENT_ID, &value, &e));
    CHECK_TEXT(value, "3");
    CHECK(!http_head_single(head, NAME_IDEMPOTENCY_KEY, &value, &e) &&
          e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, "Idempotency-Key");
    CHECK_TEXT(e.text, "expected one, got \"2\" and \"4\"");
    free(head);
}

static void test_framing(void) {
    struct http_framing f;
    struct err e;
    CHECK(checked("HTTP/1.1", "Host: a", &f, &e) && !f.chunked && !f.length_known);
    CHECK(checked("HTTP/1.1", "Host: a\nCONTENT-length: 012", &f, &e) && f.length_known &&
          f.length == 12 && !f.chunked);
    CHECK(checked("HTTP/1.1", "Host: a\nContent-Length: 999999999999999999", &f, &e) &&
          f.length == 999999999999999999);
    CHECK(checked("HTTP/1.1", "Host: a\nTransfer-Encoding: Chunked", &f, &e) &&
          f.chunked && !f.length_known);
    CHECK(checked("HTTP/1.0", "X: y", &f, &e)); /* Host came with 1.1 */
}

/* What two readers of one stream could read differently (RFC 9112, sections 6 and 11). */
static void test_smuggling(void) {
    static const char *const bad[] = {
        "Host: a\nContent-Length: 5\nTransfer-Encoding: chunked",
        "Host: a\nTransfer-Encoding: chunked\nContent-Length: 5",
        "Host: a\nContent-Length: 5\nContent-Length: 30",
        "Host: a\nContent-Length: 5\ncontent-length: 5",
        "Host: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked",
        "Host: a\nContent-Length: 5, 5",
        "Host: a\nContent-Length: +5",
        "Host: a\nContent-Length: -1",
        "Host: a\nContent-Length: 0x5",
        "Host: a\nContent-Length: 5 ",
        "Host: a\nContent-Length:  5",
        "Host: a\nContent-Length: ",
        "Host: a\nContent-Length: 1000000000000000000",
        "Host: a\nContent-Length: 18446744073709551615",
        "Host: a\nTransfer-Encoding: gzip, chunked",
        "Host: a\nTransfer-Encoding: identity",
        "Host: a\nTransfer-Encoding: xchunked",
        "Host: a\nTransfer-Encoding: ",
        "Host: a\nTransfer-Encoding : chunked",
        "Host: a\nContent-Length : 5",
        "Host: a\nContent\tLength: 5",
        "Host: a\n: b",
        "Host: a\nX: b\rContent-Length: 5",
        "Host: a\nX: b\x01",
        "Host: a\nX: b\x7f",
        "Host: a\nX(: b",
        "Host: a\nX\xc3\xa9: b",
        "Host: a\nHost: a",
        "Host: a\nhost: b",
        "X: y",
    };
    struct http_framing f;
    struct err e;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(!checked("HTTP/1.1", bad[i], &f, &e) && e.kind == ERR_INVALID, "%s",
                  bad[i]);
    CHECK(!checked("HTTP/1.0", "Transfer-Encoding: chunked", &f, &e));
    CHECK(checked("HTTP/1.1", "Host: a\nX!#$%&'*+-.^_`|~9: b\tc\xff", &f, &e));
}

/* A NUL in a value ends the C string early, and the two lengths tell. */
static void test_nul(void) {
    struct http_head head;
    http_head_open(&head, "HTTP/1.1", 0);
    http_head_add(&head, &(struct http_field){"Host", "a\0b", 4, 3, NAME_HOST});
    struct http_framing f;
    struct err e = {0};
    CHECK(!http_head_check(&head, &f, &e));
}

/* Every byte at each place of values of any length: control characters but the tab, and
 * no others, are refused. */
static void test_value_bytes(void) {
    enum { LENGTH_MAX = 18 };
    for (int c = 0; c < 256; c++)
        for (size_t n = 1; n <= LENGTH_MAX; n++)
            for (size_t at = 0; at < n; at++) {
                char value[LENGTH_MAX + 1] = "abcdefghij klmnopq";
                struct http_head head;
                http_head_open(&head, "HTTP/1.1", 0);
                field_add(&head, "Host", "a");
                http_head_add(&head, &(struct http_field){"X", value, 1, n, NAME_OTHER});
                struct http_framing f;
                struct err e = {0};
                value[at] = (char)c;
                value[n] = '\0';
                bool control = (c < 0x20 && c != '\t') || c == 0x7f;
                CHECK_SAY(http_head_check(&head, &f, &e) == !control,
                          "byte %d at %zu of %zu", c, at, n);
            }
}

static void test_too_many(void) {
    enum { MANY = 90 };
    struct http_head *head = malloc(sizeof *head);
    struct http_framing f;
    struct err e = {0};
    if (!head)
        abort();
    http_head_open(head, "HTTP/1.1", 0);
    field_add(head, "Host", "a");
    while (head->fields_n < MANY)
        field_add(head, "X", "a");
    CHECK_SAY(http_head_check(head, &f, &e), "%s", e.text);
    while (head->fields_n < HTTP_FIELDS_MAX) /* of which each takes its memory */
        field_add(head, "X", "a");
    CHECK(!http_head_check(head, &f, &e) && e.kind == ERR_HEAD_TOO_LARGE);
    e = (struct err){0};
    CHECK_TEXT(http_head_field(head, NAME_HOST), "a");
    while (head->fields_n < 3 * HTTP_FIELDS_MAX) /* stays within the array */
        field_add(head, "Cookie", "a");
    CHECK(!http_head_check(head, &f, &e) && e.kind == ERR_INVALID);
    CHECK(!http_head_field(head, NAME_COOKIE));
    free(head);
}

/* A head leaves room for an answer's: the most it may have, by its fields, its cookies,
 * and its line. */
static void test_too_large(void) {
    static const size_t line_n = 24;
    struct http_head *head = malloc(sizeof *head);
    char value[HTTP_HEAD_BYTES_MAX];
    struct http_framing f;
    struct err e = {0};
    if (!head)
        abort();
    memset(value, 'a', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    size_t entry = HTTP_ENTRY_BYTES + 4,
           left = HTTP_HEAD_BYTES_MAX - line_n - (entry + 5);
    http_head_open(head, "HTTP/1.1", line_n);
    field_add(head, "Host", "a");
    http_head_add(head,
                  &(struct http_field){"X", value, 1, left - entry - 1, NAME_OTHER});
    CHECK_SAY(http_head_check(head, &f, &e), "%s", e.text);
    head->line_n++;
    CHECK(!http_head_check(head, &f, &e) && e.kind == ERR_HEAD_TOO_LARGE);
    head->line_n--;
    head->fields[1].value_n++;
    e = (struct err){0};
    CHECK(!http_head_check(head, &f, &e) && e.kind == ERR_HEAD_TOO_LARGE);
    /* "a=1; b=2", twice, and for each cookie. */
    static const char cookies[] = "a=1; b=2";
    size_t with = entry + 6 + 2 * (sizeof cookies - 1) + 2 * HTTP_ENTRY_BYTES;
    http_head_open(head, "HTTP/1.1", HTTP_HEAD_BYTES_MAX - (entry + 5) - with);
    field_add(head, "Host", "a");
    field_add(head, "Cookie", cookies);
    e = (struct err){0};
    CHECK_SAY(http_head_check(head, &f, &e), "%s", e.text);
    head->line_n++;
    CHECK(!http_head_check(head, &f, &e) && e.kind == ERR_HEAD_TOO_LARGE);
    free(head);
}

static void test_origins(void) {
    struct http_framing f;
    struct err e;
    CHECK(checked("HTTP/1.1", "Host: localhost:8080\nOrigin: http://localhost:8080", &f,
                  &e));
    CHECK(checked("HTTP/1.1", "Host: LOCALHOST:8080\nOrigin: https://localhost:8080", &f,
                  &e));
    static const char *const foreign[] = {"http://evil.example",
                                          "http://localhost",
                                          "http://localhost:80801",
                                          "http://evil/localhost:8080",
                                          "null",
                                          "",
                                          "localhost:8080",
                                          "http://localhost:8080.evil.example"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        char text[128];
        snprintf(text, sizeof text, "Host: localhost:8080\nOrigin: %s", foreign[i]);
        CHECK_SAY(!checked("HTTP/1.1", text, &f, &e) && e.kind == ERR_FORBIDDEN, "%s",
                  text);
        CHECK_TEXT(e.where, "Origin");
    }
    CHECK(!checked("HTTP/1.0", "Origin: http://a", &f, &e) && e.kind == ERR_FORBIDDEN);
}

/* A port that is the scheme's own may be written or not, on either side. */
static void test_default_ports(void) {
    static const struct {
        const char *lines;
        bool same;
    } all[] = {{"Host: ml.example:80\nOrigin: http://ml.example", true},
               {"Host: ml.example:443\nOrigin: https://ml.example", true},
               {"Host: ml.example\nOrigin: http://ml.example:80", true},
               {"Host: ml.example\nOrigin: https://ml.example:443", true},
               {"Host: [::1]:80\nOrigin: http://[::1]", true},
               {"Host: ml.example:443\nOrigin: http://ml.example", false},
               {"Host: ml.example:80\nOrigin: https://ml.example", false},
               {"Host: ml.example:8080\nOrigin: http://ml.example:80", false},
               {"Host: ml.example:80\nOrigin: http://ml.example.evil", false},
               {"Host: :80\nOrigin: http://", false},
               {"Host: ml.example:80\nOrigin: ftp://ml.example", false}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct http_framing f;
        struct err e;
        CHECK_SAY(checked("HTTP/1.1", all[i].lines, &f, &e) == all[i].same, "%s",
                  all[i].lines);
    }
}

static void test_local_origins(void) {
    static const struct {
        const char *line;
        bool local;
    } all[] = {{"Host: a", true},
               {"Origin: http://localhost", true},
               {"Origin: https://LocalHost:8080", true},
               {"Origin: http://127.0.0.1:8080", true},
               {"Origin: http://10.1.2.3", true},
               {"Origin: http://[::1]:8080", true},
               {"Origin: http://evil.example:8080", false},
               {"Origin: http://localhost.evil.example", false},
               {"Origin: http://127.0.0.1.evil.example", false},
               {"Origin: http://local", false},
               {"Origin: http://[::1].evil.example", false},
               {"Origin: http://[evil", false},
               {"Origin: http://[", false},
               {"Origin: http://..", false},
               {"Origin: http://", false},
               {"Origin: null", false},
               {"Origin: ", false}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char lines[128];
        snprintf(lines, sizeof lines, "%s", all[i].line);
        struct http_head *head = head_new("HTTP/1.1", lines);
        CHECK_SAY(http_head_origin_is_local(head) == all[i].local, "%s", all[i].line);
        free(head);
    }
}

static bool media_of(unsigned body, const char *text, struct err *e) {
    char lines[256];
    snprintf(lines, sizeof lines, "%s", text);
    struct http_head *head = head_new("HTTP/1.1", lines);
    struct http_request request = {.content_type =
                                       http_head_field(head, NAME_CONTENT_TYPE)};
    *e = (struct err){0};
    request.media = http_media_of(request.content_type);
    bool ok = http_media_check(&request, body, e);
    free(head);
    return ok;
}
static bool media(const char *text, struct err *e) {
    return media_of(BODY_JSON, text, e);
}

/* A file comes as bytes, as curl --data-binary sends it, or without a type; not as what
 * it is not. */
static void test_media_of_bytes(void) {
    struct err e;
    CHECK(media_of(BODY_BYTES, "Host: a", &e));
    CHECK(media_of(BODY_BYTES, "Content-Type: application/octet-stream", &e));
    CHECK(media_of(BODY_BYTES, "Content-Type: application/x-www-form-urlencoded", &e));
    CHECK(!media_of(BODY_BYTES, "Content-Type: application/json", &e));
    CHECK(e.kind == ERR_MEDIA);
    CHECK_TEXT(e.text, "expected application/octet-stream, got \"application/json\"");
    CHECK(!media("Content-Type: application/octet-stream", &e) && e.kind == ERR_MEDIA);
}

static void test_media_of_rows(void) {
    struct err e;
    CHECK(media_of(BODY_JSON | BODY_CSV, "Content-Type: text/csv", &e));
    CHECK(media_of(BODY_JSON | BODY_CSV, "Content-Type: Text/CSV; header=absent", &e));
    CHECK(media_of(BODY_JSON | BODY_CSV, "Content-Type: application/json", &e));
    CHECK(!media_of(BODY_JSON | BODY_CSV, "Content-Type: text/plain", &e));
    CHECK_TEXT(e.text, "expected application/json or text/csv, got \"text/plain\"");
    CHECK(!media("Content-Type: text/csv", &e) && e.kind == ERR_MEDIA);
}

static void test_conditions(void) {
    struct http_framing f;
    struct err e = {0};
    CHECK(checked("HTTP/1.1", "Host: a\nIf-Match: \"1\"", &f, &e));
    CHECK(!checked("HTTP/1.1", "Host: a\nIf-Match: \"1\"\nif-match: \"2\"", &f, &e));
    CHECK_TEXT(e.where, "If-Match");
    e = (struct err){0};
    CHECK(!checked("HTTP/1.1", "Host: a\nIf-Match: \"1\"\nIf-None-Match: *", &f, &e));
    CHECK(e.kind == ERR_INVALID);
}

static void test_media(void) {
    struct err e;
    CHECK(media("Host: a", &e));
    CHECK(media("Content-Type: application/json", &e));
    CHECK(media("content-type: Application/JSON; charset=utf-8", &e));
    CHECK(media("Content-Type: application/json;charset=utf-8", &e));
    CHECK(media("Content-Type: application/x-www-form-urlencoded", &e)); /* curl -d */
    static const char *const bad[] = {
        "Content-Type: text/plain", "Content-Type: application/jsonx",
        "Content-Type: application/jso", "Content-Type: multipart/form-data",
        "Content-Type: "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_SAY(!media(bad[i], &e) && e.kind == ERR_MEDIA, "%s", bad[i]);
}

static bool coding(const char *text, enum http_coding *out, struct err *e) {
    char lines[256];
    snprintf(lines, sizeof lines, "%s", text);
    struct http_head *head = head_new("HTTP/1.1", lines);
    *e = (struct err){0};
    bool ok = http_head_coding(head, out, e);
    free(head);
    return ok;
}

static void test_codings(void) {
    static const struct {
        const char *line;
        enum http_coding coding;
    } good[] = {{"Host: a", CODING_NONE},
                {"Content-Encoding: identity", CODING_NONE},
                {"Content-Encoding: gzip", CODING_GZIP},
                {"content-encoding: X-GZIP", CODING_GZIP},
                {"Content-Encoding: Deflate", CODING_DEFLATE}};
    enum http_coding got;
    struct err e;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK_SAY(coding(good[i].line, &got, &e) && got == good[i].coding, "%s",
                  good[i].line);
    static const char *const bad[] = {
        "Content-Encoding: br",
        "Content-Encoding: ",
        "Content-Encoding: gzip, gzip",
        "Content-Encoding: gzip,identity",
        "Content-Encoding: gzipped",
        "Content-Encoding: gzip\nContent-Encoding: identity"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_SAY(!coding(bad[i], &got, &e) && e.kind == ERR_MEDIA, "%s", bad[i]);
        CHECK_TEXT(e.where, "Content-Encoding");
    }
    coding(bad[0], &got, &e);
    CHECK_TEXT(e.text, "expected one of gzip, deflate and identity, got \"br\"");
}

/* ---- paths
 * ------------------------------------------------------------------------------ */

static void check_path(const char *path, size_t n, const char *joined) {
    char buffer[HTTP_PATH_MAX], got[HTTP_PATH_MAX] = "";
    struct http_request request = {0};
    struct err e = {0};
    CHECK_SAY(http_head_path(path, buffer, &request, &e), "%s: %s", path, e.text);
    CHECK_SAY(request.segments_n == n, "%s: %zu segments", path, request.segments_n);
    for (size_t i = 0; i < request.segments_n; i++) {
        strcat(got, "|");
        strcat(got, request.segments[i]);
    }
    CHECK_TEXT(got, joined);
}

static void check_no_path(const char *path, enum err_kind kind) {
    char buffer[HTTP_PATH_MAX];
    struct http_request request = {0};
    struct err e = {0};
    CHECK_SAY(!http_head_path(path, buffer, &request, &e) && e.kind == kind,
              "%.60s: kind %d", path, e.kind);
}

static void test_paths(void) {
    check_path("/", 0, "");
    check_path("/predict", 1, "|predict");
    check_path("/v1/jobs/job_1/history", 4, "|v1|jobs|job_1|history");
    check_path("/v1/jobs/", 3, "|v1|jobs|");
    check_path("//", 2, "||");
    check_path("http://a:8080/v1/jobs", 2, "|v1|jobs");
    check_path("HTTPS://a", 0, "");
    check_path("/v1/models/m:predict", 3, "|v1|models|m");
    check_path("/a:b/c", 2, "|a:b|c");
    check_path("/a:b:c", 1, "|a:b");
    check_path("/a%3Ab", 1, "|a:b");
    check_no_path("/a:b%00", ERR_INVALID);
    check_path("//a//b", 4, "||a||b");
    check_path("/a%20b%2Bc+d%25", 1, "|a b+c+d%");
    check_path("/%C3%A9/%e2%82%AC/%F0%9F%98%80", 3,
               "|\xc3\xa9|\xe2\x82\xac|\xf0\x9f\x98\x80");
    check_path("/..%2e/%2E%2e", 2, "|...|.."); /* dots mean nothing here */
    check_path("/1/2/3/4/5/6/7/8", 8, "|1|2|3|4|5|6|7|8");
    check_no_path("/1/2/3/4/5/6/7/8/9", ERR_NOT_FOUND);
    static const char *const bad[] = {
        "",         "a",          "a/b",           "http:///b",  "*",
        "http://",  "http:/a",    "ftp://a/b",     "a://b/c",    "https://",
        "/a%00b",   "/a%2fb",     "/a%2Fb",        "/%",         "/%2",
        "/%zz",     "/%2g",       "/%-1",          "/a%0ab",     "/a\nb",
        "/%7f",     "/\x1f",      "/%ff",          "/%c0%af",    "/%c3",
        "/\xc3",    "/%ed%a0%80", "/%f4%90%80%80", "/%e0%80%80", "/%f0%80%80%80",
        "/%c3/%a9", "/%80",       "/%f5%80%80%80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_no_path(bad[i], ERR_INVALID);
}

static void test_long_path(void) {
    char path[HTTP_PATH_MAX + 2], buffer[HTTP_PATH_MAX];
    struct http_request request = {0};
    struct err e = {0};
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[HTTP_PATH_MAX - 1] = '\0';
    CHECK(http_head_path(path, buffer, &request, &e) &&
          strlen(request.segments[0]) == HTTP_PATH_MAX - 2);
    path[HTTP_PATH_MAX - 1] = 'a';
    path[HTTP_PATH_MAX] = '\0';
    check_no_path(path, ERR_NOT_FOUND);
}

/* A query's text may hold a slash. */
static void test_query_text(void) {
    char text[] = "a%2Fb%3d%26";
    struct err e = {0};
    CHECK(http_head_unescape(text, true, &e));
    CHECK_TEXT(text, "a/b=&");
    char nul[] = "a%00";
    CHECK(!http_head_unescape(nul, true, &e) && e.kind == ERR_INVALID);
}

int main(void) {
    CHECK_RUN(test_names);
    CHECK_RUN(test_several);
    CHECK_RUN(test_framing);
    CHECK_RUN(test_smuggling);
    CHECK_RUN(test_nul);
    CHECK_RUN(test_value_bytes);
    CHECK_RUN(test_too_many);
    CHECK_RUN(test_too_large);
    CHECK_RUN(test_origins);
    CHECK_RUN(test_default_ports);
    CHECK_RUN(test_local_origins);
    CHECK_RUN(test_media);
    CHECK_RUN(test_codings);
    CHECK_RUN(test_media_of_bytes);
    CHECK_RUN(test_media_of_rows);
    CHECK_RUN(test_conditions);
    CHECK_RUN(test_paths);
    CHECK_RUN(test_long_path);
    CHECK_RUN(test_query_text);
    return check_done();
}
