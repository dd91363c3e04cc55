#include "api/invocations.h"

#include "api/carved.h"
#include "api/json.h"
#include "api/predict_csv.h"

#define SPLIT "/dataframe_split"

void invocation_free(struct invocation *invocation) {
    predict_request_free(&invocation->rows);
}

/* ---- requests ------------------------------------------------------------------- */

/* One of the forms may stand in a document. */
static bool alone_at(struct invocation *invocation, const char *path, struct err *e) {
    struct predict_request *rows = &invocation->rows;
    if (rows->path)
        return err_set(e, ERR_INVALID, NULL, "expected one form of input, got %s and %s",
                       rows->path, path);
    rows->path = path;
    return true;
}

static bool scan_instances(void *context, struct cursor *c, const char *path,
                           struct err *e) {
    struct invocation *invocation = context;
    return alone_at(invocation, "/instances", e) &&
           predict_scan(&invocation->rows, c, path, e);
}

static bool scan_inputs(void *context, struct cursor *c, const char *path,
                        struct err *e) {
    struct invocation *invocation = context;
    return alone_at(invocation, "/inputs", e) &&
           predict_scan_columnar(&invocation->rows, c, path, e);
}

static bool scan_records(void *context, struct cursor *c, const char *path,
                         struct err *e) {
    struct invocation *invocation = context;
    return alone_at(invocation, "/dataframe_records", e) &&
           predict_scan(&invocation->rows, c, path, e);
}

static bool scan_data(void *context, struct cursor *c, const char *path, struct err *e) {
    struct invocation *invocation = context;
    invocation->rows.names_path = SPLIT "/columns";
    return alone_at(invocation, SPLIT "/data", e) &&
           predict_scan(&invocation->rows, c, path, e);
}

/* A value that waits for the rows. */
static bool value_keep(struct cursor *c, const char **from, const char **to,
                       struct err *e) {
    cursor_peek(c);
    *from = c->at;
    bool ok = cursor_skip(c, CARVE_DEPTH_MAX, NULL, e);
    *to = c->at;
    return ok;
}

static bool scan_columns(void *context, struct cursor *c, const char *path,
                         struct err *e) {
    struct predict_request *rows = &((struct invocation *)context)->rows;
    (void)path;
    return value_keep(c, &rows->names, &rows->names_end, e);
}

static bool scan_index(void *context, struct cursor *c, const char *path, struct err *e) {
    struct invocation *invocation = context;
    (void)path;
    return value_keep(c, &invocation->index, &invocation->index_end, e);
}

static bool split_decode(const struct json_slot *slot, struct err *e) {
    static const struct json_key keys[] = {
        {"columns", NULL}, {"index", NULL}, {"data", NULL}};
    struct json_slot slots[3];
    if (!json_match(slot->value, keys, 3, SPLIT, slots, e))
        return false;
    return slots[2].value ||
           err_set(e, ERR_INVALID, SPLIT "/data", "is missing: the rows to predict");
}

/* The models here have no parameters: whichever come have no effect, as with MLflow. */
static bool params_decode(const struct json_slot *slot, struct err *e) {
    const json_t *value = slot->value;
    return !value || json_is_null(value) || json_is_object(value) ||
           err_set(e, ERR_INVALID, slot->path, "expected an object, got %s",
                   json_kind(value));
}

/* What is left of the document, whose rows were carved out. */
static bool rest_decode(const json_t *root, const struct invocation *invocation,
                        struct err *e) {
    static const struct json_key keys[] = {{"dataframe_split", NULL},
                                           {"dataframe_records", NULL},
                                           {"instances", NULL},
                                           {"inputs", NULL},
                                           {"params", NULL}};
    struct json_slot slots[5];
    if (!json_match(root, keys, 5, "", slots, e) || !params_decode(&slots[4], e) ||
        (slots[0].value && !split_decode(&slots[0], e)))
        return false;
    return invocation->rows.raw ||
           err_set(e, ERR_INVALID, NULL,
                   "expected one of \"dataframe_split\", \"dataframe_records\", "
                   "\"instances\" and \"inputs\"");
}

bool invocation_decode(const char *body, size_t n, struct invocation *out,
                       struct err *e) {
    struct carve_hole holes[] = {
        {.key = "instances", .scan = scan_instances, .context = out},
        {.key = "inputs", .scan = scan_inputs, .context = out},
        {.key = "dataframe_records", .scan = scan_records, .context = out},
        {"dataframe_split", "data", scan_data, out, false},
        {"dataframe_split", "columns", scan_columns, out, false},
        {"dataframe_split", "index", scan_index, out, false},
    };
    *out = (struct invocation){0};
    out->rows.allowed =
        INSTANCES_TENSORS | JSON_CELL_LIST | JSON_CELL_MISSING | JSON_CELL_NAN;
    json_t *root = carved_read(body, n, holes, sizeof holes / sizeof *holes, e);
    bool ok = root && rest_decode(root, out, e);
    json_decref(root);
    return ok;
}

void invocation_decode_csv(const char *body, size_t n, const char *type,
                           struct invocation *out) {
    *out = (struct invocation){0};
    predict_decode_csv(body, n, type, &out->rows);
    out->rows.header = csv_header_of(type, CSV_HEADER_FOUND);
}

/* An index has an element a row; what they are called is not ours. */
static bool index_check(const struct invocation *invocation, struct err *e) {
    struct cursor c = {invocation->index, invocation->index, invocation->index_end};
    size_t n = 0, wanted = invocation->rows.instances.rows_n;
    if (!cursor_expect(&c, '[', SPLIT "/index", e))
        return false;
    bool more = cursor_peek(&c) != ']';
    for (c.at += !more; more; n++)
        if (!cursor_skip(&c, CARVE_DEPTH_MAX, NULL, e) ||
            !json_next_take(&c, ']', &more, e))
            return false;
    return n == wanted || err_set(e, ERR_INVALID, SPLIT "/index",
                                  "expected %zu, one a row, got %zu", wanted, n);
}

bool invocation_rows(struct invocation *invocation, const struct model *model,
                     struct err *e) {
    return predict_rows(&invocation->rows, model, e) &&
           (!invocation->index || index_check(invocation, e));
}

/* ---- answers -------------------------------------------------------------------- */

static bool answer_finite(const struct invocation *invocation, const struct model *model,
                          const float *Y, size_t m, struct err *e) {
    const char *path = invocation->rows.path ? invocation->rows.path : "/instances";
    return predict_finite(Y, m, model->net->outputs_n, path, e);
}

bool invocation_encode(const struct invocation *invocation, const struct model *model,
                       const float *Y, size_t m, struct text *out, struct err *e) {
    if (!answer_finite(invocation, model, Y, m, e))
        return false;
    text_open(out, '{');
    text_key(out, "predictions");
    predict_list_encode(model, Y, m, out);
    text_close(out, '}');
    text_string(out, "\n");
    return !out->failed || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the answer");
}

bool invocation_encode_csv(const struct invocation *invocation, const struct model *model,
                           const float *Y, size_t m, struct text *out, struct err *e) {
    if (!answer_finite(invocation, model, Y, m, e))
        return false;
    predict_lines_encode(model, Y, m, out);
    return !out->failed || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the answer");
}
