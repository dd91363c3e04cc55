/* A connection to a PostgreSQL server that comes back by itself. Private to the driver:
 * this file pair and db_postgres.c alone include libpq.
 *
 * All waiting is done here, against a clock: a server that is away costs a call some
 * milliseconds, one that hangs a bounded time, and neither costs a thread. After a failed
 * attempt to connect there is a pause, which grows and varies. */
#ifndef SERVER_DB_LINK_H
#define SERVER_DB_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <postgresql/libpq-fe.h>

#include "engine/err.h"

enum {
    DB_LINK_ANSWER_MS = 12000, /* a bit more than the server's bound on a statement */
    DB_LINK_LONG_MS = 3600000  /* of a migration */
};

struct db_link {
    PGconn *conn;        /* NULL: none */
    uint64_t number;     /* of the connection, from 1 */
    bool in_transaction; /* the owner's; one that is lost is not replaced meanwhile */
    int64_t answer_ms;   /* the owner's */
    unsigned heard;      /* the owner's: bits of notifications */
    /* its own */
    char *url;
    bool connecting;
    PostgresPollingStatusType wants;
    int64_t attempt_ms, attempt_until_us, attempt_after_us, pause_ms;
    unsigned short seed[3];
    bool refused;           /* the last time, for a reason that does not pass by itself */
    char why[ERR_TEXT_MAX]; /* it could not connect the last time */
};

/* Connects, once. On false there is nothing to close. ERR_CONFLICT: the URL is none, or
 * there is no such database, or it does not let this user in: later, that is
 * ERR_UNAVAILABLE, too, as somebody may just be changing it. */
bool db_link_open(struct db_link *l, const char *url, struct err *e)
    __attribute__((warn_unused_result));
void db_link_close(struct db_link *l);

/* Connects again if need be, for some milliseconds: an attempt that is not over then goes
 * on with the next call. */
bool db_link_need(struct db_link *l, struct err *e) __attribute__((warn_unused_result));

/* Gives the connection up. */
void db_link_drop(struct db_link *l);

/* The answer to what was sent (`sent`: whether it could be), without an error in it;
 * clear it. NULL with *e; l->conn is NULL then when the connection is lost. */
PGresult *db_link_answer(struct db_link *l, int sent, struct err *e)
    __attribute__((warn_unused_result));

/* Sends a text of one or more commands and waits for their end. */
bool db_link_command(struct db_link *l, const char *sql, struct err *e)
    __attribute__((warn_unused_result));

/* Takes what an idle connection has been told; drops one that was ended. */
void db_link_look(struct db_link *l);

#endif
