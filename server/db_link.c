#include "server/db_link.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/clock.h"

enum {
    ATTEMPT_MS = 3000, /* for each host of the URL */
    WAIT_MS = 300,     /* of an attempt, in one call */
    PAUSE_MS = 40,     /* after the first failed attempt; doubled for each that follows */
    PAUSE_MS_MAX = 500
};

/* What is acknowledged is on disk, and nobody waits, or lets others wait, for ever. */
static const char SETTINGS[] = "SET statement_timeout = 10000; SET lock_timeout = 5000;"
                               "SET idle_in_transaction_session_timeout = 10000;"
                               "SELECT set_config('synchronous_commit', 'on', false)"
                               " WHERE current_setting('synchronous_commit') = 'off'";

/* ---- errors --------------------------------------------------------------------- */

static enum err_kind kind_of(const char *state) {
    static const struct {
        const char *state; /* or the start of it */
        enum err_kind kind;
    } KINDS[] = {
        {"23505", ERR_CONFLICT},    /* unique key */
        {"40001", ERR_CONTENDED},   /* serialization */
        {"40P01", ERR_CONTENDED},   /* deadlock */
        {"55P03", ERR_CONTENDED},   /* lock timeout */
        {"57014", ERR_CONTENDED},   /* statement timeout */
        {"08", ERR_UNAVAILABLE},    /* connection */
        {"57P", ERR_UNAVAILABLE},   /* shutdown, crash, start */
        {"25006", ERR_UNAVAILABLE}, /* read-only: a standby */
        {"25P03", ERR_UNAVAILABLE}, /* too long in a transaction */
        {"53300", ERR_UNAVAILABLE}, /* too many connections */
    };
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strncmp(state, KINDS[i].state, strlen(KINDS[i].state)) == 0)
            return KINDS[i].kind;
    return ERR_STORAGE;
}

void db_link_drop(struct db_link *l) {
    PQfinish(l->conn);
    l->conn = NULL;
    l->connecting = false;
}

/* libpq puts several lines into one message. */
static bool lost(struct db_link *l, struct err *e) {
    const char *text = PQerrorMessage(l->conn);
    err_set(e, ERR_UNAVAILABLE, NULL, "store: %.*s", (int)strcspn(text, "\n"), text);
    db_link_drop(l);
    return false;
}

/* ---- waiting -------------------------------------------------------------------- */

/* @return whether something came, or may be sent, in time. */
static bool socket_wait(const PGconn *conn, short events, int64_t until_us) {
    for (;;) {
        int64_t left_us = until_us - clock_mono_us();
        struct pollfd fd = {.fd = PQsocket(conn), .events = events};
        int n = poll(&fd, 1, left_us > 0 ? (int)((left_us + 999) / 1000) : 0);
        if (n > 0)
            return true;
        if (n == 0 ? left_us <= 0 : errno != EINTR)
            return false;
    }
}

static void notifications_take(struct db_link *l) {
    for (PGnotify *n; (n = PQnotifies(l->conn));) {
        l->heard |= (unsigned)strtoul(n->extra, NULL, 10);
        PQfreemem(n);
    }
}

/* Takes what has come. Of several results the first error is kept, or else the last one.
 * @return false: more is to come. */
static bool results_take(struct db_link *l, PGresult **kept) {
    while (!PQisBusy(l->conn)) {
        PGresult *next = PQgetResult(l->conn);
        if (!next)
            return true;
        if (*kept && PQresultStatus(*kept) == PGRES_FATAL_ERROR) {
            PQclear(next);
        } else {
            PQclear(*kept);
            *kept = next;
        }
    }
    return false;
}

/* NULL: the connection is lost. */
static PGresult *answer_wait(struct db_link *l, struct err *e) {
    PGresult *kept = NULL;
    int64_t until_us = clock_mono_us() + l->answer_ms * 1000;
    for (;;) {
        int unsent = PQflush(l->conn);
        if (unsent < 0)
            break;
        if (!unsent && results_take(l, &kept)) {
            notifications_take(l);
            if (kept)
                return kept;
            break;
        }
        if (!socket_wait(l->conn, unsent ? POLLIN | POLLOUT : POLLIN, until_us)) {
            err_set(e, ERR_UNAVAILABLE, NULL, "store: no answer within %" PRId64 " ms",
                    l->answer_ms);
            break;
        }
        if (!PQconsumeInput(l->conn))
            break;
    }
    PQclear(kept);
    lost(l, e);
    return NULL;
}

