#include "api/job.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "api/carve.h"
#include "api/job_advice.h"
#include "api/job_features.h"
#include "api/job_inline.h"
#include "api/job_internal.h"
#include "api/job_origin.h"
#include "engine/split.h"

void job_request_free(struct job_request *request) {
    job_spec_free(&request->spec);
    rows_free(&request->features);
    free(request->values);
    free(request->classes);
    free(request->metadata);
    free(request->targets_rows);
    free(request->rows_flat);
    *request = (struct job_request){0};
}

static bool scan_features(void *context, struct cursor *c, const char *path,
                          struct err *e) {
    return job_features_scan(c, path, context, e);
}

static bool scan_targets(void *context, struct cursor *c, const char *path,
                         struct err *e) {
    return column_scan(c, path, context, e);
}

/* `data` holds features and targets, which were carved out, and nothing else. */
static bool data_check(const struct json_slot *slot, const struct carve_hole *holes,
                       const struct inline_rows *features, const struct column *targets,
                       struct err *e) {
    static const struct json_key keys[] = {{"features", NULL}, {"targets", NULL}};
    struct json_slot members[2];
    if (!slot->value)
        return err_set(e, ERR_INVALID, "/data",
                       "is missing: {\"features\":[[...],...],"
                       "\"targets\":[...]}");
    if (!json_match(slot->value, keys, 2, slot->path, members, e))
        return false;
    for (size_t i = 0; i < 2; i++)
        if (!holes[i].found)
            return err_set(e, ERR_INVALID, members[i].path, "is missing");
    if (features->rows_n != targets->n)
        return err_set(e, ERR_INVALID, "/data/targets",
                       "expected %zu targets, one for each row of features, got %zu",
                       features->rows_n, targets->n);
    if (features->columns_n > NET_UNITS_MAX)
        return err_set(e, ERR_TOO_LARGE, "/data/features/0",
                       "expected at most %d columns, got %zu", NET_UNITS_MAX,
                       features->columns_n);
    if (features->rows_n > UINT32_MAX)
        return err_set(e, ERR_TOO_LARGE, "/data/features", "expected at most %u rows",
                       UINT32_MAX);
    return true;
}

static bool model_decode(const struct json_slot *slot, char out[JOB_NAME_MAX + 1],
                         struct err *e) {
    const char *name = NULL;
    if (!json_text(slot, &name, e))
        return false;
    if (!name)
        return err_set(e, ERR_INVALID, "/model",
                       "is missing: the name of the model to make");
    if (!job_name_valid(name))
        return err_set(
            e, ERR_INVALID, slot->path,
            "expected a name like [A-Za-z0-9][A-Za-z0-9._-]{0,127}, got \"%.40s\"", name);
    snprintf(out, JOB_NAME_MAX + 1, "%s", name);
    return true;
}

/* Metadata are the user's own: kept as they were written but for white space, so that no
 * number in them is read and printed in between. The cursor has checked the grammar. */
static char *metadata_copy(const char *from, const char *end) {
    char *out = malloc((size_t)(end - from) + 1), *to = out;
    bool quoted = false;
    for (; out && from < end; from++) {
        bool space = *from == ' ' || *from == '\t' || *from == '\n' || *from == '\r';
        if (*from == '"')
            quoted = !quoted;
        if (quoted || !space)
            *to++ = *from;
        if (*from == '\\')
            *to++ = *++from;
    }
    if (out)
        *to = '\0';
    return out;
}

static bool scan_metadata(void *context, struct cursor *c, const char *path,
                          struct err *e) {
    char **out = context, first = cursor_peek(c);
    const char *from = c->at;
    if (first != '{' && first != 'n')
        return cursor_mismatch(c, "an object", path, e);
    if (!cursor_skip(c, CARVE_DEPTH_MAX - 1, NULL, e))
        return false;
    if (first == 'n')
        return true;
    *out = metadata_copy(from, c->at);
    if (!*out)
        return err_set(e, ERR_NO_MEMORY, path, "no memory for the metadata");
    if (strlen(*out) > JOB_METADATA_BYTES_MAX)
        return err_set(e, ERR_TOO_LARGE, path, "expected at most %d bytes, got %zu",
                       JOB_METADATA_BYTES_MAX, strlen(*out));
    return true;
}

