/* Who may ask, and from where: bearer tokens, addresses beyond the loopback, and the time
 * that a balancer gets to see a replica go. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

#define FIRST "a-token-for-the-first-client"
#define SECOND "a-token-for-the-second-client"

static char token_path[] = "/tmp/descentd-test-tokens-XXXXXX";

static void tokens_write(const char *text) {
    FILE *f = fopen(token_path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

/* The status of a GET with an Authorization header, or without (NULL). */
static long asked(struct client *client, const char *path, const char *authorization,
                  struct reply *reply) {
    char header[160];
    snprintf(header, sizeof header, "Authorization: %s",
             authorization ? authorization : "");
    const char *const headers[] = {authorization ? header : NULL, NULL};
    client_send(client, &(struct request){.path = path, .headers = headers}, reply);
    return reply->status;
}

static void check_asked(struct client *client, const char *path,
                        const char *authorization, long status) {
    struct reply reply = {0};
    CHECK_SAY(asked(client, path, authorization, &reply) == status, "%s with %s: %ld",
              path, authorization ? authorization : "nothing", reply.status);
    reply_free(&reply);
}

static void check_guarded(struct client *client) {
    struct reply reply = {0};
    char value[256];
    CHECK(asked(client, "/v1/models", NULL, &reply) == 401);
    CHECK_TEXT(reply_text(reply.json, "/error/code"), "unauthenticated");
    CHECK_TEXT(reply_header(&reply, "WWW-Authenticate", value),
               "Bearer realm=\"descentd\"");
    reply_free(&reply);
    static const char *const guarded[] = {"/v1/models", "/v1/jobs", "/metrics",
                                          "/no/such/path", "/predict"};
    for (size_t i = 0; i < sizeof guarded / sizeof *guarded; i++) {
        check_asked(client, guarded[i], NULL, 401);
        check_asked(client, guarded[i], "Bearer " SECOND, 401);
        check_asked(client, guarded[i], "Basic " FIRST, 401);
    }
    check_asked(client, "/v1/models", "Bearer " FIRST, 200);
    check_asked(client, "/no/such/path", "Bearer " FIRST, 404);
    check_asked(client, "/livez", NULL, 200);
    check_asked(client, "/readyz", NULL, 200);
}

/* SIGHUP reads the file again; one that has gone wrong changes nothing. */
static void check_reload(struct daemon *d) {
    struct reply reply = {0};
    tokens_write("short\n");
    kill(d->pid, SIGHUP);
    daemon_sleep_ms(100);
    check_asked(&d->client, "/v1/models", "Bearer " FIRST, 200);
    tokens_write(SECOND "\n");
    kill(d->pid, SIGHUP);
    for (int tries = 0; tries < 100; tries++) {
        if (asked(&d->client, "/v1/models", "Bearer " SECOND, &reply) == 200)
            break;
        reply_free(&reply);
        daemon_sleep_ms(50);
    }
    CHECK(reply.status == 200);
    reply_free(&reply);
    check_asked(&d->client, "/v1/models", "Bearer " FIRST, 401);
}

static void test_tokens(void) {
    struct daemon d;
    tokens_write("# two clients, one later\n" FIRST "\n");
    if (!CHECK(daemon_start(&d, (const char *const[]){"--token-file", token_path,
                                                      "--workers", "0", NULL})))
        return;
    check_guarded(&d.client);
    check_reload(&d);
    daemon_close(&d);
}

/* Runs the binary until it ends, or for two seconds. @return its exit code, -1: it ran.
 */
static int run_for_a_while(char *const *argv, const char *out) {
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen(out, "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(126);
        execv(argv[0], argv);
        _exit(127);
    }
    int status;
    for (int tries = 0; tries < 100; tries++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
        daemon_sleep_ms(20);
    }
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    return -1;
}

static char *binary(void) {
    static char fallback[] = "build/descentd";
    char *path = getenv("DESCENTD");
    return path ? path : fallback;
}

static void test_not_open_by_accident(void) {
    char store[] = "/tmp/descentd-test-access-XXXXXX";
    if (!CHECK(mkdtemp(store) && chdir(store) == 0))
        return;
    char *const accident[] = {binary(),    "serve", "--listen", "0.0.0.0:0",
                              "--workers", "0",     NULL};
    char *const meant[] = {binary(),    "serve", "--listen",          "0.0.0.0:0",
                           "--workers", "0",     "--allow-anonymous", NULL};
    char *const wrong[] = {binary(),       "serve",           "--listen",
                           "127.0.0.1:0",  "--workers",       "0",
                           "--token-file", "/nowhere/tokens", NULL};
    CHECK(run_for_a_while(accident, "/dev/null") == 1);
    CHECK(run_for_a_while(meant, "/dev/null") == -1);
    CHECK(run_for_a_while(wrong, "/dev/null") == 1);
    char *const check[] = {binary(), "check", "--listen", "127.0.0.1:0", NULL};
    char *const bad[] = {binary(),  "check",      "--listen", "127.0.0.1:0",
                         "--store", "/nowhere/x", NULL};
    CHECK(run_for_a_while(check, "found") == 0);
    CHECK(run_for_a_while(bad, "found") == 1);
    char text[2048] = "";
    FILE *f = fopen("found", "r");
    CHECK(f && fread(text, 1, sizeof text - 1, f) > 0);
    CHECK_SAY(strstr(text, "failed  store") && strstr(text, "ok      blas"), "%s", text);
    if (f)
        fclose(f);
    static const char *const left[] = {"descentd.db", "descentd.db-wal",
                                       "descentd.db-shm", "found"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        unlink(left[i]);
    CHECK(chdir("/") == 0 && rmdir(store) == 0);
}

/* For --drain-delay-ms after SIGTERM it says that it is not ready and serves all the
 * same. */
static void test_drain_delay(void) {
    struct daemon d;
    struct reply reply = {0};
    if (!CHECK(daemon_start(&d, (const char *const[]){"--drain-delay-ms", "3000", NULL})))
        return;
    job_train(&d.client, table_job("planar", table_planar(40), NULL), NULL);
    kill(d.pid, SIGTERM);
    for (int tries = 0; tries < 50; tries++) {
        reply_free(&reply);
        if (asked(&d.client, "/readyz", NULL, &reply) != 200)
            break;
        daemon_sleep_ms(10);
    }
    CHECK(reply.status == 503);
    reply_free(&reply);
    char value[256];
    CHECK(client_post(&d.client, &reply, "/predict", "{\"instances\":[[1,2]]}") &&
          reply.status == 200);
    CHECK_TEXT(reply_header(&reply, "Connection", value), "");
    reply_free(&reply);
    CHECK(daemon_wait(&d) == 0);
    daemon_close(&d);
}

int main(void) {
    int fd = mkstemp(token_path);
    char *path = realpath(binary(), NULL);
    if (fd < 0 || !path)
        abort();
    close(fd);
    setenv("DESCENTD", path, 1); /* a test changes the folder */
    CHECK_RUN(test_tokens);
    CHECK_RUN(test_drain_delay);
    CHECK_RUN(test_not_open_by_accident);
    unlink(token_path);
    free(path);
    return check_done();
}