PGresult *db_link_answer(struct db_link *l, int sent, struct err *e) {
    if (!sent)
        return lost(l, e), NULL;
    PGresult *r = answer_wait(l, e);
    ExecStatusType status = PQresultStatus(r);
    if (!r || status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return r;
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    bool bad = PQstatus(l->conn) == CONNECTION_BAD;
    enum err_kind kind = state ? kind_of(state) : bad ? ERR_UNAVAILABLE : ERR_STORAGE;
    err_set(e, kind, NULL, "store: %s (postgresql %s)", message ? message : "it failed",
            state ? state : "gives no code");
    PQclear(r);
    if (bad || kind == ERR_UNAVAILABLE)
        db_link_drop(l);
    return NULL;
}

bool db_link_command(struct db_link *l, const char *sql, struct err *e) {
    PGresult *r = db_link_answer(l, PQsendQuery(l->conn, sql), e);
    PQclear(r);
    return r;
}

/* ---- connecting ----------------------------------------------------------------- */

static void quiet(void *context, const char *message) {
    (void)context;
    (void)message;
}

/* A password that is wrong or missing, a user or a database that is not there, or may not
 * be used, or a value that libpq does not know. While it connects, the code is in its
 * message alone: "FATAL:  28P01: " and the text. */
static bool is_refusal(const PGconn *conn) {
    static const char *const STATES[] = {"28", "3D000", "42501"};
    const char *text = PQerrorMessage(conn), *at = strstr(text, ":  ");
    for (size_t i = 0; at && i < sizeof STATES / sizeof *STATES; i++)
        if (strncmp(at + 3, STATES[i], strlen(STATES[i])) == 0)
            return true;
    return PQconnectionNeedsPassword(conn) || strncmp(text, "invalid ", 8) == 0;
}

/* The next one is not at once. */
static bool attempt_over(struct db_link *l, const char *why, struct err *e) {
    err_set(e, ERR_UNAVAILABLE, NULL, "%s", why);
    snprintf(l->why, sizeof l->why, "%s", e->text);
    l->pause_ms = l->pause_ms * 2 < PAUSE_MS_MAX ? l->pause_ms * 2 : PAUSE_MS_MAX;
    double part = 0.5 + erand48(l->seed) / 2;
    l->attempt_after_us = clock_mono_us() + (int64_t)(part * 1000 * (double)l->pause_ms);
    return false;
}

static bool attempt_failed(struct db_link *l, struct err *e) {
    struct err why = {0};
    l->refused = l->conn && is_refusal(l->conn);
    if (l->conn)
        lost(l, &why);
    return attempt_over(l, why.text, e);
}

/* Texts are UTF-8, and some have no place in another encoding. SQL_ASCII takes all bytes
 * as they are. */
static bool encoding_fits(const PGconn *conn) {
    const char *encoding = PQparameterStatus(conn, "server_encoding");
    return !encoding || strcmp(encoding, "UTF8") == 0 ||
           strcmp(encoding, "SQL_ASCII") == 0;
}

static bool encoding_refused(struct db_link *l, struct err *e) {
    char why[160];
    snprintf(
        why, sizeof why,
        "store: the database's encoding is %.40s, expected UTF8 (CREATE DATABASE ... "
        "ENCODING 'UTF8' TEMPLATE template0)",
        PQparameterStatus(l->conn, "server_encoding"));
    db_link_drop(l);
    l->refused = true;
    return attempt_over(l, why, e);
}

static bool attempt_begin(struct db_link *l, struct err *e) {
    /* What stands before the URL it may overrule. */
    static const char *const KEYS[] = {
        "keepalives",       "keepalives_idle",  "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "fallback_application_name",
        "dbname",           "client_encoding",  NULL};
    const char *const values[] = {"1",        "10",   "3",    "3", "5000",
                                  "descentd", l->url, "UTF8", NULL};
    if (clock_mono_us() < l->attempt_after_us)
        return err_set(e, ERR_UNAVAILABLE, NULL, "%s", l->why);
    l->conn = PQconnectStartParams(KEYS, values, 1);
    if (!l->conn)
        return err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a connection");
    PQsetNoticeProcessor(l->conn, quiet, NULL);
    PQsetErrorVerbosity(l->conn, PQERRORS_VERBOSE); /* for is_refusal */
    l->connecting = true;
    l->wants = PGRES_POLLING_WRITING;
    l->attempt_until_us = clock_mono_us() + l->attempt_ms * 1000;
    return PQstatus(l->conn) != CONNECTION_BAD || attempt_failed(l, e);
}

static bool connection_adopt(struct db_link *l, struct err *e) {
    l->connecting = false;
    l->number++;
    if (!encoding_fits(l->conn))
        return encoding_refused(l, e);
    if (PQsetnonblocking(l->conn, 1) != 0 || !db_link_command(l, SETTINGS, e))
        return attempt_failed(l, e);
    l->pause_ms = PAUSE_MS / 2;
    return true;
}

static bool attempt_go_on(struct db_link *l, int64_t wait_ms, struct err *e) {
    int64_t until_us = clock_mono_us() + wait_ms * 1000;
    while (l->wants != PGRES_POLLING_OK) {
        bool last = l->attempt_until_us <= until_us;
        short events = l->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!socket_wait(l->conn, events, last ? l->attempt_until_us : until_us)) {
            err_set(e, ERR_UNAVAILABLE, NULL, "store: the database does not answer");
            return last && attempt_failed(l, e);
        }
        l->wants = PQconnectPoll(l->conn);
        if (l->wants == PGRES_POLLING_FAILED)
            return attempt_failed(l, e);
    }
    return connection_adopt(l, e);
}