static bool inputs_check(const struct job_shape *shape, size_t inputs_n, struct err *e) {
    return !shape->inputs_n || shape->inputs_n == inputs_n ||
           err_set(e, ERR_INVALID, "/layers_dims/0",
                   "expected %zu, the columns of the features, got %zu", inputs_n,
                   shape->inputs_n);
}

/* ---- the document before its data are understood ---------------------------------- */

enum { HOLE_FEATURES, HOLE_TARGETS, HOLE_METADATA, HOLES_N };

struct job_draft {
    json_t *root;
    struct json_slot slots[KEY_POSTED_N];
    struct carve_hole holes[HOLES_N];
    struct job_request request; /* model and metadata so far */
    struct job_features features;
    struct column targets;
    const struct job_origin *origin; /* borrowed; NULL: none */
};

void job_draft_free(struct job_draft *d) {
    if (!d)
        return;
    json_decref(d->root);
    column_free(&d->targets);
    job_features_free(&d->features);
    job_request_free(&d->request);
    free(d);
}

static bool draft_read(struct job_draft *d, const char *body, size_t n, struct err *e) {
    d->holes[HOLE_FEATURES] = (struct carve_hole){.parent = "data",
                                                  .key = "features",
                                                  .scan = scan_features,
                                                  .context = &d->features};
    d->holes[HOLE_TARGETS] = (struct carve_hole){
        .parent = "data", .key = "targets", .scan = scan_targets, .context = &d->targets};
    d->holes[HOLE_METADATA] = (struct carve_hole){
        .key = "metadata", .scan = scan_metadata, .context = &d->request.metadata};
    struct arena arena;
    arena_init(&arena, 2 * JOB_REST_BYTES_MAX);
    char *rest;
    size_t rest_n;
    if (carve(body, n, d->holes, HOLES_N, JOB_REST_BYTES_MAX, &arena, &rest, &rest_n, e))
        d->root = json_read(rest, rest_n, e);
    arena_reset(&arena);
    if (d->root && !json_is_object(d->root))
        return err_set(e, ERR_INVALID, "", "expected an object, got %s",
                       json_kind(d->root));
    return d->root && job_foreign_check(d->root, e) &&
           json_match(d->root, job_keys, KEY_POSTED_N, "", d->slots, e) &&
           model_decode(&d->slots[KEY_MODEL], d->request.model, e) &&
           json_text(&d->slots[KEY_INIT_FROM], &(const char *){NULL}, e) &&
           job_origin_keys_check(d->slots, e);
}

/* "name" or "name@revision". */
static bool dataset_parse(const struct json_slot *slot, char name[JOB_NAME_MAX + 1],
                          int64_t *revision) {
    const char *text = json_string_value(slot->value);
    size_t n = text ? strcspn(text, "@") : 0;
    if (!n || n > JOB_NAME_MAX)
        return false;
    snprintf(name, JOB_NAME_MAX + 1, "%.*s", (int)n, text);
    *revision = text[n] ? strtoll(text + n + 1, NULL, 10) : 0;
    bool number =
        !text[n] || (text[n + 1] && *revision > 0 &&
                     strspn(text + n + 1, "0123456789") == strlen(text + n + 1));
    return number && job_name_valid(name);
}

/* What an inline job cannot have, or only where its columns are encoded. */
static bool inline_keys_check(const struct job_draft *d, struct err *e) {
    bool numbers = d->features.numbers.rows_n > 0;
    for (enum job_key k = KEY_TARGET; k <= KEY_UNKNOWN_CATEGORIES; k++) {
        bool extra = k >= KEY_MISSING_VALUES;
        if (d->slots[k].value && k != KEY_VALIDATION_SPLIT && (!extra || numbers))
            return err_set(e, ERR_INVALID, d->slots[k].path,
                           "belongs to a job on a dataset%s",
                           extra ? ", or on inline rows that are objects or hold a text, "
                                   "a boolean or null"
                                 : "");
    }
    return true;
}

