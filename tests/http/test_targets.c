/* What a request line asks for, byte by byte. */
#include <stdio.h>

#include "tests/http/daemon.h"
#include "tests/http/raw.h"
#include "tests/unit/check.h"

enum { ANSWER_MS = 3000 };

#define HOST "Host: 127.0.0.1\r\n"

static struct daemon d;

/* What stands behind a NUL is not forgotten: another request would be understood. */
static void test_nul_in_target(void) {
    static const char *const targets[] = {
        "GET /livez%c/x HTTP/1.1\r\n" HOST "\r\n",
        "GET /livez%c HTTP/1.1\r\n" HOST "\r\n",
        "GET /livez%cHTTP/1.1 HTTP/1.1\r\n" HOST "\r\n",
        "GET /v1/jobs?limit=1%c0 HTTP/1.1\r\n" HOST "\r\n",
        "GET /v1/jobs?%climit=1 HTTP/1.1\r\n" HOST "\r\n",
        "GET%cX /livez HTTP/1.1\r\n" HOST "\r\n",
        "HEAD%c /livez HTTP/1.1\r\n" HOST "\r\n",
        "GET /livez%c HTTP/1.0\r\n\r\n"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct raw raw;
        struct reply reply;
        char text[128];
        int n = snprintf(text, sizeof text, targets[i], '\0');
        if (!CHECK(raw_open(&raw, d.port)))
            return;
        raw_send(&raw, text, (size_t)n);
        raw_reply(&raw, false, ANSWER_MS, &reply);
        CHECK_SAY(reply.status == 400, "%zu: %ld %s", i, reply.status, reply.body);
        reply_free(&reply);
        CHECK_SAY(raw_ended(&raw, ANSWER_MS), "%zu", i);
        raw_close(&raw);
    }
}

/* Behind one that is right, and with spaces where some clients write more than one. */
static void test_nul_behind(void) {
    static const char right[] =
        "GET  /livez HTTP/1.1\r\n" HOST "\r\n"
        "GET /v1/jobs? HTTP/1.1\r\n" HOST "\r\n"
        "GET /v1/jobs?limit=1&status=queued HTTP/1.1\r\n" HOST "\r\n",
                      torn[] = "GET /livez\0/x HTTP/1.1\r\n" HOST "\r\n";
    struct raw raw;
    struct reply reply;
    if (!CHECK(raw_open(&raw, d.port)))
        return;
    raw_send(&raw, right, sizeof right - 1);
    raw_send(&raw, torn, sizeof torn - 1);
    for (int i = 0; i < 4; i++) {
        raw_reply(&raw, false, ANSWER_MS, &reply);
        CHECK_SAY(reply.status == (i < 3 ? 200 : 400), "%d: %ld %s", i, reply.status,
                  reply.body);
        reply_free(&reply);
    }
    CHECK(raw_ended(&raw, ANSWER_MS));
    raw_close(&raw);
}

/* A whole URL is a target like its path. */
static void test_whole_urls(void) {
    static const char *const targets[] = {"http://127.0.0.1/v1/jobs?limit=1",
                                          "http://elsewhere:8080/livez",
                                          "HTTP://127.0.0.1"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct raw raw;
        struct reply reply;
        char text[128];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HOST "\r\n", targets[i]);
        if (!CHECK(raw_open(&raw, d.port)))
            return;
        raw_text(&raw, text);
        raw_reply(&raw, false, ANSWER_MS, &reply);
        CHECK_SAY(reply.status == 200, "%s: %ld %s", targets[i], reply.status,
                  reply.body);
        reply_free(&reply);
        raw_close(&raw);
    }
}

int main(void) {
    if (!daemon_start(&d, NULL))
        return 1;
    CHECK_RUN(test_nul_in_target);
    CHECK_RUN(test_nul_behind);
    CHECK_RUN(test_whole_urls);
    daemon_close(&d);
    return check_done();
}
