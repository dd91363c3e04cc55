/* The narrow seam under store.c: what SQL needs of a database, and nothing else. Behind
 * it are two drivers, db_sqlite.c and db_postgres.c.
 *
 * One `struct db` is one connection, used by one thread at a time. Statements are
 * prepared once per connection and kept by their text (which must be a string literal).
 * Placeholders are $1, $2, ... without gaps. The SQL is what SQLite 3.40 and PostgreSQL
 * 15 share, and two things besides: in a transaction ` FOR UPDATE`, ` FOR UPDATE SKIP
 * LOCKED` and ` FOR KEY SHARE` lock rows (to SQLite, whose transaction has locked
 * everything, they say nothing), and texts are compared by their bytes.
 *
 * Errors are ERR_STORAGE, or ERR_NO_MEMORY, or ERR_CONTENDED when others held a lock for
 * longer than the busy timeout or in a deadlock, or ERR_CONFLICT when a unique key stood
 * in the way or the file is not a store, or ERR_UNAVAILABLE when the server cannot be
 * reached: then nothing was done, but for a commit (or a statement that writes outside of
 * a transaction) nobody knows. A connection that was lost comes back by itself, and never
 * within a transaction. */
#ifndef SERVER_DB_H
#define SERVER_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

struct db;
struct db_statement;

/* Opens the database at `url`: postgresql://... or postgres://..., or else the path of a
 * file, which is made if need be. ERR_CONFLICT where it is neither, but looks like
 * another database's address: a path that does begins with "/" or ".". */
struct db *db_open(const char *url, struct err *e) __attribute__((warn_unused_result));
void db_close(struct db *db); /* NULL is allowed */

/* The part of a server's URL that is its password: *n bytes of it, or NULL; of what looks
 * like another database's address all that may hold one. */
const char *db_url_password(const char *url, size_t *n);

/* The URL as it may be shown: without its password and what follows the database's name.
 */
void db_url_show(const char *url, char *text, size_t size);

/* Runs a text of one or more statements without results: migrations, BEGIN. */
bool db_exec(struct db *db, const char *sql, struct err *e)
    __attribute__((warn_unused_result));

/* Transactions. SQLite's take the write lock at once; PostgreSQL's see what others have
 * committed before each statement (READ COMMITTED), and lock rows where they say so.
 * rollback never fails. */
bool db_begin(struct db *db, struct err *e) __attribute__((warn_unused_result));
/* The same, alone among those that begin so, without bounds on time: for migrations. */
bool db_begin_alone(struct db *db, struct err *e) __attribute__((warn_unused_result));
/* One that reads alone, and all of one moment, for as long as it likes. */
bool db_begin_read(struct db *db, struct err *e) __attribute__((warn_unused_result));
bool db_commit(struct db *db, struct err *e) __attribute__((warn_unused_result));
void db_rollback(struct db *db);

/* Between the transactions of a long series: a moment in which a writer that waits gets
 * its turn. */
void db_give_way(struct db *db);

/* The statement of `sql`, reset, with no values bound; owned by db. */
struct db_statement *db_prepare(struct db *db, const char *sql, struct err *e)
    __attribute__((warn_unused_result));

/* Forgets all statements: for texts that are no literals, before they go. */
void db_forget(struct db *db);

/* Binds parameter `index` (from 1). Bytes and texts are borrowed until the next prepare.
 */
void db_bind_int(struct db_statement *s, int index, int64_t value);
void db_bind_double(struct db_statement *s, int index, double value);
void db_bind_text(struct db_statement *s, int index, const char *text); /* NULL: null */
void db_bind_bytes(struct db_statement *s, int index, const void *bytes, size_t n);
void db_bind_null(struct db_statement *s, int index);

enum db_step { DB_ROW, DB_DONE, DB_FAILED };
enum db_step db_step(struct db_statement *s, struct err *e);

/* Runs to the end; *changed (may be NULL) counts the rows it changed. */
bool db_run(struct db_statement *s, int64_t *changed, struct err *e)
    __attribute__((warn_unused_result));

/* Ends the use of a statement that may have rows left. NULL is allowed. */
void db_end(struct db_statement *s);

/* Puts a `?` where the text is not UTF-8, as PostgreSQL's driver does with what is bound.
 */
void db_text_mend(char *text);

/* Columns (from 0) of the current row; pointers hold until the next step or prepare. */
bool db_is_null(struct db_statement *s, int column);
int64_t db_int(struct db_statement *s, int column);
double db_double(struct db_statement *s, int column);
const char *db_text(struct db_statement *s, int column); /* "" for null */
const void *db_bytes(struct db_statement *s, int column, size_t *n);

/* The database's clock, in milliseconds since 1970 (SQLite: the host's). */
bool db_now_ms(struct db *db, int64_t *now_ms, struct err *e)
    __attribute__((warn_unused_result));

/* A number that changes whenever another connection has committed something (and perhaps
 * when it has not). -1: it could not be read. */
int64_t db_change_counter(struct db *db, struct err *e);

/* Whether other machines may use this database. */
bool db_is_shared(const struct db *db);

/* ---- hints ----------------------------------------------------------------------
 * A word to whoever listens that something was committed, in place of looking all the
 * time. It may be lost with a connection: looking now and then is the truth behind it. */

/* Inside a transaction: with its commit the listeners hear `bits`. */
bool db_notify(struct db *db, unsigned bits, struct err *e)
    __attribute__((warn_unused_result));

/* From here on the connection listens. @return what to poll for input; it may be another
 * one the next time. -1: nothing is to be heard now. */
int db_listen(struct db *db);

/* What was heard since the last call, and everything when something may have been missed.
 * To be asked before each wait on db_listen's descriptor. */
unsigned db_heard(struct db *db);

#endif