/* No split is as if nothing was said, which numeric rows are not encoded for. */
static void split_settle(struct job_draft *d) {
    struct json_slot *split = &d->slots[KEY_VALIDATION_SPLIT];
    if (json_is_number(split->value) && !(json_number_value(split->value) > 0) &&
        !(json_number_value(split->value) < 0))
        split->value = NULL;
}

static bool draft_check(const struct job_draft *d, struct err *e) {
    const struct json_slot *dataset = &d->slots[KEY_DATASET];
    char name[JOB_NAME_MAX + 1];
    int64_t revision;
    if (dataset->value && d->slots[KEY_DATA].value)
        return err_set(e, ERR_INVALID, dataset->path, "give data or dataset, not both");
    const struct json_slot *both[] = {dataset, &d->slots[KEY_VALIDATION_DATASET]};
    for (size_t i = 0; i < 2 && dataset->value; i++)
        if (both[i]->value && !dataset_parse(both[i], name, &revision))
            return err_set(e, ERR_INVALID, both[i]->path,
                           "expected a dataset's name or name@revision");
    if (dataset->value)
        return true;
    return inline_keys_check(d, e);
}

struct job_draft *job_draft_new(const char *body, size_t n, struct err *e) {
    struct job_draft *d = calloc(1, sizeof *d);
    if (!d)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the job");
    if (d && draft_read(d, body, n, e) && draft_check(d, e)) {
        split_settle(d);
        return d;
    }
    job_draft_free(d);
    return NULL;
}

bool job_draft_dataset(const struct job_draft *d, char name[JOB_NAME_MAX + 1],
                       int64_t *revision) {
    return d->slots[KEY_DATASET].value &&
           dataset_parse(&d->slots[KEY_DATASET], name, revision);
}

bool job_draft_validation(const struct job_draft *d, char name[JOB_NAME_MAX + 1],
                          int64_t *revision) {
    return d->slots[KEY_VALIDATION_DATASET].value &&
           dataset_parse(&d->slots[KEY_VALIDATION_DATASET], name, revision);
}

const char *job_draft_init_from(const struct job_draft *d) {
    return json_string_value(d->slots[KEY_INIT_FROM].value);
}

void job_draft_start(struct job_draft *d, const struct job_origin *origin) {
    d->origin = origin;
}

/* ---- what follows from it --------------------------------------------------------- */

/* request has the targets of rows_n rows, or of one row for each value that there is. */
static bool weights_resolve(const struct job_draft *d, size_t rows_n,
                            struct job_request *request, struct err *e) {
    const struct json_slot *slot = &d->slots[KEY_CLASS_WEIGHT];
    struct job_spec *spec = &request->spec;
    if (!class_weight_decode(slot, &spec->labels, &spec->class_weight, e))
        return false;
    const float *by_class = spec->class_weight.by_class;
    bool some = !by_class;
    for (size_t i = 0; !some && i < rows_n; i++)
        some = by_class[request->classes ? (size_t)request->classes[i]
                                         : request->values[i] != 0] > 0;
    return some ||
           err_set(e, ERR_INVALID, slot->path, "every row is of a class of weight 0");
}

/* The distinct values of a target stand for all of them: they decide the task, the
 * classes and the output layer as the whole column would. */
