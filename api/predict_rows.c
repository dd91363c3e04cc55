#include "api/predict.h"

#include <stdlib.h>
#include <string.h>

#include "api/carve.h"
#include "api/columns_list.h"
#include "api/json.h"
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
    bool ok = cursor_skip(c, CARVE_DEPTH_MAX, NULL, e);
    request->raw_end = c->at;
    return ok;
}

/* Rows of numbers go straight into the block. Anything else waits for the model, which
 * may know its columns: then the place in the text is kept, and why it is not numbers. */
bool predict_scan(void *context, struct cursor *c, const char *path, struct err *e) {
    struct predict_request *request = context;
    if (request->allowed & INSTANCES_OBJECTS_ONLY)
        return raw_skip(request, c, e);
    request->raw = c->at;
    if (rows_scan(c, 0, path, &request->instances, &request->not_numbers)) {
        request->raw_end = c->at;
        return true;
    }
    rows_free(&request->instances);
    c->at = request->raw;
    if (request->not_numbers.kind == ERR_INVALID)
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

/* Whether the rows of a list may be cells without a bracket, or stand one below the
 * other: then commas tell how many there are. */
static bool rows_by_comma(const struct predict_request *request) {
    struct cursor c = {request->raw, request->raw, request->raw_end};
    if (!is_foreign(request) || request->columnar)
        return request->columnar;
    if (cursor_peek(&c) != '[')
        return false;
    c.at++;
    char first = cursor_peek(&c);
    return first != '[' && first != '{';
}

size_t predict_rows_bound(const struct predict_request *request) {
    bool comma = !request->csv && request->raw && rows_by_comma(request);
    size_t n = request->csv || comma;
    if (request->instances.rows_n)
        return request->instances.rows_n;
    for (const char *at = request->raw; at && at < request->raw_end; at++)
        n += request->csv ? *at == '\n' || *at == '\r'
             : comma      ? *at == ','
                          : *at == '[' || *at == '{';
    return n;
}

/* ---- by the model --------------------------------------------------------------- */

/* The order of the cells in rows that bring their columns' names; NULL with *e. */
static size_t *order_new(const struct predict_request *request,
                         const struct columns *columns, struct err *e) {
    struct cursor c = {request->names, request->names, request->names_end};
    size_t *order = memory_new(columns->n, sizeof *order);
    if (!order)
        err_set(e, ERR_NO_MEMORY, request->names_path, "no memory for the columns");
    else if (!columns_list_match(&c, request->names_path, columns, order, e)) {
        free(order);
        order = NULL;
    }
    return order;
}

/* Puts the numbers of each row into the columns' order. */
static bool rows_reorder(struct rows *rows, const size_t *order, struct err *e) {
    size_t n = rows->columns_n;
    float *kept = memory_new(n, sizeof *kept);
    if (!kept)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a row");
    for (size_t i = 0; i < rows->rows_n; i++) {
        float *row = rows->values + i * n;
        memcpy(kept, row, n * sizeof *kept);
        for (size_t j = 0; j < n; j++)
            row[order[j]] = kept[j];
    }
    free(kept);
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
                     const size_t *order, struct err *e) {
    struct rows *rows = &request->instances;
    struct cursor c = {request->raw, request->raw, request->raw_end};
    struct instances_form form = {
        .columns = *columns,
        .allowed = request->allowed         ? request->allowed
                   : columns_named(columns) ? JSON_CELL_MISSING
                                            : 0,
        .path = request_path(request),
        .order = order,
        .context = request->context,
        .context_end = request->context_end,
        .context_path = "/context",
    };
    rows_free(rows);
    return request->columnar ? instances_scan_columns(&c, &form, rows, e)
                             : instances_scan(&c, &form, rows, e);
}

static bool rows_fit(const struct predict_request *request, const struct net *net,
                     struct err *e) {
    const struct rows *rows = &request->instances;
    if (rows->columns_n != net->inputs_n) {
        char first[ERR_WHERE_MAX];
        json_path_index(first, request_path(request), 0);
        return err_set(e, ERR_INVALID, first, "expected %zu numbers, got %zu",
                       net->inputs_n, rows->columns_n);
    }
    if (rows->rows_n > PREDICT_OUTPUTS_MAX / net->outputs_n)
        return err_set(e, ERR_TOO_LARGE, request->csv ? NULL : request_path(request),
                       "expected at most %zu rows for a model of %zu outputs, got %zu",
                       PREDICT_OUTPUTS_MAX / net->outputs_n, net->outputs_n,
                       rows->rows_n);
    return true;
}

static bool first_is_object(const struct predict_request *request) {
    struct cursor c = {request->raw, request->raw, request->raw_end};
    if (!request->raw || cursor_peek(&c) != '[')
        return false;
    c.at++;
    return cursor_peek(&c) == '{';
}

/* Of rows that are not all numbers: whether the columns' names, or the numbers that stand
 * for them, can tell more than that. */
static bool is_readable(const struct predict_request *request,
                        const struct columns *columns) {
    return columns_named(columns) || is_foreign(request) || first_is_object(request);
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
    size_t *order = request->names ? order_new(request, &columns, e) : NULL;
    bool ok = order || !request->names;
    if (ok && !scanned)
        ok = raw_rows(request, &columns, order, e);
    ok = ok && rows_fit(request, model->net, e);
    if (ok && scanned && order)
        ok = rows_reorder(&request->instances, order, e);
    free(order);
    return ok;
}
