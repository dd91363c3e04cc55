#include "server/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/machine.h"
#include "tests/unit/check.h"

enum { MIB = 1 << 20, ARGUMENTS_MAX = 8, ARGUMENT_MAX = 64 };

/* Reads the arguments, which end with NULL. What it reads stays until the next call. */
static bool read_arguments(struct config *config, const char *const *arguments,
                           struct err *e) {
    static char texts[ARGUMENTS_MAX][ARGUMENT_MAX];
    char *argv[ARGUMENTS_MAX] = {NULL};
    int argc = 0;
    for (; arguments[argc] && argc < ARGUMENTS_MAX; argc++) {
        snprintf(texts[argc], ARGUMENT_MAX, "%s", arguments[argc]);
        argv[argc] = texts[argc];
    }
    static struct config last; /* lives as long as what was read */
    config_free(&last);
    *e = (struct err){0};
    bool ok = config_read(config, argc, argv, e);
    last = *config;
    return ok;
}
#define READ(config, e, ...)                                                             \
    read_arguments(config, (const char *const[]){__VA_ARGS__, NULL}, e)

static void test_defaults(void) {
    struct config c;
    struct err e;
    CHECK_SAY(READ(&c, &e, NULL), "%s", e.text);
    CHECK_TEXT(c.listen, "127.0.0.1:8080");
    CHECK_TEXT(c.store, "./descentd.db");
    CHECK_TEXT(c.log_level, "info");
    CHECK(c.workers == 1 && c.threads == 0 && c.http_threads == 0 &&
          c.store_threads == 4);
    CHECK(c.connections_max == 10240);
    CHECK(c.header_timeout_ms == 10000 && c.idle_timeout_s == 75);
    CHECK(c.drain_timeout_ms == 20000 && c.worker_nice == 10 && c.wake_fd == -1);
}

static void test_limits_follow_the_memory(void) {
    struct config c;
    struct err e;
    int64_t machine = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    int64_t memory = machine_memory();
    CHECK(memory > 0 && memory <= machine);
    CHECK(READ(&c, &e, NULL));
    CHECK(c.body_memory_max > 0 && c.body_memory_max <= memory / 4);
    CHECK(c.model_memory_max > 0 && c.model_memory_max <= memory / 4);
    CHECK(c.body_memory_max <= 512 * MIB && c.model_memory_max <= 1024 * MIB);
    CHECK(c.job_memory_max > memory / 2 && c.job_memory_max <= memory / 4 * 3);
    CHECK(c.training_memory_max == c.job_memory_max);
}

static void test_body_that_never_fits_is_too_large(void) {
    struct config c;
    struct err e;
    CHECK(READ(&c, &e, "--body-memory-max=2097152"));
    CHECK(c.body_memory_max == 2 * MIB && c.body_bytes_max == 2 * MIB);
    CHECK(READ(&c, &e, "--body-memory-max=134217728"));
    CHECK(c.body_bytes_max == 64 * MIB);
}

static void test_flags(void) {
    struct config c;
    struct err e;
    CHECK_SAY(READ(&c, &e, "--listen", "[::1]:0", "--workers=3", "--wake-fd", "7"), "%s",
              e.text);
    CHECK_TEXT(c.listen, "[::1]:0");
    CHECK(c.workers == 3 && c.wake_fd == 7);
    CHECK(READ(&c, &e, "--store=a=b") && strcmp(c.store, "a=b") == 0);
    CHECK(READ(&c, &e, "--workers", "1", "--workers", "2") && c.workers == 2);
}

/* A flag wins over the environment, which wins over the default; an empty one is none. */
static void test_environment(void) {
    struct config c;
    struct err e;
    setenv("DESCENTD_WORKERS", "5", 1);
    setenv("DESCENTD_STORE", "/x", 1);
    setenv("DESCENTD_LISTEN", "", 1);
    CHECK(READ(&c, &e, "--store", "/y") && c.workers == 5);
    CHECK_TEXT(c.store, "/y");
    CHECK_TEXT(c.listen, "127.0.0.1:8080");
    setenv("DESCENTD_WORKERS", "x", 1);
    CHECK(!READ(&c, &e, NULL) && e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, "DESCENTD_WORKERS");
    CHECK_TEXT(e.text, "expected an integer from 0 to 64, got \"x\"");
    unsetenv("DESCENTD_WORKERS");
    unsetenv("DESCENTD_STORE");
    unsetenv("DESCENTD_LISTEN");
}