static bool values_column(const struct profile_column *c, struct column *column,
                          struct err *e) {
    bool numbers = c->type == PROFILE_NUMBER;
    size_t n = c->many || (numbers && !c->whole) ? 2 : c->values_n;
    column->kind = c->type == PROFILE_BOOLEAN    ? COLUMN_BOOLEANS
                   : c->type == PROFILE_CATEGORY ? COLUMN_STRINGS
                                                 : COLUMN_NUMBERS;
    if (column->kind == COLUMN_STRINGS && c->many)
        return err_set(e, ERR_INVALID, "/target",
                       "\"%.60s\" " PROFILE_MANY_TEXTS ", for classes", c->name);
    column->n = n;
    if (column->kind != COLUMN_STRINGS) {
        column->numbers = calloc(n, sizeof *column->numbers);
        for (size_t i = 0; column->numbers && i < n; i++)
            column->numbers[i] = column->kind == COLUMN_BOOLEANS ? (double)(i % 2)
                                 : c->many || !c->whole ? 0.5 + (double)i /* no classes */
                                                        : strtod(c->values[i].text, NULL);
        return column->numbers ||
               err_set(e, ERR_NO_MEMORY, NULL, "no memory for classes");
    }
    column->string_ids = calloc(n, sizeof *column->string_ids);
    column->strings =
        (struct labels){.kind = LABEL_STRING, .strings = calloc(n, sizeof(char *))};
    for (size_t i = 0; column->string_ids && column->strings.strings && i < n; i++) {
        column->string_ids[i] = (int32_t)i;
        column->strings.strings[i] = strdup(c->values[i].text);
        if (!column->strings.strings[i])
            break;
        column->strings.n++;
    }
    return column->strings.n == n ||
           err_set(e, ERR_NO_MEMORY, NULL, "no memory for classes");
}

/* Numbers that stand in for a column's are not its own: say what it holds. */
static void stand_in_explain(const struct profile_column *c, struct err *e) {
    if (c->type != PROFILE_NUMBER || (c->whole && !c->many) ||
        strcmp(e->where, "/data/targets/0") != 0)
        return;
    *e = (struct err){0};
    if (c->whole)
        err_set(e, ERR_INVALID, "/target",
                "\"%.60s\" has more than %d different numbers, too many for classes",
                c->name, PROFILE_VALUES_MAX);
    else
        err_set(e, ERR_INVALID, "/target",
                "\"%.60s\" has numbers that are not whole, which name no classes",
                c->name);
}

/* Errors that name the targets of inline data mean the dataset's target here, and those
 * that name a dataset's columns mean inline data where there is no dataset. */
static void paths_rename(bool dataset, struct err *e) {
    static const char targets[] = "/data/targets";
    if (dataset && strncmp(e->where, targets, strlen(targets)) == 0)
        snprintf(e->where, sizeof e->where, "/target");
    else if (!dataset && strcmp(e->where, "/target") == 0)
        snprintf(e->where, sizeof e->where, "%s", targets);
    else if (!dataset && strcmp(e->where, "/features") == 0)
        snprintf(e->where, sizeof e->where, "/data/features");
}

static bool target_finite(const struct profile_column *target, const char *where,
                          struct err *e) {
    double far = fabs(target->min) > fabs(target->max) ? target->min : target->max;
    return isfinite((float)far) ||
           err_set(e, ERR_RANGE, where, "\"%.60s\": %g is outside float32", target->name,
                   far);
}

/* Rows that are held against the model must be of its classes. */
static bool validation_target_check(const struct job_dataset *dataset,
                                    const struct job_spec *spec, struct err *e) {
    static const char where[] = "/validation_dataset";
    const struct labels *labels = &spec->labels;
    if (!spec->table.validation)
        return true;
    const struct profile_column *c =
        job_table_target_profile(spec->table.validation, dataset->validation);
    if (!labels->n)
        return target_finite(c, where, e);
    if (c->many)
        return err_set(e, ERR_INVALID, where, "\"%.60s\" has values of no class",
                       c->name);
    for (size_t v = 0; labels->kind != LABEL_BOOLEAN && v < c->values_n; v++) {
        bool known = false;
        for (size_t l = 0; l < labels->n && !known; l++)
            known = labels->kind == LABEL_STRING
                        ? strcmp(labels->strings[l], c->values[v].text) == 0
                        : labels->numbers[l] == strtod(c->values[v].text, NULL);
        if (!known)
            return err_set(e, ERR_INVALID, where,
                           "\"%.60s\" is none of the classes, which are those of the "
                           "training rows (\"task\":\"regression\" has none)",
                           c->values[v].text);
    }
    return true;
}

