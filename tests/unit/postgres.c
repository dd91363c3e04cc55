#include "tests/unit/postgres.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/check.h"

/* The first line that the command prints. */
static bool shell(const char *command, char *line, size_t size) {
    fflush(stdout);
    FILE *f = popen(command, "r");
    bool got = f && fgets(line, (int)size, f);
    char rest[256];
    while (f && fgets(rest, sizeof rest, f)) {
    }
    bool ok = f && pclose(f) == 0;
    if (got)
        line[strcspn(line, "\n")] = '\0';
    else
        *line = '\0';
    return ok;
}

static bool script(const char *verb, const struct postgres *p, const char *how) {
    char command[200], line[64];
    snprintf(command, sizeof command, "sh tests/postgres.sh %s %s %s", verb, p->folder,
             how);
    return CHECK_SAY(shell(command, line, sizeof line), "%s: %s", command, line);
}

bool postgres_make(struct postgres *p) {
    char line[160];
    *p = (struct postgres){0};
    if (!CHECK(shell("sh tests/postgres.sh make", line, sizeof line)) ||
        !CHECK(sscanf(line, "%95s %d", p->folder, &p->port) == 2))
        return false;
    snprintf(p->url, sizeof p->url, "postgresql://app@127.0.0.1:%d/postgres", p->port);
    return true;
}

bool postgres_stop(const struct postgres *p, const char *how) {
    return script("stop", p, how);
}

bool postgres_start(const struct postgres *p) {
    return script("start", p, "");
}

void postgres_end(struct postgres *p) {
    if (p->folder[0])
        script("end", p, "");
    p->folder[0] = '\0';
}

void postgres_freeze(const struct postgres *p, bool frozen) {
    char command[200], line[64];
    /* The server's children are those of the process that the file names. */
    snprintf(command, sizeof command,
             "pid=$(head -n 1 %s/data/postmaster.pid); kill -%s $pid $(pgrep -P $pid)",
             p->folder, frozen ? "STOP" : "CONT");
    shell(command, line, sizeof line);
}

static bool query(const char *url, const char *sql, char *line, size_t size) {
    char command[1400];
    int n = snprintf(command, sizeof command,
                     "psql -XqAt -v ON_ERROR_STOP=1 '%s' <<'END'\n%s\nEND\n", url, sql);
    return n < (int)sizeof command && shell(command, line, size);
}

bool postgres_schema_make(const char *server, char url[POSTGRES_URL_MAX]) {
    static int made;
    char sql[80], line[80];
    int number = made++;
    snprintf(sql, sizeof sql, "CREATE SCHEMA h%d_%d", (int)getpid(), number);
    snprintf(url, POSTGRES_URL_MAX, "%s?options=-csearch_path%%3Dh%d_%d", server,
             (int)getpid(), number);
    return CHECK_SAY(query(server, sql, line, sizeof line), "%s: %s", sql, line);
}

void postgres_schema_end(const char *url) {
    char sql[120], line[80];
    const char *name = strstr(url, "%3D");
    if (!CHECK(name != NULL))
        return;
    snprintf(sql, sizeof sql,
             "SET client_min_messages = warning; DROP SCHEMA %.60s CASCADE", name + 3);
    CHECK_SAY(query(url, sql, line, sizeof line), "%s: %s", sql, line);
}

int64_t postgres_int(const char *url, const char *sql) {
    char line[80];
    bool ok = query(url, sql, line, sizeof line);
    if (!CHECK_SAY(ok, "%s", sql) || !*line)
        return -1;
    return *line == 't' ? 1 : strtoll(line, NULL, 10);
}
