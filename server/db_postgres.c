/* PostgreSQL: a store that several machines share. What is known not to have been done
 * when the connection is lost (a BEGIN, a read outside of a transaction) is done over
 * with the next one; nothing else is. */
#include "server/db_driver.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/utf8.h"
#include "server/db_link.h"

/* The types of what is bound (pg_type.dat). */
enum { BYTEA_OID = 17, INT8_OID = 20, TEXT_OID = 25, FLOAT8_OID = 701 };

#define CHANNEL "descentd"

struct value {
    Oid type; /* 0: a null whose type the server finds out */
    const char *bytes;
    int n;
    uint64_t number; /* what bytes points to, in network order; */
    char *owned;     /* or this */
};

struct statement {
    struct db_statement base; /* first: a db_statement is a statement */
    int parameters_n;
    char name[24];
    uint64_t prepared_on; /* the connection that knows it */
    PGresult *result;     /* NULL: not run yet */
    int row;
    int64_t changed;
    struct value values[]; /* from 1 */
};

struct postgres {
    struct db base; /* first */
    struct db_link link;
    uint64_t listening_on; /* the connection that listens */
    uint64_t prepared_n;   /* names of statements given so far */
};

static struct db_link *link_of(struct db *db) {
    return &((struct postgres *)db)->link;
}

static struct statement *statement_of(struct db_statement *s) {
    return (struct statement *)s;
}

static const struct db_driver driver;

struct db *db_postgres_open(const char *url, struct err *e) {
    struct postgres *p = calloc(1, sizeof *p);
    if (!p) {
        err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a connection");
        return NULL;
    }
    p->base.driver = &driver;
    if (db_link_open(&p->link, url, e))
        return &p->base;
    free(p);
    return NULL;
}

static void close_link(struct db *db) {
    db_link_close(link_of(db));
    free(db);
}

/* ---- transactions --------------------------------------------------------------- */

/* TEXT is compared by its bytes, as SQLite does, whatever the database's language. */
static char *types_translate(const char *sql) {
    static const char FROM[] = " TEXT", INTO[] = " TEXT COLLATE \"C\"";
    size_t n = strlen(sql) + 1;
    for (const char *at = sql; (at = strstr(at, FROM)); at += sizeof FROM - 1)
        n += sizeof INTO - sizeof FROM;
    char *text = malloc(n), *to = text;
    for (const char *at = sql; text;) {
        const char *next = strstr(at, FROM);
        if (!next) {
            strcpy(to, at);
            break;
        }
        to = mempcpy(to, at, (size_t)(next - at));
        to = mempcpy(to, INTO, sizeof INTO - 1);
        at = next + sizeof FROM - 1;
    }
    return text;
}

static bool exec(struct db *db, const char *sql, struct err *e) {
    struct db_link *l = link_of(db);
    char *text = types_translate(sql);
    if (!text)
        return err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a statement");
    bool ok = db_link_need(l, e) && db_link_command(l, text, e);
    free(text);
    return ok;
}

static bool begin_by(struct db *db, const char *sql, struct err *e) {
    struct db_link *l = link_of(db);
    struct err first = {0};
    assert(!l->in_transaction);
    if (!db_link_need(l, e))
        return false;
    bool ok = db_link_command(l, sql, &first);
    if (!ok && l->conn)
        return err_set(e, first.kind, NULL, "%s", first.text);
    if (!ok && (!db_link_need(l, e) || !db_link_command(l, sql, e)))
        return false;
    l->in_transaction = true;
    return true;
}