void db_link_look(struct db_link *l) {
    while (l->conn && !l->connecting && socket_wait(l->conn, POLLIN, 0)) {
        bool ok = PQconsumeInput(l->conn);
        notifications_take(l);
        if (!ok || PQstatus(l->conn) == CONNECTION_BAD)
            db_link_drop(l);
    }
}

static bool need(struct db_link *l, int64_t wait_ms, struct err *e) {
    if (l->in_transaction)
        return l->conn || err_set(e, ERR_UNAVAILABLE, NULL,
                                  "store: the connection was lost in a transaction");
    db_link_look(l);
    if (l->conn && !l->connecting)
        return true;
    return (l->conn || attempt_begin(l, e)) && attempt_go_on(l, wait_ms, e);
}

bool db_link_need(struct db_link *l, struct err *e) {
    return need(l, WAIT_MS, e);
}

/* Whether a port is one, or several of several hosts: a slash in a password ends the
 * host before it, and libpq would quote what then stands for the port, as it would the
 * host that an @ in a password makes. */
static bool is_port(const char *text) {
    return strspn(text, "0123456789,") == strlen(text);
}

/* Hosts have no @ but at the beginning of an abstract socket's name. */
static bool is_host(const char *text) {
    for (const char *at = text; (at = strchr(at, '@')); at++)
        if (at > text && at[-1] != ',')
            return false;
    return true;
}

/* An attempt has time for each host of the URL. */
static bool url_read(struct db_link *l, struct err *e) {
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(l->url, &message);
    PQfreemem(message); /* which may quote the password */
    bool ok = options;
    l->attempt_ms = ATTEMPT_MS;
    for (PQconninfoOption *o = options; ok && o->keyword; o++) {
        ok = !o->val || (strcmp(o->keyword, "port") == 0   ? is_port(o->val)
                         : strcmp(o->keyword, "host") == 0 ? is_host(o->val)
                                                           : true);
        if (o->val && strcmp(o->keyword, "host") == 0)
            for (const char *at = o->val; (at = strchr(at, ',')); at++)
                l->attempt_ms += ATTEMPT_MS;
    }
    PQconninfoFree(options);
    return ok || err_set(e, ERR_CONFLICT, NULL,
                         "store: expected postgresql://USER[:PASSWORD]@HOST[:PORT]/"
                         "DATABASE[?KEY=VALUE], other characters as %%XX");
}

bool db_link_open(struct db_link *l, const char *url, struct err *e) {
    int64_t seed = clock_mono_us() ^ (int64_t)(uintptr_t)l ^ (int64_t)getpid() << 20;
    *l = (struct db_link){.answer_ms = DB_LINK_ANSWER_MS, .pause_ms = PAUSE_MS / 2};
    memcpy(l->seed, &seed, sizeof l->seed);
    l->url = strdup(url);
    if (!l->url)
        return err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a connection");
    struct err once = {0};
    if (url_read(l, &once) && need(l, l->attempt_ms, &once))
        return true;
    enum err_kind kind = l->refused ? ERR_CONFLICT : once.kind;
    db_link_close(l);
    return err_set(e, kind, NULL, "%s", once.text);
}

void db_link_close(struct db_link *l) {
    db_link_drop(l);
    free(l->url);
}
