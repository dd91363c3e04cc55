/* The tables of the store, in numbered steps. Each step is one text in the SQL that
 * SQLite and PostgreSQL share; a step that has been released is never edited again, only
 * followed by another. */
#ifndef SERVER_SCHEMA_H
#define SERVER_SCHEMA_H

#include <stdbool.h>

#include "engine/err.h"

struct db;

/* Brings the schema up to date in one transaction under the write lock, so that of
 * several processes one migrates and the others find it done. A newer schema is left as
 * it is; ERR_CONFLICT where its steps have said that this program cannot live with it. */
bool schema_migrate(struct db *db, struct err *e) __attribute__((warn_unused_result));

/* Whether this program can live with what the schema may have become since. The same
 * ERR_CONFLICT. */
bool schema_check(struct db *db, struct err *e) __attribute__((warn_unused_result));

#endif
