#include "server/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/check.h"

#define FIRST "first-token-of-16"
#define FIRST_SHA256 "855521699a971faac9c0914f7869fb8c563811370472c3d91180b3bac4a1efc4"
#define SECOND "second.token~of+24/chars"

static char path[] = "/tmp/descentd-tokens-XXXXXX";

static void file_write(const char *text) {
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

static struct tokens *tokens_of(const char *text, struct err *e) {
    *e = (struct err){0};
    file_write(text);
    return tokens_open(path, e);
}

static void test_allow(void) {
    struct err e;
    struct tokens *t = tokens_of("# for the balancer\n\n  " FIRST " \r\n" SECOND, &e);
    CHECK_SAY(t, "%s", e.text);
    if (!t)
        return;
    CHECK(tokens_count(t) == 2);
    CHECK(tokens_allow(t, "Bearer " FIRST));
    CHECK(tokens_allow(t, "bearer  " SECOND));
    static const char *const wrong[] = {NULL,
                                        "",
                                        FIRST,
                                        "Bearer",
                                        "Bearer ",
                                        "Basic " FIRST,
                                        "Bearer " FIRST "x",
                                        "Bearer first-token-of-1",
                                        "Bearer # for the balancer"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_SAY(!tokens_allow(t, wrong[i]), "%s", wrong[i] ? wrong[i] : "none");
    tokens_close(t);
}

/* printf %s first-token-of-16 | sha256sum */
static void test_hashed(void) {
    struct err e;
    struct tokens *t = tokens_of("sha256:" FIRST_SHA256 "\n", &e);
    CHECK_SAY(t, "%s", e.text);
    CHECK(t && tokens_allow(t, "Bearer " FIRST));
    CHECK(t && !tokens_allow(t, "Bearer " FIRST_SHA256));
    tokens_close(t);
}

static void check_refused(const char *text, const char *where, const char *part) {
    struct err e;
    struct tokens *t = tokens_of(text, &e);
    CHECK_SAY(!t && e.kind == ERR_INVALID, "%s", text);
    CHECK_TEXT(e.where, where);
    CHECK_SAY(strstr(e.text, part), "%s", e.text);
    tokens_close(t);
}

static void test_refused(void) {
    check_refused("", "", "has none");
    check_refused("# nothing\n\n", "", "has none");
    check_refused(FIRST "\nshort\n", "line 2", "a token of 16 to 512");
    check_refused("\ntwo words are no token\n", "line 2", "out of A-Z");
    check_refused("sha256:12\n", "line 1", "64 hexadecimal");
    struct err e = {0};
    CHECK(!tokens_open("/nowhere/tokens", &e) && e.kind == ERR_UNAVAILABLE);
}

/* A file that has gone wrong changes nothing. */
static void test_reload(void) {
    struct err e;
    struct tokens *t = tokens_of(FIRST "\n", &e);
    CHECK(t);
    if (!t)
        return;
    file_write("short\n");
    CHECK(!tokens_reload(t, &e) && tokens_allow(t, "Bearer " FIRST));
    file_write(SECOND "\n");
    e = (struct err){0};
    CHECK(tokens_reload(t, &e) && tokens_allow(t, "Bearer " SECOND));
    CHECK(!tokens_allow(t, "Bearer " FIRST));
    tokens_close(t);
}

int main(void) {
    int fd = mkstemp(path);
    if (fd < 0)
        abort();
    close(fd);
    CHECK_RUN(test_allow);
    CHECK_RUN(test_hashed);
    CHECK_RUN(test_refused);
    CHECK_RUN(test_reload);
    unlink(path);
    return check_done();
}
