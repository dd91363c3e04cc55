#include "api/predict.h"

#include <stdlib.h>
#include <string.h>

#include "api/carve.h"
#include "api/columns_list.h"
#include "api/json.h"
#include "api/nested.h"
#include "api/rows_named.h"
#include "engine/memory.h"

static const char *request_path(const struct predict_request *request) {
    return request->path ? request->path : "/instances";
}

static bool is_foreign(const struct predict_request *request) {
    return request->allowed & INSTANCES_TENSORS;
}

/* ---- before the model is known -------------------------------------------------- */

static bool raw_skip(struct predict_request *request, struct cursor *c, struct err *e) {
    cursor_peek(c);
    request->raw = c->at;
    bool ok = request->allowed & JSON_CELL_NAN
                  ? cursor_skip_tokens(c, CARVE_DEPTH_MAX, NULL, e)
                  : cursor_skip(c, CARVE_DEPTH_MAX, NULL, e);
    request->raw_end = c->at;
    return ok;
}

/* What the list at the cursor begins with, behind its bracket. */
static char list_first(const struct cursor *c) {
    struct cursor inside = *c;
    if (cursor_peek(&inside) != '[')
        return 0;
    inside.at++;
    return cursor_peek(&inside);
}

static bool begins_number(char first) {
    return first == '-' || (first >= '0' && first <= '9');
}

/* Numbers, of whichever form. */
static bool numbers_scan(struct predict_request *request, struct cursor *c,
                         const char *path) {
    char first = list_first(c);
    struct rows *rows = &request->instances;
    request->keyed = first == '{' && rows_named_scan(c, rows);
    request->flat = begins_number(first) && !is_foreign(request);
    if (request->keyed)
        return true;
    return request->flat ? rows_scan_flat(c, 0, path, rows, &request->not_numbers)
                         : rows_scan(c, 0, path, rows, &request->not_numbers);
}

/* Rows of numbers go straight into the block. Anything else waits for the model, which
 * may know its columns (and that one of them is not to be looked at): then the place in
 * the text is kept, and why it is not numbers. */
bool predict_scan(void *context, struct cursor *c, const char *path, struct err *e) {
    struct predict_request *request = context;
    if (request->allowed & INSTANCES_OBJECTS_ONLY && list_first(c) != '{')
        return raw_skip(request, c, e);
    request->raw = c->at;
    if (numbers_scan(request, c, path)) {
        request->raw_end = c->at;
        return true;
    }
    rows_free(&request->instances);
    c->at = request->raw;
    enum err_kind kind = request->not_numbers.kind;
    if (kind == ERR_INVALID || (kind == ERR_RANGE && request->names_path))
        return raw_skip(request, c, e);
    *e = request->not_numbers;
    return false;
}

bool predict_scan_columnar(void *context, struct cursor *c, const char *path,
                           struct err *e) {
    struct predict_request *request = context;
    request->columnar = cursor_peek(c) == '{';
    return request->columnar ? raw_skip(request, c, e)
                             : predict_scan(context, c, path, e);
}

void predict_decode_csv(const char *body, size_t n, const char *type,
                        struct predict_request *out) {
    *out = (struct predict_request){
        .raw = body,
        .raw_end = body + n,
        .csv = true,
        .header = csv_header_of(type, CSV_HEADER_PRESENT),
    };
}

/* Whether the list holds neither arrays nor objects. */
static bool is_flat(const struct predict_request *request) {
    struct cursor c = {request->raw, request->raw, request->raw_end};
    char first = list_first(&c);
    return first && first != '[' && first != '{';
}

static size_t characters_n(const struct predict_request *request, char character) {
    const char *at = request->raw, *end = request->raw_end;
    size_t n = 0;
    for (; at < end && (at = memchr(at, character, (size_t)(end - at))); at++)
        n++;
    return n;
}

