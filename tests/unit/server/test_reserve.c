#include "server/reserve.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/check.h"

static void test_kept_and_given_up(void) {
    char dir[] = "/tmp/test_reserve.XXXXXX", store[64], path[80];
    struct err e = {0};
    struct stat st;
    if (!mkdtemp(dir))
        abort();
    snprintf(store, sizeof store, "%s/store", dir);
    snprintf(path, sizeof path, "%s-reserve", store);
    CHECK(!reserve_release(store));
    for (int i = 0; i < 2; i++) {
        CHECK_SAY(reserve_keep(store, &e), "%s", e.text);
        CHECK_SAY(reserve_keep(store, &e), "%s", e.text); /* it is there */
        CHECK(stat(path, &st) == 0);
        CHECK_SAY(st.st_blocks * 512 >= 1 << 20, "%lld blocks", (long long)st.st_blocks);
        CHECK(reserve_release(store));
        CHECK(!reserve_release(store));
        CHECK(stat(path, &st) != 0);
    }
    CHECK(rmdir(dir) == 0);
}

static void test_nowhere(void) {
    struct err e = {0};
    CHECK(!reserve_keep("/nowhere/at/all/store", &e));
    CHECK_SAY(e.kind == ERR_STORAGE, "%s", e.text);
}

int main(void) {
    CHECK_RUN(test_kept_and_given_up);
    CHECK_RUN(test_nowhere);
    return check_done();
}