/* A category's inputs are counted among the training rows, by the worker. */
static bool table_inputs_check(const struct job_shape *shape, const struct job_table *t,
                               struct err *e) {
    size_t features_n = 0;
    for (size_t i = 0; i < t->columns_n; i++) {
        if (t->columns[i].use != COLUMN_FEATURE)
            continue;
        if (shape->inputs_n && t->columns[i].kind == ENCODER_CATEGORY)
            return err_set(e, ERR_INVALID, "/layers_dims/0",
                           "the inputs follow from the texts of \"%.60s\": give "
                           "hidden_layers",
                           t->columns[i].name);
        features_n++;
    }
    return inputs_check(shape, features_n, e);
}

/* The worker's split, tried on the counts that the profile has. */
static bool table_split_check(const struct job_spec *spec,
                              const struct profile_column *target, struct err *e) {
    bool stratified = spec->labels.n && !target->many;
    uint64_t rows_n = stratified ? 0 : spec->table.rows_n;
    for (size_t v = 0; stratified && v < target->values_n; v++)
        if (target->values[v].count > rows_n)
            rows_n = target->values[v].count;
    if (spec->table.validation_split <= 0 || split_check((size_t)rows_n, stratified, e))
        return true;
    snprintf(e->where, sizeof e->where, "/validation_split");
    return false;
}

/* Whether a job trains on its standardised target: on a dataset where it can, unless it
 * says no; elsewhere where it says so. */
static bool scale_target_decode(const struct json_slot *slot, struct job_spec *spec,
                                struct err *e) {
    bool can = spec->task == TASK_REGRESSION &&
               spec->layers[spec->layers_n - 1].activation == ACTIVATION_LINEAR;
    bool wanted = can && !spec->table.plain;
    if (!json_bool(slot, &wanted, e))
        return false;
    spec->table.scale_target = wanted;
    return can || !wanted ||
           err_set(e, ERR_INVALID, slot->path,
                   "belongs to a regression whose output layer is linear");
}

/* `inline_targets` are all of inline data's; NULL: the dataset's profile stands for them.
 */
static bool table_resolve(struct job_draft *d, const struct job_dataset *dataset,
                          struct column *inline_targets, struct job_shape *shape,
                          struct job_request *request, struct err *e) {
    struct job_spec *spec = &request->spec;
    struct job_table_slots slots = job_slots_table(d->slots);
    const struct json_slot inline_slot = {.path = "/data/features"};
    const struct profile_column *target = NULL;
    struct column values = {0};
    if (inline_targets)
        slots.dataset = &inline_slot;
    struct column *targets = inline_targets ? inline_targets : &values;
    bool ok = job_table_decode(&slots, dataset, d->origin ? d->origin->model : NULL,
                               &spec->table, &target, e) &&
              job_shape_decode(d->slots,
                               (struct job_shape_rules){.encoded = !spec->table.plain},
                               shape, e) &&
              table_inputs_check(shape, &spec->table, e) &&
              (!d->origin || job_origin_shape(d->slots, d->origin, shape, e)) &&
              (inline_targets || values_column(target, &values, e)) &&
              job_targets_resolve(shape, targets, request, e) &&
              (spec->labels.n || target_finite(target, "/target", e)) &&
              table_split_check(spec, target, e) &&
              weights_resolve(d, targets->n, request, e) &&
              validation_target_check(dataset, spec, e);
    if (!ok && values.n)
        stand_in_explain(target, e);
    if (!ok)
        paths_rename(!inline_targets, e);
    column_free(&values);
    free(request->values);
    free(request->classes);
    request->values = NULL;
    request->classes = NULL;
    spec->samples_n = (size_t)spec->table.rows_n;
    return ok && scale_target_decode(&d->slots[KEY_SCALE_TARGET], spec, e);
}

