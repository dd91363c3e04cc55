#include "server/http_peek.h"

#include <string.h>

#include "tests/unit/check.h"

static uint64_t length(const char *bytes) {
    return http_peek_length(bytes, strlen(bytes));
}

static void heads_say_it(void) {
    CHECK(length("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 123456\r\n\r\n") ==
          123456);
    CHECK(length("POST / HTTP/1.1\r\ncontent-LENGTH:70000\r\nHost: a\r\n") == 70000);
    CHECK(length("POST / HTTP/1.1\nContent-Length: \t5\n\n") == 5);
    CHECK(length("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") == UINT64_MAX);
}

static void others_do_not(void) {
    CHECK(length("") == 0);
    CHECK(length("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == 0);
    CHECK(length("POST / HTTP/1.1\r\nContent-Length: 123456") == 0); /* cut off */
    CHECK(length("POST / HTTP/1.1\r\nX-Content-Length: 123456\r\n\r\n") == 0);
    CHECK(length("POST / HTTP/1.1\r\nContent-Length\r\n\r\n") == 0);
    CHECK(length("POST / HTTP/1.1\r\nContent-Length:\r\n\r\n") == 0);
    /* of the body */
    CHECK(length("POST / HTTP/1.1\r\n\r\nContent-Length: 123456\r\n") == 0);
    CHECK(length("\r\n\r\nContent-Length: 123456\r\n") == 0);
}

static void nonsense_is_some_number(void) {
    uint64_t huge = length("POST / HTTP/1.1\r\nContent-Length: "
                           "99999999999999999999999999999999999999\r\n\r\n");
    CHECK(huge > UINT64_MAX / 1000);
    static const char zeros[64];
    CHECK(http_peek_length(zeros, sizeof zeros) == 0);
}

int main(void) {
    CHECK_RUN(heads_say_it);
    CHECK_RUN(others_do_not);
    CHECK_RUN(nonsense_is_some_number);
    return check_done();
}