/* How many brackets the first row has: more than one, where lists stand in it. */
static size_t row_brackets(const struct predict_request *request) {
    const struct cursor c = {request->raw, request->raw, request->raw_end};
    size_t depth = 0, n = 0;
    if (!nested_begins(&c))
        return 1;
    for (const char *at = c.at; at < c.end; at++) {
        depth += *at == '[';
        n += *at == '[' && depth > 1;
        depth -= *at == ']';
        if (*at == ']' && depth == 1)
            break;
    }
    return n;
}

size_t predict_rows_bound(const struct predict_request *request) {
    const struct rows *rows = &request->instances;
    if (rows->rows_n)
        return request->flat ? rows->columns_n : rows->rows_n;
    if (!request->raw)
        return request->csv;
    if (request->csv)
        return 1 + characters_n(request, '\n') + characters_n(request, '\r');
    /* Cells without a bracket may be rows, as may those of columns: commas tell. */
    if (request->columnar || is_flat(request))
        return 1 + characters_n(request, ',');
    return (characters_n(request, '[') + characters_n(request, '{')) /
           row_brackets(request);
}

/* ---- by the model --------------------------------------------------------------- */

/* The column of each cell in rows that bring their columns' names. */
struct order {
    size_t *columns; /* (n), owned; NULL: the cells are in the columns' order */
    size_t n;
};

/* The order that the names in the request say. */
static bool order_named(const struct predict_request *request,
                        const struct columns *columns, struct order *order,
                        struct err *e) {
    struct cursor c = {request->names, request->names, request->names_end};
    order->columns = memory_new(columns->names_n, sizeof *order->columns);
    if (!order->columns)
        return err_set(e, ERR_NO_MEMORY, request->names_path,
                       "no memory for the columns");
    return columns_list_match(&c, request->names_path, columns, order->columns, &order->n,
                              e);
}

/* The order of rows that brought their keys. @return false where those are not the
 * columns', or do not stand for themselves. */
static bool order_keyed(const struct predict_request *request,
                        const struct columns *columns, struct order *order) {
    if (request->context || request->names)
        return false;
    order->columns = memory_new(columns->names_n, sizeof *order->columns);
    if (order->columns && rows_named_order(request->raw, request->raw_end, columns,
                                           order->columns, &order->n))
        return true;
    free(order->columns);
    *order = (struct order){NULL, 0};
    return false;
}

static bool is_ordered(const struct order *order, size_t columns_n) {
    size_t i = 0;
    while (i < order->n && order->columns[i] == i)
        i++;
    return i == order->n && i == columns_n;
}

/* Puts the numbers of each row into the columns' order, without those of columns that the
 * model does not take. */
static bool rows_reorder(struct rows *rows, const struct order *order, size_t columns_n,
                         struct err *e) {
    size_t given_n = rows->columns_n;
    if (is_ordered(order, columns_n))
        return true;
    float *given = memory_new(given_n, sizeof *given);
    if (!given)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a row");
    rows->columns_n = columns_n;
    for (size_t i = 0; i < rows->rows_n; i++) {
        float *row = rows->values + i * columns_n;
        memcpy(given, rows->values + i * given_n, given_n * sizeof *given);
        for (size_t j = 0; j < given_n; j++)
            if (order->columns[j] < columns_n)
                row[order->columns[j]] = given[j];
    }
    free(given);
    return true;
}

static bool csv_rows(struct predict_request *request, const struct columns *columns,
                     struct err *e) {
    struct csv_instances from = {
        .bytes = request->raw,
        .n = (size_t)(request->raw_end - request->raw),
        .header = request->header,
        .columns = *columns,
    };
    return csv_instances_read(&from, &request->instances, e);
}