static void check_value(const char *flag, const char *value, bool ok) {
    struct config c;
    struct err e;
    CHECK_SAY(READ(&c, &e, flag, value) == ok, "%s %s: %s", flag, value, e.text);
    if (!ok) {
        CHECK(e.kind == ERR_INVALID);
        CHECK_SAY(strncmp(e.where, flag, strlen(e.where)) == 0, "%s", e.where);
    }
}

static void test_bounds(void) {
    check_value("--workers", "0", true);
    check_value("--workers", "64", true);
    check_value("--workers", "65", false);
    check_value("--workers", "-1", false);
    check_value("--workers", "1.0", false);
    check_value("--workers", "1e1", false);
    check_value("--workers", "0x1", false);
    check_value("--workers", "1 ", false);
    check_value("--workers", "", false);
    check_value("--workers", "99999999999999999999", false);
    check_value("--store-threads", "0", false);
    check_value("--body-bytes-max", "1023", false);
    check_value("--body-bytes-max", "1024", true);
    check_value("--body-bytes-max", "17179869184", true);
    check_value("--body-bytes-max", "17179869185", false);
    check_value("--worker-nice", "20", true);
    check_value("--worker-nice", "21", false);
    check_value("--wake-fd", "-2", false);
    check_value("--store", "", false);
}

static void check_unknown(const char *argument, const char *nearest) {
    struct config c;
    struct err e;
    char text[128];
    CHECK_SAY(!READ(&c, &e, argument), "%s", argument);
    CHECK(e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, argument);
    snprintf(text, sizeof text, "is unknown; the nearest known flag is %s", nearest);
    CHECK_TEXT(e.text, text);
}

static void test_unknown(void) {
    check_unknown("--worker", "--workers");
    check_unknown("--worker-nic", "--worker-nice");
    check_unknown("--header-timeout", "--header-timeout-ms");
    check_unknown("--bodymax", "--body-bytes-max");
    check_unknown("--wake", "--workers"); /* what is not shown is not offered */
    check_unknown("x", "--listen");
    check_unknown("", "--listen");
    struct config c;
    struct err e;
    CHECK(!READ(&c, &e, "--workers"));
    CHECK_TEXT(e.text, "needs a value");
}

/* Help names every flag but the one that is not for people. */
static void test_help(void) {
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        abort();
    config_help(f);
    fclose(f);
    CHECK(strstr(text, "--listen ") && strstr(text, "(default 127.0.0.1:8080; "
                                                    "DESCENTD_LISTEN)"));
    CHECK(strstr(text, "--worker-nice ") && !strstr(text, "wake"));
    free(text);
}

static const char file_path[] = "/tmp/descentd-test-config";

