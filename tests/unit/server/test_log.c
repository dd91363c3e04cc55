#include "server/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/check.h"

/* stderr into a file, for as long as something is written. */
struct capture {
    int stderr_fd;
    FILE *file;
};
static struct capture capture_begin(enum log_level level) {
    struct capture c = {.stderr_fd = dup(STDERR_FILENO), .file = tmpfile()};
    if (c.stderr_fd < 0 || !c.file || dup2(fileno(c.file), STDERR_FILENO) < 0)
        abort();
    log_start(level, "tester"); /* which looks at what stderr is */
    return c;
}
static void capture_end(struct capture *c) {
    dup2(c->stderr_fd, STDERR_FILENO);
    log_start(LOG_INFO, "tester");
    close(c->stderr_fd);
    rewind(c->file);
}
/* The next line as JSON; NULL at the end, or where it is none. */
static json_t *capture_line(struct capture *c) {
    char line[4096];
    return fgets(line, sizeof line, c->file) && strchr(line, '\n')
               ? json_loads(line, JSON_REJECT_DUPLICATES, NULL)
               : NULL;
}

static const char *member(const json_t *line, const char *key) {
    return json_string_value(json_object_get(line, key));
}

static void test_line(void) {
    struct capture c = capture_begin(LOG_INFO);
    log_write(LOG_DEBUG, "dropped", NULL);
    log_write(LOG_WARN, "a \"message\"\n\xff", "text", LOG_TEXT("x\ny"), "n", LOG_INT(-5),
              "x", LOG_DOUBLE(0.5), "none", LOG_TEXT(NULL), "nan", LOG_DOUBLE(0.0 / 0.0),
              NULL);
    capture_end(&c);
    json_t *line = capture_line(&c);
    CHECK_TEXT(member(line, "level"), "warn");
    CHECK_TEXT(member(line, "role"), "tester");
    CHECK_TEXT(member(line, "message"), "a \"message\"\n\xef\xbf\xbd");
    CHECK_TEXT(member(line, "text"), "x\ny");
    CHECK(json_integer_value(json_object_get(line, "n")) == -5);
    CHECK(json_integer_value(json_object_get(line, "pid")) == getpid());
    CHECK_NEAR(json_real_value(json_object_get(line, "x")), 0.5, 0);
    CHECK(json_is_null(json_object_get(line, "none")) &&
          json_is_null(json_object_get(line, "nan")));
    CHECK(member(line, "time") && strlen(member(line, "time")) == 24);
    json_decref(line);
    CHECK(!capture_line(&c));
    fclose(c.file);
}

static void test_levels(void) {
    enum log_level level = LOG_INFO;
    CHECK(log_level_find("debug", &level) && level == LOG_DEBUG);
    CHECK(log_level_find("ERROR", &level) && level == LOG_ERROR);
    CHECK(!log_level_find("loud", &level) && !log_level_find("", &level));
    CHECK(level == LOG_ERROR);
    struct capture c = capture_begin(LOG_ERROR);
    struct err e = {0};
    err_set(&e, ERR_INVALID, "/a", "is wrong");
    log_err(LOG_WARN, "dropped", &e);
    log_err(LOG_ERROR, "kept", &e);
    capture_end(&c);
    json_t *line = capture_line(&c);
    CHECK_TEXT(member(line, "message"), "kept");
    CHECK_TEXT(member(line, "error"), "is wrong");
    CHECK_TEXT(member(line, "where"), "/a");
    json_decref(line);
    CHECK(!capture_line(&c));
    fclose(c.file);
}

static void *writer(void *unused) {
    for (int i = 0; i < 200; i++)
        log_write(LOG_INFO, "line", "i", LOG_INT(i), NULL);
    return unused;
}

/* Lines of several threads do not mix. */
static void test_threads(void) {
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct capture c = capture_begin(LOG_INFO);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, writer, NULL) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    capture_end(&c);
    int lines = 0;
    for (json_t *line; (line = capture_line(&c)); lines++)
        json_decref(line);
    CHECK_SAY(lines == THREADS * 200, "%d lines", lines);
    fclose(c.file);
}

/* A pipe that is full and stays so: lines are lost, and none is waited for. */
static void test_unread(void) {
    enum { LINES = 500 };
    int ends[2], before = dup(STDERR_FILENO);
    static char text[1 << 20];
    if (pipe(ends) != 0 || fcntl(ends[1], F_SETPIPE_SZ, 4096) < 0 ||
        dup2(ends[1], STDERR_FILENO) < 0)
        abort();
    log_start(LOG_INFO, "tester");
    for (int i = 0; i < LINES; i++)
        log_write(LOG_INFO, "unread", "i", LOG_INT(i), NULL);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    CHECK(n > 0 && n <= 4096);
    log_write(LOG_INFO, "read", NULL);
    n = read(ends[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    const char *lost = strstr(text, "\"lost_lines\":");
    CHECK_SAY(strstr(text, "\"read\"") && lost, "%s", text);
    size_t kept = LINES - (lost ? strtoul(strchr(lost, ':') + 1, NULL, 10) : 0);
    CHECK_SAY(kept > 0 && kept < 100, "%zu kept", kept);
    CHECK(!(fcntl(ends[1], F_GETFL) & O_NONBLOCK)); /* for others who write there */
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[0]);
    close(ends[1]);
    log_start(LOG_INFO, "tester");
}

int main(void) {
    CHECK_RUN(test_line);
    CHECK_RUN(test_levels);
    CHECK_RUN(test_threads);
    CHECK_RUN(test_unread);
    return check_done();
}
