/* What the handlers of datasets share. */
#ifndef SERVER_DATASETS_H
#define SERVER_DATASETS_H

#include "api/dataset.h"
#include "server/http.h"

bool datasets_name_check(const char *name, struct err *e)
    __attribute__((warn_unused_result));

/* Answers with a revision's document; revision 0: the latest. */
bool datasets_reply(struct store *store, const char *name, int64_t revision,
                    bool all_values, struct http_reply *reply, struct err *e)
    __attribute__((warn_unused_result));

#endif