/* ---- inline data ------------------------------------------------------------------ */

static bool numbers_resolve(struct job_draft *d, struct job_shape *shape,
                            struct job_request *request, struct err *e) {
    struct job_spec *spec = &request->spec;
    request->features = d->features.numbers;
    d->features.numbers = (struct rows){0};
    spec->samples_n = request->features.rows_n;
    spec->inputs_n = request->features.columns_n;
    return job_shape_decode(d->slots, (struct job_shape_rules){0}, shape, e) &&
           inputs_check(shape, spec->inputs_n, e) &&
           (!d->origin || (job_origin_inputs_check(d->origin, spec->inputs_n, e) &&
                           job_origin_shape(d->slots, d->origin, shape, e))) &&
           job_targets_resolve(shape, &d->targets, request, e) &&
           weights_resolve(d, spec->samples_n, request, e);
}

/* Rows that a worker has to encode, to split, or to scale the targets of. */
static bool rows_resolve(struct job_draft *d, struct job_shape *shape,
                         struct job_request *request, struct err *e) {
    const struct inline_rows *rows = &d->features.rows;
    struct job_inline data = {0};
    request->spec.table.plain = d->features.numbers.rows_n > 0;
    rows_free(&d->features.numbers);
    bool ok = job_features_flatten(&d->features, e) &&
              job_inline_read(rows, &d->targets, d->origin ? d->origin->model : NULL,
                              &data, e) &&
              table_resolve(d, &data.dataset, &d->targets, shape, request, e);
    request->rows = rows->from;
    request->rows_bytes = (size_t)(rows->to - rows->from);
    request->rows_flat = d->features.flat.data;
    d->features.flat = (struct text){0};
    request->targets_rows = data.targets;
    data.targets = NULL;
    job_inline_free(&data);
    return ok;
}

static bool inline_resolve(struct job_draft *d, struct job_shape *shape,
                           struct job_request *request, struct err *e) {
    if (!data_check(&d->slots[KEY_DATA], d->holes, &d->features.rows, &d->targets, e))
        return false;
    bool scaled = false;
    if (!json_bool(&d->slots[KEY_SCALE_TARGET], &scaled, e))
        return false;
    bool numbers = d->features.numbers.rows_n > 0 && !scaled &&
                   !d->slots[KEY_VALIDATION_SPLIT].value &&
                   (!d->origin || encoder_takes_numbers(&d->origin->model->encoder));
    return numbers ? numbers_resolve(d, shape, request, e)
                   : rows_resolve(d, shape, request, e);
}

bool job_draft_resolve(struct job_draft *d, const struct job_dataset *dataset,
                       int64_t seed, struct job_request *out, struct err *e) {
    struct job_shape shape = {.task = -1, .loss = -1};
    *out = d->request;
    d->request = (struct job_request){0};
    out->spec.seed = seed;
    if (d->slots[KEY_INIT_FROM].value && !d->origin) {
        job_request_free(out);
        return err_set(e, ERR_INVALID, "/init_from", "cannot be had here");
    }
    bool ok =
        (dataset ? table_resolve(d, dataset, NULL, &shape, out, e)
                 : inline_resolve(d, &shape, out, e)) &&
        job_hyper_decode(d->slots, false, &out->spec, e) &&
        (!d->origin || job_origin_settle(d->slots, d->origin, &out->spec, e)) &&
        job_size_check(&out->spec, e) &&
        job_advise(d->slots,
                   dataset ? job_table_target_profile(&out->spec.table, dataset) : NULL,
                   out, e);
    free(shape.layers);
    if (!ok)
        job_request_free(out);
    return ok;
}

bool job_decode(const char *body, size_t n, int64_t seed, struct job_request *out,
                struct err *e) {
    struct job_draft *d = job_draft_new(body, n, e);
    *out = (struct job_request){0};
    bool ok = d && job_draft_resolve(d, NULL, seed, out, e);
    job_draft_free(d);
    return ok;
}
