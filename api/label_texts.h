/* A model's labels as JSON, encoded once for an answer of many rows. Any thread. */
#ifndef API_LABEL_TEXTS_H
#define API_LABEL_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "api/job.h"

enum { LABEL_TEXTS_MAX = 32, LABEL_TEXT_BYTES = 16 };

struct label_texts {
    char bytes[LABEL_TEXTS_MAX][LABEL_TEXT_BYTES]; /* a comma before each */
    unsigned char n[LABEL_TEXTS_MAX];              /* with the comma */
};

/* @return false where there are more than LABEL_TEXTS_MAX, one does not fit with its
 * comma, or there is no memory: then job_label_encode is to be used for each row. */
bool label_texts_make(const struct labels *labels, struct label_texts *out);

/* Writes a comma and a label; `at` has room for LABEL_TEXT_BYTES. @return what is
 * behind them. */
static inline char *label_texts_put(const struct label_texts *texts, size_t index,
                                    char *at) {
    memcpy(at, texts->bytes[index], LABEL_TEXT_BYTES);
    return at + texts->n[index];
}

#endif
