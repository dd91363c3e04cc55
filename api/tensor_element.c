#include "api/tensor_element.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cursor_private.h"
#include "api/half.h"
#include "api/utf8.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the binary form is little-endian, and is read as it stands");

/* Where an error is before its place is known: that is found when there is one. */
static const char HERE[] = "";

/* A whole number of any integer type. */
struct whole {
    bool negative;
    uint64_t magnitude;
};

static bool whole_take(struct tensor_cells *cells, struct whole whole,
                       struct tensor_element *element, struct err *e) {
    enum datatype type = cells->tensor->type;
    uint64_t below, above;
    bool is_integer = datatype_is_integer(type, &below, &above);
    char what[80];
    snprintf(what, sizeof what, "%s%llu is outside %s", whole.negative ? "-" : "",
             (unsigned long long)whole.magnitude, datatype_name(type));
    if (!is_integer || whole.magnitude > (whole.negative ? below : above))
        return err_set(e, ERR_RANGE, HERE, "%s", what);
    float rounded = (float)whole.magnitude;
    double number = (double)whole.magnitude;
    int n = snprintf(cells->digits, sizeof cells->digits, "%s%llu",
                     whole.negative && whole.magnitude ? "-" : "",
                     (unsigned long long)whole.magnitude);
    element->rounded = whole.negative && whole.magnitude ? -rounded : rounded;
    element->cell =
        (struct cell){CELL_NUMBER, whole.negative && whole.magnitude ? -number : number,
                      cells->digits, (size_t)n};
    return true;
}

static void boolean_take(bool value, struct tensor_element *element) {
    element->rounded = value;
    element->cell =
        (struct cell){CELL_BOOLEAN, value, value ? "true" : "false", value ? 4 : 5};
}

/* ---- JSON ----------------------------------------------------------------------- */

/* Digits alone, as whole numbers are written; not 1.0 or 1e3. */
static bool digits_read(const char *text, const char *end, struct whole *whole) {
    *whole = (struct whole){.negative = *text == '-'};
    for (text += whole->negative; text < end; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (digit > 9 ||
            __builtin_mul_overflow(whole->magnitude, 10, &whole->magnitude) ||
            __builtin_add_overflow(whole->magnitude, digit, &whole->magnitude))
            return false;
    }
    return true;
}

/* The number text..end as a whole one: also 1.0 and 1e3. */
static bool whole_read(const char *text, const char *end, struct whole *whole,
                       struct err *e) {
    double number = 0;
    if (digits_read(text, end, whole))
        return true;
    if (number_scan_double(&text, end, &number) != NUMBER_OK || fabs(number) >= 0x1p64)
        return err_set(e, ERR_RANGE, HERE, "a number outside the tensor's datatype");
    if (number != trunc(number))
        return err_set(e, ERR_INVALID, HERE, "expected a whole number");
    *whole = (struct whole){number < 0, (uint64_t)fabs(number)};
    return true;
}

/* The number at the cursor, by the tensor's type. */
static bool number_read(struct tensor_cells *cells, struct cursor *c,
                        struct tensor_element *element, struct err *e) {
    enum datatype type = cells->tensor->type;
    const char *from = c->at;
    uint64_t below, above;
    struct whole whole;
    enum number_scan got;
    double number = 0;
    if (datatype_is_integer(type, &below, &above) || type == DATATYPE_BOOL) {
        if (!number_skip(&c->at, c->end))
            return cursor_mismatch(
                c, type == DATATYPE_BOOL ? "true or false" : "a number", HERE, e);
        if (!whole_read(from, c->at, &whole, e))
            return false;
        if (type != DATATYPE_BOOL)
            return whole_take(cells, whole, element, e);
        boolean_take(whole.magnitude, element);
        return whole.magnitude <= !whole.negative ||
               err_set(e, ERR_INVALID, HERE, "expected true, false, 1 or 0");
    }
    if (type == DATATYPE_FP64) {
        got = number_scan_double(&c->at, c->end, &number);
        element->rounded = (float)number;
        if (got == NUMBER_OK && !isfinite(element->rounded)) {
            c->at = from;
            got = NUMBER_TOO_LARGE;
        }
    } else {
        got = number_scan_float(&c->at, c->end, &element->rounded);
        number = (double)element->rounded;
    }
    if (got != NUMBER_OK)
        return cursor_refuse_number(c, got, "float32", "3.4028235e38", HERE, e);
    element->cell = (struct cell){CELL_NUMBER, number, from, (size_t)(c->at - from)};
    return true;
}

/* The word at the cursor: null, or NaN among floats, or a boolean where the tensor has
 * those. */
static bool word_read(struct tensor_cells *cells, struct cursor *c,
                      struct tensor_element *element, struct err *e) {
    static const size_t lengths[] = {['N'] = 3, ['n'] = 4, ['t'] = 4, ['f'] = 5};
    enum datatype type = cells->tensor->type;
    char first = *c->at; /* of a word that the scan has seen */
    bool missing = first == 'n' ||
                   (first == 'N' && (type == DATATYPE_FP32 || type == DATATYPE_FP64));
    if (!missing && (first == 'N' || type != DATATYPE_BOOL))
        return cursor_mismatch(c,
                               type == DATATYPE_BYTES  ? "a string"
                               : type == DATATYPE_BOOL ? "true or false"
                                                       : "a number",
                               HERE, e);
    if (missing)
        *element = (struct tensor_element){.cell.kind = CELL_MISSING, .rounded = NAN};
    else
        boolean_take(first == 't', element);
    c->at += lengths[(unsigned char)first];
    return true;
}

