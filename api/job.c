#include "api/job.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "api/carve.h"
#include "api/job_internal.h"

void job_request_free(struct job_request *request) {
    job_spec_free(&request->spec);
    rows_free(&request->features);
    free(request->values);
    free(request->classes);
    free(request->metadata);
    *request = (struct job_request){0};
}

static bool scan_features(void *context, struct cursor *c, const char *path,
                          struct err *e) {
    return rows_scan(c, 0, path, context, e);
}

static bool scan_targets(void *context, struct cursor *c, const char *path,
                         struct err *e) {
    return column_scan(c, path, context, e);
}

/* `data` holds features and targets, which were carved out, and nothing else. */
static bool data_check(const struct json_slot *slot, const struct carve_hole *holes,
                       const struct rows *features, const struct column *targets,
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

/* The keys that people write and that mean different things in different libraries. */
static bool ambiguous_check(const json_t *root, struct err *e) {
    if (json_object_get(root, "alpha"))
        return err_set(e, ERR_INVALID, "/alpha",
                       "means the learning rate to some and a penalty to others: give "
                       "learning_rate");
    return true;
}

static bool inputs_check(const struct job_shape *shape, size_t inputs_n, struct err *e) {
    return !shape->inputs_n || shape->inputs_n == inputs_n ||
           err_set(e, ERR_INVALID, "/layers_dims/0",
                   "expected %zu, the columns of the "
                   "features, got %zu",
                   inputs_n, shape->inputs_n);
}

/* Everything but the two large arrays, which stand in request->features and *targets. */
static bool rest_decode(const json_t *root, const struct carve_hole *holes,
                        struct column *targets, struct job_request *request,
                        struct err *e) {
    struct job_spec *spec = &request->spec;
    struct json_slot slots[KEY_POSTED_N];
    struct job_shape shape = {.task = -1, .loss = -1};
    if (!json_is_object(root))
        return err_set(e, ERR_INVALID, "", "expected an object, got %s", json_kind(root));
    if (!ambiguous_check(root, e) ||
        !json_match(root, job_keys, KEY_POSTED_N, "", slots, e) ||
        !model_decode(&slots[KEY_MODEL], request->model, e) ||
        !data_check(&slots[KEY_DATA], holes, &request->features, targets, e))
        return false;
    spec->samples_n = request->features.rows_n;
    spec->inputs_n = request->features.columns_n;
    bool ok = job_shape_decode(slots, &shape, e) &&
              inputs_check(&shape, spec->inputs_n, e) &&
              job_targets_resolve(&shape, targets, request, e) &&
              job_hyper_decode(slots, spec, e);
    free(shape.layers);
    return ok;
}

bool job_decode(const char *body, size_t n, int64_t seed, struct job_request *out,
                struct err *e) {
    *out = (struct job_request){.spec.seed = seed};
    struct column targets = {0};
    enum { HOLES_N = 3 };
    struct carve_hole holes[HOLES_N] = {
        {.parent = "data",
         .key = "features",
         .scan = scan_features,
         .context = &out->features},
        {.parent = "data", .key = "targets", .scan = scan_targets, .context = &targets},
        {.key = "metadata", .scan = scan_metadata, .context = &out->metadata},
    };
    struct arena arena;
    arena_init(&arena, 2 * JOB_REST_BYTES_MAX);
    char *rest;
    size_t rest_n;
    bool ok =
        carve(body, n, holes, HOLES_N, JOB_REST_BYTES_MAX, &arena, &rest, &rest_n, e);
    json_t *root = ok ? json_read(rest, rest_n, e) : NULL;
    ok = root && rest_decode(root, holes, &targets, out, e) &&
         job_size_check(&out->spec, e);
    json_decref(root);
    arena_reset(&arena);
    column_free(&targets);
    if (!ok)
        job_request_free(out);
    return ok;
}
