#include "server/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/check.h"

enum { MIB = 1 << 20 };

static bool read_one(struct config *config, const char *flag) {
    struct err e = {0};
    char *const argv[] = {(char *)(uintptr_t)flag};
    return config_read(config, flag ? 1 : 0, argv, &e);
}

static void test_flag_wins_over_environment_over_default(void) {
    struct config config;
    CHECK(read_one(&config, NULL) && config.workers == 1);
    setenv("DESCENTD_WORKERS", "3", 1);
    CHECK(read_one(&config, NULL) && config.workers == 3);
    CHECK(read_one(&config, "--workers=2") && config.workers == 2);
    unsetenv("DESCENTD_WORKERS");
}

static void test_limits_follow_the_memory(void) {
    struct config config;
    int64_t machine = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    int64_t memory = config_memory();
    CHECK(memory > 0 && memory <= machine);
    CHECK(read_one(&config, NULL));
    CHECK(config.body_memory_max > 0 && config.body_memory_max <= memory / 4);
    CHECK(config.model_memory_max > 0 && config.model_memory_max <= memory / 4);
    CHECK(config.body_memory_max <= 512 * MIB && config.model_memory_max <= 1024 * MIB);
}

static void test_body_that_never_fits_is_too_large(void) {
    struct config config;
    CHECK(read_one(&config, "--body-memory-max=2097152"));
    CHECK(config.body_memory_max == 2 * MIB && config.body_bytes_max == 2 * MIB);
    CHECK(read_one(&config, "--body-memory-max=134217728"));
    CHECK(config.body_bytes_max == 64 * MIB);
}

static void test_unknown_flag_names_the_nearest(void) {
    struct config config;
    struct err e = {0};
    char *const argv[] = {(char *)(uintptr_t) "--worker=2"};
    CHECK(!config_read(&config, 1, argv, &e) && e.kind == ERR_INVALID);
    CHECK_TEXT(e.text, "is unknown; the nearest known flag is --workers");
}

int main(void) {
    CHECK_RUN(test_flag_wins_over_environment_over_default);
    CHECK_RUN(test_limits_follow_the_memory);
    CHECK_RUN(test_body_that_never_fits_is_too_large);
    CHECK_RUN(test_unknown_flag_names_the_nearest);
    return check_done();
}