static bool begin(struct db *db, struct err *e) {
    return begin_by(db, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", e);
}

static void transaction_over(struct db_link *l) {
    l->in_transaction = false;
    l->answer_ms = DB_LINK_ANSWER_MS;
}

static void rollback(struct db *db) {
    struct db_link *l = link_of(db);
    struct err ignored = {0};
    bool open = l->in_transaction && l->conn;
    transaction_over(l);
    if (open && !db_link_command(l, "ROLLBACK", &ignored))
        db_link_drop(l); /* which the server takes for one, too */
}

/* Without bounds on time. */
static bool patiently(struct db *db, const char *sql, struct err *e) {
    static const char BOUNDS[] = "SET LOCAL statement_timeout = 0;"
                                 "SET LOCAL lock_timeout = 0;"
                                 "SET LOCAL idle_in_transaction_session_timeout = 0";
    struct db_link *l = link_of(db);
    l->answer_ms = DB_LINK_LONG_MS;
    if (db_link_command(l, BOUNDS, e) && (!sql || db_link_command(l, sql, e)))
        return true;
    rollback(db);
    return false;
}

static bool begin_read(struct db *db, struct err *e) {
    return begin_by(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", e) &&
           patiently(db, NULL, e);
}

/* The number is that of an SQLite file of ours. */
static bool begin_alone(struct db *db, struct err *e) {
    return begin(db, e) && patiently(db, "SELECT pg_advisory_xact_lock(1685283684)", e);
}

static bool commit(struct db *db, struct err *e) {
    struct db_link *l = link_of(db);
    if (!l->in_transaction)
        return err_set(e, ERR_STORAGE, NULL, "store: there is no transaction to commit");
    if (!db_link_need(l, e))
        return false;
    PGresult *r = db_link_answer(l, PQsendQuery(l->conn, "COMMIT"), e);
    if (!r)
        return false;
    transaction_over(l);
    /* One in which something failed is rolled back without an error. */
    bool ok = strcmp(PQcmdStatus(r), "COMMIT") == 0;
    PQclear(r);
    return ok || err_set(e, ERR_STORAGE, NULL, "store: the transaction was rolled back");
}

/* ---- statements ----------------------------------------------------------------- */

static struct db_statement *prepare(struct db *db, const char *sql, struct err *e) {
    int n;
    if (!db_parameters_count(sql, &n, e))
        return NULL;
    struct statement *s = calloc(1, sizeof *s + (size_t)(n + 1) * sizeof *s->values);
    if (!s) {
        err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a statement");
        return NULL;
    }
    s->parameters_n = n;
    snprintf(s->name, sizeof s->name, "s%" PRIu64, ++((struct postgres *)db)->prepared_n);
    return &s->base;
}

static void end(struct db_statement *q) {
    struct statement *s = statement_of(q);
    PQclear(s->result);
    s->result = NULL;
}

static void reset(struct db_statement *q) {
    struct statement *s = statement_of(q);
    end(q);
    for (int i = 1; i <= s->parameters_n; i++) {
        free(s->values[i].owned);
        s->values[i] = (struct value){0};
    }
}

static void finalize(struct db_statement *q) {
    reset(q);
    free(q);
}

static struct value *value_at(struct db_statement *q, int index) {
    struct statement *s = statement_of(q);
    assert(index >= 1 && index <= s->parameters_n);
    return &s->values[index];
}

static void bind_number(struct db_statement *q, int index, Oid type, uint64_t bits) {
    struct value *v = value_at(q, index);
    v->type = type;
    v->number = htobe64(bits);
    v->bytes = (const char *)&v->number;
    v->n = sizeof v->number;
}

static void bind_int(struct db_statement *q, int index, int64_t value) {
    bind_number(q, index, INT8_OID, (uint64_t)value);
}

static void bind_double(struct db_statement *q, int index, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bind_number(q, index, FLOAT8_OID, bits);
}

/* The server refuses what is not UTF-8; a text that was cut in the middle of a character
 * must not be the reason why the end of a job cannot be written. */
static const char *text_clean(struct value *v, const char *text, size_t n) {
    if (utf8_prefix(text, n) == n || !(v->owned = strdup(text)))
        return text;
    db_text_mend(v->owned);
    return v->owned;
}

static void bind_bytes(struct db_statement *q, int index, const void *bytes, size_t n) {
    assert(n <= INT32_MAX);
    *value_at(q, index) =
        (struct value){.type = BYTEA_OID, .bytes = n ? bytes : "", .n = (int)n};
}

static void bind_text(struct db_statement *q, int index, const char *text) {
    struct value *v = value_at(q, index);
    bind_bytes(q, index, text, text ? strlen(text) : 0);
    v->type = TEXT_OID;
    v->bytes = text ? text_clean(v, text, (size_t)v->n) : NULL;
}

static void bind_null(struct db_statement *q, int index) {
    *value_at(q, index) = (struct value){0};
}

/* Once a connection. The type that a null did not tell the server finds out. */
static bool statement_prepare(struct db_link *l, struct statement *s, struct err *e) {
    Oid types[DB_PARAMETERS_MAX];
    if (s->prepared_on == l->number)
        return true;
    for (int i = 0; i < s->parameters_n; i++)
        types[i] = s->values[i + 1].type;
    PGresult *r = db_link_answer(
        l, PQsendPrepare(l->conn, s->name, s->base.sql, s->parameters_n, types), e);
    PQclear(r);
    if (r)
        s->prepared_on = l->number;
    return r;
}

/* Values and results are binary. */
static bool statement_send(struct db_link *l, struct statement *s, struct err *e) {
    const char *bytes[DB_PARAMETERS_MAX];
    int lengths[DB_PARAMETERS_MAX], formats[DB_PARAMETERS_MAX];
    if (!statement_prepare(l, s, e))
        return false;
    for (int i = 0; i < s->parameters_n; i++) {
        bytes[i] = s->values[i + 1].bytes;
        lengths[i] = s->values[i + 1].n;
        formats[i] = 1;
    }
    int sent = PQsendQueryPrepared(l->conn, s->name, s->parameters_n, bytes, lengths,
                                   formats, 1);
    s->result = db_link_answer(l, sent, e);
    return s->result;
}

static bool statement_run(struct db_link *l, struct statement *s, struct err *e) {
    struct err first = {0};
    bool reads = !l->in_transaction && strncmp(s->base.sql, "SELECT", 6) == 0;
    if (!db_link_need(l, e))
        return false;
    if (statement_send(l, s, &first))
        return true;
    if (reads && !l->conn && db_link_need(l, e))
        return statement_send(l, s, e);
    return err_set(e, first.kind, first.where, "%s", first.text);
}

static enum db_step step(struct db_statement *q, struct err *e) {
    struct statement *s = statement_of(q);
    if (s->result) {
        s->row++;
    } else {
        if (!statement_run(link_of(q->db), s, e))
            return DB_FAILED;
        s->row = 0;
        s->changed = strtoll(PQcmdTuples(s->result), NULL, 10);
    }
    if (s->row < PQntuples(s->result))
        return DB_ROW;
    end(q);
    return DB_DONE;
}

static int64_t changed(struct db_statement *q) {
    return statement_of(q)->changed;
}

/* ---- columns -------------------------------------------------------------------- */

static bool is_null(struct db_statement *q, int column) {
    const struct statement *s = statement_of(q);
    return PQgetisnull(s->result, s->row, column);
}

static const void *column_bytes(struct db_statement *q, int column, size_t *n) {
    const struct statement *s = statement_of(q);
    *n = (size_t)PQgetlength(s->result, s->row, column);
    return PQgetvalue(s->result, s->row, column);
}

static const char *column_text(struct db_statement *q, int column) {
    size_t n;
    return column_bytes(q, column, &n); /* libpq puts a zero behind it */
}

/* bool, int2, int4 and int8; 0 for null. */
static int64_t column_int(struct db_statement *q, int column) {
    size_t n;
    const unsigned char *bytes = column_bytes(q, column, &n);
    assert(n <= 8);
    uint64_t value = n > 1 && bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

static double column_double(struct db_statement *q, int column) {
    uint64_t bits = (uint64_t)column_int(q, column);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- clock, changes, hints ------------------------------------------------------ */

static bool now_ms(struct db *db, int64_t *now, struct err *e) {
    struct db_statement *q = db_prepare(
        db, "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)",
        e);
    bool ok = q && db_step(q, e) == DB_ROW;
    if (ok)
        *now = db_int(q, 0);
    db_end(q);
    return ok;
}

/* Which transactions have ended is what a snapshot is made of. */
static int64_t change_counter(struct db *db, struct err *e) {
    struct db_statement *q =
        db_prepare(db, "SELECT CAST(pg_current_snapshot() AS TEXT)", e);
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    bool ok = q && db_step(q, e) == DB_ROW;
    for (const char *at = ok ? db_text(q, 0) : ""; *at; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    db_end(q);
    return ok ? (int64_t)(hash >> 1) : -1;
}

static bool notify(struct db *db, unsigned bits, struct err *e) {
    struct db_statement *q = db_prepare(db, "SELECT pg_notify('" CHANNEL "', $1)", e);
    char text[16];
    if (!q)
        return false;
    snprintf(text, sizeof text, "%u", bits);
    db_bind_text(q, 1, text);
    return db_run(q, NULL, e);
}

static int listen_now(struct db *db) {
    struct postgres *p = (struct postgres *)db;
    struct db_link *l = &p->link;
    struct err ignored = {0};
    if (l->in_transaction || !db_link_need(l, &ignored))
        return -1;
    if (p->listening_on != l->number) {
        if (!db_link_command(l, "LISTEN " CHANNEL, &ignored))
            return -1;
        p->listening_on = l->number;
        l->heard = ~0U; /* who knows what was said before */
    }
    return PQsocket(l->conn);
}

static unsigned heard(struct db *db) {
    struct db_link *l = link_of(db);
    if (!l->in_transaction)
        db_link_look(l);
    unsigned bits = l->heard;
    l->heard = 0;
    return bits;
}

static const struct db_driver driver = {
    .shared = true,
    .close = close_link,
    .exec = exec,
    .begin = begin,
    .begin_alone = begin_alone,
    .begin_read = begin_read,
    .commit = commit,
    .rollback = rollback,
    .prepare = prepare,
    .reset = reset,
    .finalize = finalize,
    .bind_int = bind_int,
    .bind_double = bind_double,
    .bind_text = bind_text,
    .bind_bytes = bind_bytes,
    .bind_null = bind_null,
    .step = step,
    .changed = changed,
    .end = end,
    .is_null = is_null,
    .column_int = column_int,
    .column_double = column_double,
    .column_text = column_text,
    .column_bytes = column_bytes,
    .now_ms = now_ms,
    .change_counter = change_counter,
    .notify = notify,
    .listen = listen_now,
    .heard = heard,
};