static bool string_read(struct tensor_cells *cells, struct cursor *c,
                        struct tensor_element *element, struct err *e) {
    free(cells->owned);
    cells->owned = cursor_string(c, TENSOR_TEXT_MAX, HERE, e);
    if (!cells->owned)
        return false;
    element->cell = (struct cell){CELL_TEXT, 0, cells->owned, strlen(cells->owned)};
    return true;
}

static bool text_next(struct tensor_cells *cells, struct tensor_element *element,
                      struct err *e) {
    const struct tensor *t = cells->tensor;
    while (strchr(" \t\n\r,[]", *cells->at))
        cells->at++; /* the scan has seen that an element follows */
    struct cursor c = {t->text, cells->at, t->text_end};
    bool word = strchr("Nntf", *c.at), bytes = t->type == DATATYPE_BYTES;
    bool ok;
    if (word)
        ok = word_read(cells, &c, element, e);
    else if (bytes)
        ok = *c.at == '"' ? string_read(cells, &c, element, e)
                          : cursor_mismatch(&c, "a string", HERE, e);
    else
        ok = number_read(cells, &c, element, e);
    cells->at = c.at;
    return ok;
}

/* ---- bytes ---------------------------------------------------------------------- */

static bool float_take(double number, struct tensor_element *element, struct err *e) {
    element->rounded = (float)number;
    element->cell =
        (struct cell){isnan(number) ? CELL_MISSING : CELL_NUMBER, number, NULL, 0};
    return !isinf(element->rounded) || err_set(e, ERR_RANGE, HERE, TENSOR_OUTSIDE);
}

static bool bytes_take(struct tensor_cells *cells, struct tensor_element *element,
                       struct err *e) {
    uint32_t n;
    memcpy(&n, cells->at, sizeof n);
    const char *text = cells->at + sizeof n;
    cells->at = text + n;
    if (n > TENSOR_TEXT_MAX)
        return err_set(e, ERR_TOO_LARGE, HERE, "a string of more than 1048576 bytes");
    element->cell = (struct cell){CELL_TEXT, 0, text, n};
    return utf8_prefix(text, n) == n ||
           err_set(e, ERR_INVALID, HERE, "this is not UTF-8");
}

/* The n bytes of an integer, with its sign. */
static struct whole bytes_whole(const char *bytes, size_t n, bool is_signed) {
    uint64_t value = 0;
    memcpy(&value, bytes, n);
    bool negative = is_signed && value >> (8 * n - 1);
    if (negative && n < sizeof value)
        value |= UINT64_MAX << (8 * n);
    return (struct whole){negative, negative ? 0 - value : value};
}

static bool bytes_next(struct tensor_cells *cells, struct tensor_element *element,
                       struct err *e) {
    const struct tensor *t = cells->tensor;
    const char *at = cells->at;
    size_t size = datatype_size(t->type);
    uint64_t below, above;
    uint16_t half;
    float single;
    double number;
    cells->at += size;
    if (datatype_is_integer(t->type, &below, &above))
        return whole_take(cells, bytes_whole(at, size, below), element, e);
    switch (t->type) {
    case DATATYPE_BOOL:
        boolean_take(*at, element);
        return (unsigned char)*at <= 1 ||
               err_set(e, ERR_INVALID, HERE, "expected a byte of 0 or 1");
    case DATATYPE_FP16:
    case DATATYPE_BF16:
        memcpy(&half, at, sizeof half);
        return float_take((double)(t->type == DATATYPE_FP16 ? half_from_binary16(half)
                                                            : half_from_bfloat(half)),
                          element, e);
    case DATATYPE_FP32:
        memcpy(&single, at, sizeof single);
        return float_take((double)single, element, e);
    case DATATYPE_FP64:
        memcpy(&number, at, sizeof number);
        return float_take(number, element, e);
    default:
        return bytes_take(cells, element, e);
    }
}

/* ---- either --------------------------------------------------------------------- */

bool tensor_element_next(struct tensor_cells *cells, struct tensor_element *element,
                         struct err *e) {
    const struct tensor *t = cells->tensor;
    if (!cells->at)
        cells->at = t->text ? t->text : (const char *)t->bytes;
    bool ok = t->text ? text_next(cells, element, e) : bytes_next(cells, element, e);
    if (!ok && !e->where[0])
        tensor_where(t, cells->next, e->where);
    cells->next++;
    return ok;
}

bool tensor_cells_next(struct tensor_cells *cells, struct cell *cell, struct err *e) {
    struct tensor_element element;
    bool ok = tensor_element_next(cells, &element, e);
    *cell = element.cell;
    return ok;
}

void tensor_cells_free(struct tensor_cells *cells) {
    free(cells->owned);
    cells->owned = NULL;
}
