/* An encoder as JSON: what a model tells of its input columns, and keeps in its file. For
 * api/ alone. */
#ifndef API_ENCODER_DOCUMENT_H
#define API_ENCODER_DOCUMENT_H

#include <jansson.h>

#include "api/text.h"
#include "engine/encoder.h"

/* [{"name","type","mean","missing":"mean|error|category","categories":[...]}] */
void encoder_document_encode(const struct encoder *encoder, struct text *out);

/* The members "columns", those, and, where there are any, "unused_columns", names. */
void encoder_document_members(const struct encoder *encoder, struct text *out);

/* Back, laid out. On an error *encoder holds nothing. */
bool encoder_document_decode(const json_t *array, struct encoder *encoder, struct err *e)
    __attribute__((warn_unused_result));

#endif