static void file_write(const char *text) {
    FILE *f = fopen(file_path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

/* The file gives way to the environment and to flags, wherever those stand. */
static void test_file(void) {
    struct config c;
    struct err e;
    file_write("# one node\n\nworkers = 7\r\n  store=/data/a b.db   # on the volume\n"
               "queue-max =9\nallow-anonymous = yes\n");
    CHECK_SAY(READ(&c, &e, "--config", file_path), "%s %s", e.where, e.text);
    CHECK(c.workers == 7 && c.queue_max == 9 && c.allow_anonymous == 1);
    CHECK_TEXT(c.store, "/data/a b.db");
    CHECK(READ(&c, &e, "--workers", "1", "--config", file_path) && c.workers == 1);
    setenv("DESCENTD_CONFIG", file_path, 1);
    setenv("DESCENTD_QUEUE_MAX", "8", 1);
    CHECK(READ(&c, &e, NULL) && c.workers == 7 && c.queue_max == 8);
    unsetenv("DESCENTD_CONFIG");
    unsetenv("DESCENTD_QUEUE_MAX");
}

static void check_file_refused(const char *text, const char *where, const char *wanted) {
    struct config c;
    struct err e;
    file_write(text);
    CHECK_SAY(!READ(&c, &e, "--workers", "1", "--config", file_path), "%s", text);
    CHECK(e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, where);
    CHECK_SAY(strstr(e.text, wanted), "%s", e.text);
}

static void test_file_refused(void) {
    const char *second = "/tmp/descentd-test-config, line 2";
    check_file_refused("\nworker = 1\n", second, "the nearest known one is workers");
    check_file_refused("\nworkers = x\n", second, "an integer from 0 to 64");
    check_file_refused("\nwake-fd = 3\n", second, "unknown");
    check_file_refused("\nconfig = x\n", second, "unknown");
    check_file_refused("\nallow-anonymous = maybe\n", second, "yes or no");
    check_file_refused("\nworkers\n", "--config", "line 2: expected key = value");
    struct config c;
    struct err e;
    CHECK(!READ(&c, &e, "--config", "/nowhere/x") && e.kind == ERR_UNAVAILABLE);
}

static void test_store_file(void) {
    struct config c;
    struct err e;
    file_write("postgresql://me:secret@db/x\r\nwhat follows\n");
    CHECK_SAY(READ(&c, &e, "--store-file", file_path), "%s", e.text);
    CHECK_TEXT(c.store, "postgresql://me:secret@db/x");
    CHECK(!READ(&c, &e, "--store-file", file_path, "--store", "x") &&
          e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, "--store-file");
    file_write("\xef\xbb\xbfpostgresql://me:secret@db/x\n");
    CHECK_SAY(READ(&c, &e, "--store-file", file_path), "%s", e.text);
    CHECK_TEXT(c.store, "postgresql://me:secret@db/x");
    file_write("\n");
    CHECK(!READ(&c, &e, "--store-file", file_path) && e.kind == ERR_INVALID);
    CHECK(!READ(&c, &e, "--store-file", "/nowhere/x") && e.kind == ERR_UNAVAILABLE);
}

static void test_switches(void) {
    struct config c;
    struct err e;
    CHECK(READ(&c, &e, "--allow-anonymous", "--workers", "2") && c.allow_anonymous &&
          c.workers == 2);
    CHECK(READ(&c, &e, "--allow-anonymous=off") && !c.allow_anonymous);
    check_value("--allow-anonymous=x", NULL, false);
}

/* What is printed can be read again and is the same; but for passwords. */
static void test_print(void) {
    struct config c, again;
    struct err e;
    CHECK(READ(&c, &e, "--queue-max", "5", "--store=postgresql://me:secret@db/x"));
    FILE *f = fopen(file_path, "w");
    if (!f)
        abort();
    config_print(&c, f);
    fclose(f);
    CHECK_SAY(READ(&again, &e, "--config", file_path), "%s %s", e.where, e.text);
    CHECK(again.queue_max == 5 && again.lease_ms == c.lease_ms);
    CHECK_TEXT(again.store, "postgresql://me:***@db/x");
    unlink(file_path);
}

static void test_cpus(void) {
    CHECK(machine_cpus() >= 1 && machine_cpus() <= 64);
}

int main(void) {
    CHECK_RUN(test_defaults);
    CHECK_RUN(test_limits_follow_the_memory);
    CHECK_RUN(test_body_that_never_fits_is_too_large);
    CHECK_RUN(test_flags);
    CHECK_RUN(test_environment);
    CHECK_RUN(test_bounds);
    CHECK_RUN(test_unknown);
    CHECK_RUN(test_file);
    CHECK_RUN(test_file_refused);
    CHECK_RUN(test_store_file);
    CHECK_RUN(test_switches);
    CHECK_RUN(test_print);
    CHECK_RUN(test_help);
    CHECK_RUN(test_cpus);
    return check_done();
}
