/* What a driver behind db.h is. db.c and the drivers alone include this. */
#ifndef SERVER_DB_DRIVER_H
#define SERVER_DB_DRIVER_H

#include "server/db.h"

enum { DB_STATEMENTS_MAX = 160, DB_PARAMETERS_MAX = 72 };

/* A driver's connection begins with it, and its statement with the other one. */
struct db {
    const struct db_driver *driver;
    size_t statements_n;
    struct db_statement *statements[DB_STATEMENTS_MAX]; /* of the driver's prepare */
};

struct db_statement {
    struct db *db;
    const char *sql;
};

/* Functions as db.h has them; NULL where there is nothing to do. */
struct db_driver {
    bool shared;
    void (*close)(struct db *db); /* its statements are freed already */
    bool (*exec)(struct db *db, const char *sql, struct err *e);
    bool (*begin)(struct db *db, struct err *e);
    bool (*begin_alone)(struct db *db, struct err *e); /* NULL: as begin */
    bool (*begin_read)(struct db *db, struct err *e);
    bool (*commit)(struct db *db, struct err *e);
    void (*rollback)(struct db *db);
    void (*give_way)(struct db *db);
    struct db_statement *(*prepare)(struct db *db, const char *sql, struct err *e);
    void (*reset)(struct db_statement *s); /* no row, no values */
    void (*finalize)(struct db_statement *s);
    void (*bind_int)(struct db_statement *s, int index, int64_t value);
    void (*bind_double)(struct db_statement *s, int index, double value);
    void (*bind_text)(struct db_statement *s, int index, const char *text);
    void (*bind_bytes)(struct db_statement *s, int index, const void *bytes, size_t n);
    void (*bind_null)(struct db_statement *s, int index);
    enum db_step (*step)(struct db_statement *s, struct err *e);
    int64_t (*changed)(struct db_statement *s); /* rows, by the last step */
    void (*end)(struct db_statement *s);
    bool (*is_null)(struct db_statement *s, int column);
    int64_t (*column_int)(struct db_statement *s, int column);
    double (*column_double)(struct db_statement *s, int column);
    const char *(*column_text)(struct db_statement *s, int column);
    const void *(*column_bytes)(struct db_statement *s, int column, size_t *n);
    bool (*now_ms)(struct db *db, int64_t *now_ms, struct err *e);
    int64_t (*change_counter)(struct db *db, struct err *e);
    bool (*notify)(struct db *db, unsigned bits, struct err *e);
    int (*listen)(struct db *db);
    unsigned (*heard)(struct db *db);
};

struct db *db_sqlite_open(const char *path, struct err *e);
struct db *db_postgres_open(const char *url, struct err *e);

/* Checks that the statement's placeholders are $1, $2, ... without gaps, and counts them.
 * ERR_INTERNAL. */
bool db_parameters_count(const char *sql, int *n, struct err *e);

#endif
