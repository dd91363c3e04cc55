#include "api/base64.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/check.h"

static void check_decoded(const char *text, const char *bytes, size_t n) {
    char copy[64];
    size_t got = 0;
    snprintf(copy, sizeof copy, "%s", text);
    CHECK_SAY(base64_decode(copy, strlen(text), &got) && got == n &&
                  memcmp(copy, bytes, n) == 0,
              "%s", text);
}

/* RFC 4648, section 10, and the examples of TensorFlow Serving. */
static void test_vectors(void) {
    static const struct {
        const char *text, *bytes;
    } vectors[] = {{"", ""},
                   {"Zg==", "f"},
                   {"Zm8=", "fo"},
                   {"Zm9v", "foo"},
                   {"Zm9vYg==", "foob"},
                   {"Zm9vYmE=", "fooba"},
                   {"Zm9vYmFy", "foobar"},
                   {"Zg", "f"},
                   {"Zm8", "fo"},
                   {"aW1hZ2UgYnl0ZXM=", "image bytes"},
                   {"YXdlc29tZSBpbWFnZSBieXRlcw==", "awesome image bytes"},
                   {"aGVsbG8=", "hello"}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        check_decoded(vectors[i].text, vectors[i].bytes, strlen(vectors[i].bytes));
    check_decoded("AAECAw==", "\0\1\2\3", 4);
    check_decoded("+/+/", "\xfb\xff\xbf", 3);
}

static void test_refusals(void) {
    static const char *const bad[] = {
        "Z",    "Zg=",   "Zg===", "=",    "====",     "Zm9v=",  "Zm9vY", "Zm-v",
        "Zm_v", "Zm 9v", "Zh==",  "Zm9=", "Zg==Zg==", "Zm9v\n", "Z=g=",  "Zm\xc3v"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char copy[64];
        size_t n;
        snprintf(copy, sizeof copy, "%s", bad[i]);
        CHECK_SAY(!base64_decode(copy, strlen(bad[i]), &n), "%s", bad[i]);
    }
}

int main(void) {
    CHECK_RUN(test_vectors);
    CHECK_RUN(test_refusals);
    return check_done();
}
