/* The document of a prediction request: its instances are scanned where they stand, and
 * the rest, which is next to nothing, is read without a tree where it is as usual. */
#include "api/predict_private.h"

#include <string.h>

#include "api/carve.h"
#include "api/json.h"
#include "engine/memory.h"

enum { REST_BYTES_MAX = 64 << 10 };

/* ---- any document --------------------------------------------------------------- */

static bool rest_decode(const json_t *root, struct predict_request *out, struct err *e) {
    static const struct json_key keys[] = {{"model", NULL}, {"instances", NULL}};
    struct json_slot slots[2];
    const char *model = NULL;
    if (!json_match(root, keys, 2, "", slots, e) || !json_text(&slots[0], &model, e))
        return false;
    if (!slots[1].value)
        return err_set(e, ERR_INVALID, "/instances", "is missing: the rows to predict");
    return !model || model_ref_parse(model, "/model", &out->model, e);
}

bool predict_decode_any(const char *body, size_t n, struct predict_request *out,
                        struct err *e) {
    *out = (struct predict_request){0};
    struct carve_hole hole = {.key = "instances", .scan = predict_scan, .context = out};
    struct arena arena;
    arena_init(&arena, 2 * REST_BYTES_MAX);
    char *rest;
    size_t rest_n;
    json_t *root = NULL;
    if (carve(body, n, &hole, 1, REST_BYTES_MAX, &arena, &rest, &rest_n, e))
        root = json_read(rest, rest_n, e);
    bool ok = root && rest_decode(root, out, e);
    json_decref(root);
    arena_reset(&arena);
    if (!ok)
        predict_request_free(out);
    return ok;
}

/* ---- the usual one -------------------------------------------------------------- */

static bool character_take(struct cursor *c, char character) {
    bool stands = cursor_peek(c) == character;
    c->at += stands;
    return stands;
}

/* Over `key`, with its quotes and without an escape, and its colon. */
static bool key_take(struct cursor *c, const char *key, size_t n) {
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, key, n) != 0)
        return false;
    c->at += n;
    return character_take(c, ':');
}

/* A model's name, which needs no escape. */
static bool model_take(struct cursor *c, struct model_ref *ref) {
    char text[2 * JOB_NAME_MAX + 2];
    struct err e;
    e.kind = ERR_NONE;
    if (!character_take(c, '"'))
        return false;
    const char *quote = memchr(c->at, '"', (size_t)(c->end - c->at));
    size_t n = quote ? (size_t)(quote - c->at) : sizeof text;
    if (n >= sizeof text || memchr(c->at, 0, n))
        return false;
    memcpy(text, c->at, n);
    text[n] = '\0';
    c->at = quote + 1;
    return model_ref_parse(text, "/model", ref, &e); /* refuses backslashes */
}

/* {"model":"...","instances":...} in either order, or the instances alone. @return false
 * for whatever else: it may have an error, which predict_decode_any finds and words. */
static bool decode_usual(const char *body, size_t n, struct predict_request *out) {
    static const char model_key[] = "\"model\"", instances_key[] = "\"instances\"";
    struct cursor c = {body, body, body + n};
    bool model = false, instances = false;
    struct err e;
    e.kind = ERR_NONE;
    if (!character_take(&c, '{'))
        return false;
    do {
        cursor_peek(&c);
        if (!model && key_take(&c, model_key, sizeof model_key - 1)) {
            model = model_take(&c, &out->model);
            if (!model)
                return false;
        } else if (!instances && key_take(&c, instances_key, sizeof instances_key - 1)) {
            cursor_peek(&c);
            instances = predict_scan(out, &c, "/instances", &e);
            if (!instances)
                return false;
        } else {
            return false;
        }
    } while (character_take(&c, ','));
    bool ended = instances && character_take(&c, '}') && !cursor_peek(&c);
    size_t rest_n = n - (size_t)(out->raw_end - out->raw);
    return ended && c.at == c.end && rest_n + sizeof "null" <= REST_BYTES_MAX;
}

bool predict_decode(const char *body, size_t n, struct predict_request *out,
                    struct err *e) {
    *out = (struct predict_request){0};
    if (decode_usual(body, n, out))
        return true;
    predict_request_free(out);
    return predict_decode_any(body, n, out, e);
}
