#include "api/tfs.h"

#include <string.h>
#include <strings.h>

#include "api/carved.h"
#include "api/json.h"
#include "api/tfs_signature.h"

enum { TFS_VERBS_N = TFS_REGRESS + 1 };

static const char *const verbs[TFS_VERBS_N] = {"predict", "classify", "regress"};

bool tfs_verb_find(const char *word, enum tfs_verb *verb) {
    for (size_t i = 0; i < TFS_VERBS_N; i++)
        if (strcasecmp(word, verbs[i]) == 0)
            return *verb = (enum tfs_verb)i, true;
    return false;
}

/* ---- signatures ----------------------------------------------------------------- */

const char *tfs_method(enum tfs_verb verb) {
    static const char *const methods[TFS_VERBS_N] = {"tensorflow/serving/predict",
                                                     "tensorflow/serving/classify",
                                                     "tensorflow/serving/regress"};
    return methods[verb];
}

bool tfs_answers(const struct model *model, enum tfs_verb verb) {
    if (verb == TFS_REGRESS)
        return model->net->outputs_n == 1;
    return verb == TFS_PREDICT || model->task != TASK_REGRESSION;
}

bool tfs_signature_check(const char *name, enum tfs_verb verb, struct err *e) {
    if (!*name || strcmp(name, TFS_SIGNATURE_DEFAULT) == 0 ||
        strcmp(name, tfs_method(verb)) == 0)
        return true;
    for (size_t i = 0; i < TFS_VERBS_N; i++)
        if (strcmp(name, tfs_method((enum tfs_verb)i)) == 0)
            return err_set(e, ERR_INVALID, "/signature_name",
                           "\"%s\" is the signature of :%s, not of :%s", name, verbs[i],
                           verbs[verb]);
    return err_set(e, ERR_INVALID, "/signature_name",
                   "signature \"%.60s\" not found: models here have \"%s\" and \"%s\"",
                   name, TFS_SIGNATURE_DEFAULT, tfs_method(verb));
}

/* ---- requests ------------------------------------------------------------------- */

void tfs_request_free(struct tfs_request *request) {
    predict_request_free(&request->rows);
}

/* One of the forms may stand in a document. */
static bool alone_at(struct tfs_request *request, const char *path, struct err *e) {
    if (request->rows.path)
        return err_set(e, ERR_INVALID, NULL,
                       "expected either \"instances\" or \"inputs\", got both");
    request->rows.path = path;
    return true;
}

static bool scan_instances(void *context, struct cursor *c, const char *path,
                           struct err *e) {
    struct tfs_request *request = context;
    return alone_at(request, "/instances", e) && predict_scan(&request->rows, c, path, e);
}

static bool scan_inputs(void *context, struct cursor *c, const char *path,
                        struct err *e) {
    struct tfs_request *request = context;
    request->outputs = true;
    return alone_at(request, "/inputs", e) &&
           predict_scan_columnar(&request->rows, c, path, e);
}

static bool scan_examples(void *context, struct cursor *c, const char *path,
                          struct err *e) {
    struct tfs_request *request = context;
    request->rows.path = "/examples";
    request->rows.allowed |= INSTANCES_OBJECTS_ONLY;
    return predict_scan(&request->rows, c, path, e);
}

static bool scan_context(void *context, struct cursor *c, const char *path,
                         struct err *e) {
    struct tfs_request *request = context;
    (void)path;
    cursor_peek(c);
    request->rows.context = c->at;
    bool ok = cursor_skip_tokens(c, CARVE_DEPTH_MAX, NULL, e);
    request->rows.context_end = c->at;
    return ok;
}

/* What is left of the document, whose rows were carved out. */
static bool rest_decode(const json_t *root, const struct tfs_request *request,
                        struct err *e) {
    static const struct json_key keys[][3] = {
        {{"signature_name", NULL}, {"instances", NULL}, {"inputs", NULL}},
        {{"signature_name", NULL}, {"examples", NULL}, {"context", NULL}}};
    struct json_slot slots[3];
    const char *signature = "";
    bool predicts = request->verb == TFS_PREDICT;
    if (!json_match(root, keys[!predicts], 3, "", slots, e) ||
        !json_text(&slots[0], &signature, e) ||
        !tfs_signature_check(signature, request->verb, e))
        return false;
    if (request->rows.raw)
        return true;
    return predicts
               ? err_set(e, ERR_INVALID, NULL,
                         "expected \"instances\" or \"inputs\", got neither")
               : err_set(e, ERR_INVALID, "/examples", "is missing: the rows to predict");
}

bool tfs_decode(enum tfs_verb verb, const char *body, size_t n, struct tfs_request *out,
                struct err *e) {
    struct carve_hole rows[] = {
        {.key = "instances", .scan = scan_instances, .context = out},
        {.key = "inputs", .scan = scan_inputs, .context = out}};
    struct carve_hole examples[] = {
        {.key = "examples", .scan = scan_examples, .context = out},
        {.key = "context", .scan = scan_context, .context = out}};
    *out = (struct tfs_request){.verb = verb};
    out->rows.allowed =
        INSTANCES_TENSORS | JSON_CELL_LIST | JSON_CELL_BASE64 | JSON_CELL_NAN;
    json_t *root = carved_read(body, n, verb == TFS_PREDICT ? rows : examples, 2, e);
    bool ok = root && rest_decode(root, out, e);
    json_decref(root);
    return ok;
}

bool tfs_rows(struct tfs_request *request, const struct model *model, struct err *e) {
    if (!tfs_answers(model, request->verb))
        return err_set(e, ERR_INVALID, NULL,
                       "a model of task %s and %zu outputs does not answer :%s; "
                       ":predict is for any",
                       task_name(model->task), model->net->outputs_n,
                       verbs[request->verb]);
    return predict_rows(&request->rows, model, e);
}

/* ---- answers -------------------------------------------------------------------- */

/* [["label",score],...]; "" is the label of a class without one. */
static void classes_encode(const struct model *model, const float *y, struct text *out) {
    bool binary = model->task == TASK_BINARY;
    size_t n = binary ? 2 : model->net->outputs_n;
    text_open(out, '[');
    for (size_t j = 0; j < n; j++) {
        char number[PREDICT_LABEL_BYTES];
        text_open(out, '[');
        text_json_string(out, j < model->labels.n
                                  ? predict_label_text(&model->labels, j, number)
                                  : "");
        text_json_float(out, !binary ? y[j] : j ? y[0] : 1 - y[0]);
        text_close(out, ']');
    }
    text_close(out, ']');
}

bool tfs_encode(const struct tfs_request *request, const struct model *model,
                const float *Y, size_t m, struct text *out, struct err *e) {
    static const char *const keys[TFS_VERBS_N] = {"predictions", "results", "results"};
    size_t k = model->net->outputs_n;
    if (!predict_finite(Y, m, k, request->rows.path, e))
        return false;
    text_open(out, '{');
    text_key(out, request->outputs ? "outputs" : keys[request->verb]);
    if (request->verb == TFS_CLASSIFY) {
        text_open(out, '[');
        for (size_t i = 0; i < m; i++)
            classes_encode(model, Y + i * k, out);
        text_close(out, ']');
    } else {
        predict_outputs_encode(model, Y, m, out);
    }
    text_close(out, '}');
    text_string(out, "\n");
    return !out->failed || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the answer");
}
