/* The narrow driver under store.c: what SQL needs of a database, and nothing else.
 *
 * One `struct db` is one connection, used by one thread at a time. Statements are
 * prepared once per connection and kept by their text (which must be a string literal).
 * Placeholders are $1, $2, ... without gaps. Errors are ERR_STORAGE, or ERR_NO_MEMORY, or
 * ERR_BUSY when another writer held the database for longer than the busy timeout, or
 * ERR_CONFLICT when a unique key stood in the way or the file is not a store. */
#ifndef SERVER_DB_H
#define SERVER_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

struct db;
struct db_statement;

/* Opens (creating it if need be) the database at `path`. */
struct db *db_open(const char *path, struct err *e) __attribute__((warn_unused_result));
void db_close(struct db *db); /* NULL is allowed */

/* Runs a text of one or more statements without results: migrations, BEGIN. */
bool db_exec(struct db *db, const char *sql, struct err *e)
    __attribute__((warn_unused_result));

/* Transactions that write take the write lock at once. rollback never fails. */
bool db_begin(struct db *db, struct err *e) __attribute__((warn_unused_result));
bool db_commit(struct db *db, struct err *e) __attribute__((warn_unused_result));
void db_rollback(struct db *db);

/* Between the transactions of a long series: a moment in which a writer that waits gets
 * its turn. */
void db_give_way(struct db *db);

/* The statement of `sql`, reset, with no values bound; owned by db. */
struct db_statement *db_prepare(struct db *db, const char *sql, struct err *e)
    __attribute__((warn_unused_result));

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

/* Columns (from 0) of the current row; pointers hold until the next step or prepare. */
bool db_is_null(struct db_statement *s, int column);
int64_t db_int(struct db_statement *s, int column);
double db_double(struct db_statement *s, int column);
const char *db_text(struct db_statement *s, int column); /* "" for null */
const void *db_bytes(struct db_statement *s, int column, size_t *n);

/* The database's clock, in milliseconds since 1970 (SQLite: the host's). */
int64_t db_now_ms(struct db *db);

/* A number that changes whenever another connection has committed something. */
int64_t db_change_counter(struct db *db);

#endif