/* The instances that waited for the model, by the columns that it knows. */
static bool raw_rows(struct predict_request *request, const struct columns *columns,
                     const struct order *order, struct err *e) {
    struct rows *rows = &request->instances;
    struct cursor c = {request->raw, request->raw, request->raw_end};
    struct instances_form form = {
        .columns = *columns,
        .allowed = request->allowed         ? request->allowed
                   : columns_named(columns) ? INSTANCES_NESTED | JSON_CELL_MISSING
                                            : INSTANCES_NESTED,
        .path = request_path(request),
        .flat = !is_foreign(request) && !request->columnar && is_flat(request),
        .order = order->columns,
        .order_n = order->n,
        .context = request->context,
        .context_end = request->context_end,
        .context_path = "/context",
    };
    rows_free(rows);
    bool ok = request->columnar ? instances_scan_columns(&c, &form, rows, e)
                                : instances_scan(&c, &form, rows, e);
    const struct err *before = &request->not_numbers;
    bool again = !ok && e->kind == ERR_RANGE && before->kind == ERR_RANGE &&
                 strcmp(e->where, before->where) == 0;
    if (again) /* it was read as it is spelt */
        *e = *before;
    return ok;
}

static bool row_length_check(const struct predict_request *request, size_t expected_n,
                             struct err *e) {
    char first[ERR_WHERE_MAX];
    size_t n = request->instances.columns_n;
    if (n == expected_n)
        return true;
    json_path_index(first, request_path(request), 0);
    return err_set(e, ERR_INVALID, request->flat ? request_path(request) : first,
                   "expected %zu numbers, got %zu", expected_n, n);
}

static bool rows_fit(const struct predict_request *request, const struct net *net,
                     struct err *e) {
    const struct rows *rows = &request->instances;
    if (rows->rows_n > PREDICT_OUTPUTS_MAX / net->outputs_n)
        return err_set(e, ERR_TOO_LARGE, request->csv ? NULL : request_path(request),
                       "expected at most %zu rows for a model of %zu outputs, got %zu",
                       PREDICT_OUTPUTS_MAX / net->outputs_n, net->outputs_n,
                       rows->rows_n);
    return true;
}

/* One column: each number is a row. */
static void flat_turn(struct rows *rows) {
    rows->rows_n = rows->columns_n;
    rows->columns_n = 1;
}

/* Of rows that are not all numbers: whether the columns' names, the numbers that stand
 * for them, or lists within the rows can tell more than that. */
static bool is_readable(const struct predict_request *request,
                        const struct columns *columns) {
    struct cursor c = {request->raw, request->raw, request->raw_end};
    return columns_named(columns) || is_foreign(request) ||
           (request->raw && (list_first(&c) == '{' || nested_begins(&c)));
}

/* Rows of numbers that were scanned before the model was known. */
static bool scanned_rows(struct predict_request *request, const struct columns *columns,
                         const struct order *order, struct err *e) {
    struct rows *rows = &request->instances;
    if (request->flat && columns->n == 1)
        flat_turn(rows);
    size_t expected_n = order->columns ? order->n : columns->inputs_n;
    return row_length_check(request, expected_n, e) &&
           (!order->columns || rows_reorder(rows, order, columns->n, e));
}

bool predict_rows(struct predict_request *request, const struct model *model,
                  struct err *e) {
    struct columns columns = columns_of_model(model);
    bool scanned = request->instances.rows_n && encoder_takes_numbers(&model->encoder);
    if (request->csv)
        return csv_rows(request, &columns, e) && rows_fit(request, model->net, e);
    if (!scanned && !is_readable(request, &columns)) {
        *e = request->not_numbers;
        return false;
    }
    struct order order = {NULL, 0};
    if (scanned && request->keyed)
        scanned = order_keyed(request, &columns, &order);
    bool ok =
        order.columns || !request->names || order_named(request, &columns, &order, e);
    if (ok)
        ok = scanned ? scanned_rows(request, &columns, &order, e)
                     : raw_rows(request, &columns, &order, e);
    free(order.columns);
    return ok && rows_fit(request, model->net, e);
}
