/* What an operator finds in the log about requests and about how the server was begun. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/unit/check.h"

enum { WAIT_MS = 5000 };

static struct daemon d;

static json_t *line_with(const char *text) {
    char line[DAEMON_LINE_BYTES] = "";
    daemon_logs(&d, text, WAIT_MS, line);
    return json_loads(line, 0, NULL);
}

/* Who asked for what, and what was wrong with it. A query may hold a secret. */
static void refusals_are_told(void) {
    struct reply reply;
    client_get(&d.client, &reply, "/v1/models/a%%20b%%22?key=hidden");
    CHECK(reply.status == 400);
    reply_free(&reply);
    json_t *line = line_with("\"message\":\"request\"");
    CHECK_TEXT(reply_text(line, "/level"), "info");
    CHECK_TEXT(reply_text(line, "/method"), "GET");
    CHECK_TEXT(reply_text(line, "/route"), "models_get");
    CHECK_TEXT(reply_text(line, "/path"), "/v1/models/a%20b%22");
    CHECK_TEXT(reply_text(line, "/peer"), "127.0.0.1");
    CHECK_TEXT(reply_text(line, "/where"), "key");
    CHECK(reply_number(line, "/status") == 400);
    json_decref(line);
}

/* A path of any length is a line of the log that can be read, and of what was asked for
 * only its beginning. */
static void long_paths_are_cut(void) {
    enum { LONG = 1500 };
    char path[LONG + 1] = "/v1/models/";
    size_t n = strlen(path);
    memset(path + n, 'y', LONG - n);
    struct reply reply;
    client_get(&d.client, &reply, "%s", path);
    CHECK_SAY(reply.status == 400 || reply.status == 404, "%ld", reply.status);
    reply_free(&reply);
    json_t *line = line_with("yyyyyyyy");
    const char *told = reply_text(line, "/path");
    CHECK_SAY(strlen(told) == 255 && strncmp(told, path, 252) == 0 &&
                  strcmp(told + 252, "...") == 0,
              "%s", told);
    json_decref(line);
}

/* A setting that is misspelt in the environment is heard of; what Kubernetes puts there
 * for a service of that name is not. */
static void strangers_are_told(void) {
    json_t *line = line_with("\"DESCENTD_QUEU_MAX\"");
    CHECK_TEXT(reply_text(line, "/level"), "warn");
    CHECK_TEXT(reply_text(line, "/nearest"), "DESCENTD_QUEUE_MAX");
    json_decref(line);
    char text[DAEMON_LINE_BYTES] = "";
    FILE *log = fopen(d.log, "r");
    if (!CHECK(log))
        return;
    while (fgets(text, sizeof text, log))
        CHECK_SAY(!strstr(text, "10.0.0.7") && !strstr(text, "DESCENTD_SERVICE") &&
                      !strstr(text, "DESCENTD_PORT"),
                  "%s", text);
    fclose(log);
}

int main(void) {
    setenv("DESCENTD_QUEU_MAX", "7", 1);
    setenv("DESCENTD_SERVICE_HOST", "10.0.0.7", 1);
    setenv("DESCENTD_SERVICE_PORT_HTTP", "8080", 1);
    setenv("DESCENTD_PORT", "tcp://10.0.0.7:8080", 1);
    setenv("DESCENTD_PORT_8080_TCP_ADDR", "10.0.0.7", 1);
    if (!daemon_start(&d, NULL))
        return 1;
    CHECK_RUN(strangers_are_told);
    CHECK_RUN(refusals_are_told);
    CHECK_RUN(long_paths_are_cut);
    daemon_close(&d);
    return check_done();
}
