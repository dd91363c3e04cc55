/* From an error to what an HTTP client sees: the one place that chooses a status. */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include "api/text.h"
#include "engine/err.h"

/* 400 for ERR_INVALID, 404 for ERR_NOT_FOUND, ... */
int problem_status(enum err_kind kind);

/* The same for the clients of other protocols, who know no 422: 400. */
int problem_status_plain(enum err_kind kind);

/* "invalid_argument", "not_found", ...; static storage. */
const char *problem_code(enum err_kind kind);

/* {"error":{"code","message","param","request_id"}}; param is null without a place. */
void problem_encode(const struct err *e, const char *request_id, struct text *out);

/* {"error":"where: text"}, as the clients of other protocols expect it. */
void problem_encode_plain(const struct err *e, struct text *out);

#endif
