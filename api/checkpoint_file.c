#include "api/checkpoint_file.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/safetensors.h"
#include "engine/finite.h"

static const char STATE[] = "optimizer.state";
static const char MEMBER[] = "checkpoint";

/* ---- writing -------------------------------------------------------------------- */

static void key_int(struct text *out, const char *key, int64_t value) {
    text_key(out, key);
    text_json_int(out, value);
}

static void key_double(struct text *out, const char *key, double value) {
    text_key(out, key);
    text_json_double(out, value);
}

static void position_encode(const struct trainer_position *p, struct text *out) {
    text_key(out, "position");
    text_open(out, '{');
    key_int(out, "epoch", p->epoch);
    key_int(out, "row", (int64_t)p->row);
    key_int(out, "updates", p->updates);
    key_double(out, "loss", p->loss);
    key_int(out, "phase", p->phase);
    text_key(out, "point_given");
    text_json_bool(out, p->point_given);
    text_close(out, '}');
}

static void facts_encode(const struct checkpoint_facts *f, struct text *out) {
    text_open(out, '{');
    text_key(out, "job");
    text_json_string(out, f->job_id);
    if (f->resumable)
        position_encode(&f->position, out);
    key_double(out, "best", f->stopping.best);
    key_int(out, "best_epoch", f->stopping.best_epoch);
    key_double(out, "training_seconds", f->training_seconds);
    key_int(out, "cost_epoch", f->cost_epoch);
    key_double(out, "cost", f->cost);
    key_double(out, "validation_cost", f->validation_cost);
    key_double(out, "target_mean", f->target_mean);
    key_double(out, "target_scale", f->target_scale);
    /* Only where they say something: releases before do not know these keys. */
    if (f->point_pending)
        text_member_bool(out, "point_pending", true);
    if (f->stop_reason)
        text_member_string(out, "stop_reason", f->stop_reason);
    text_close(out, '}');
}

void *checkpoint_encode(const struct checkpoint_source *source, size_t *n,
                        struct err *e) {
    const struct net *net = source->model->net;
    if (!finite_all(net->params, net->block_n)) {
        err_set(e, ERR_NUMERIC, NULL, "the parameters are not finite");
        return NULL;
    }
    struct text text = {0};
    facts_encode(&source->facts, &text);
    char *json = text_take(&text);
    if (!json) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for a checkpoint");
        return NULL;
    }
    const struct model_file_more more = {
        .key = MEMBER,
        .json = json,
        .tensor = STATE,
        .values = source->state,
        .values_n = source->state_n,
    };
    void *file = model_file_encode_with(source->model, source->spec, &more, n, e);
    free(json);
    return file;
}

/* ---- reading -------------------------------------------------------------------- */

enum { POSITION_N = 6, FACTS_N = 12 };

static const struct json_key position_keys[POSITION_N] = {
    {"epoch", NULL}, {"row", NULL},   {"updates", NULL},
    {"loss", NULL},  {"phase", NULL}, {"point_given", NULL},
};
static const struct json_key facts_keys[FACTS_N] = {
    {"job", NULL},          {"position", NULL},        {"best", NULL},
    {"best_epoch", NULL},   {"cost_epoch", NULL},      {"training_seconds", NULL},
    {"cost", NULL},         {"validation_cost", NULL}, {"target_mean", NULL},
    {"target_scale", NULL}, {"point_pending", NULL},   {"stop_reason", NULL},
};

/* A number, or null for one that was not finite. */
static double number_of(const struct json_slot *slot, double otherwise) {
    return json_is_number(slot->value) ? json_number_value(slot->value) : otherwise;
}

static bool position_decode(const struct json_slot *slot, struct trainer_position *p,
                            struct err *e) {
    struct json_slot s[POSITION_N];
    int64_t row = 0, phase = 0;
    bool ok = json_match(slot->value, position_keys, POSITION_N, slot->path, s, e) &&
              json_int(&s[0], 0, INT64_MAX, &p->epoch, e) &&
              json_int(&s[1], 0, UINT32_MAX, &row, e) &&
              json_int(&s[2], 0, INT64_MAX, &p->updates, e) &&
              json_int(&s[4], 0, INT32_MAX, &phase, e) &&
              json_bool(&s[5], &p->point_given, e);
    p->row = (uint64_t)row;
    p->phase = (int32_t)phase;
    p->loss = ok ? number_of(&s[3], 0) : 0;
    return ok;
}

static bool facts_decode(const json_t *object, struct checkpoint_facts *f,
                         struct err *e) {
    struct json_slot s[FACTS_N];
    const char *job = NULL, *stop_reason = NULL;
    *f = (struct checkpoint_facts){.stopping = stopping_start(), .cost_epoch = -1};
    if (!json_match(object, facts_keys, FACTS_N, "/checkpoint", s, e) ||
        !json_text(&s[0], &job, e) ||
        !json_int(&s[3], -1, INT64_MAX, &f->stopping.best_epoch, e) ||
        !json_int(&s[4], -1, INT64_MAX, &f->cost_epoch, e) ||
        !json_bool(&s[10], &f->point_pending, e) || !json_text(&s[11], &stop_reason, e))
        return false;
    f->resumable = s[1].value != NULL;
    f->stopping.best = number_of(&s[2], (double)INFINITY);
    f->training_seconds = number_of(&s[5], 0);
    f->cost = number_of(&s[6], (double)NAN);
    f->validation_cost = number_of(&s[7], (double)NAN);
    f->target_mean = number_of(&s[8], 0);
    f->target_scale = number_of(&s[9], 0);
    if (f->resumable && !position_decode(&s[1], &f->position, e))
        return false;
    f->job_id = strdup(job ? job : "");
    f->stop_reason = stop_reason ? strdup(stop_reason) : NULL;
    return (f->job_id && (f->stop_reason || !stop_reason)) ||
           err_set(e, ERR_NO_MEMORY, NULL, "no memory for a checkpoint");
}

static bool document_decode(const char *document, struct checkpoint_facts *facts,
                            struct err *e) {
    json_t *root = json_read(document, strlen(document), e);
    const json_t *object = json_object_get(root, MEMBER);
    bool ok = root && (json_is_object(object) ||
                       err_set(e, ERR_INVALID, NULL, "a file that is no checkpoint"));
    ok = ok && facts_decode(object, facts, e);
    json_decref(root);
    return ok;
}

static void state_find(const struct safetensors *file, struct checkpoint *out) {
    for (size_t i = 0; i < file->tensors_n; i++) {
        const struct tensor *t = &file->tensors[i];
        bool state = strcmp(t->name, STATE) == 0 && t->type == TENSOR_F32 &&
                     t->columns_n == 0 && (uintptr_t)t->data % sizeof(float) == 0;
        if (state) {
            out->state = t->data;
            out->state_n = t->rows_n;
        }
    }
}

bool checkpoint_decode(const void *bytes, size_t n, struct checkpoint *out,
                       struct err *e) {
    struct safetensors file;
    *out = (struct checkpoint){0};
    out->model = model_file_decode(bytes, n, e);
    if (!out->model || !safetensors_decode(bytes, n, &file, e)) {
        checkpoint_free(out);
        return false;
    }
    bool ok = document_decode(file.document, &out->facts, e);
    if (ok)
        state_find(&file, out);
    safetensors_free(&file);
    if (!ok)
        checkpoint_free(out);
    return ok;
}

void checkpoint_free(struct checkpoint *c) {
    model_free(c->model);
    free((char *)(uintptr_t)c->facts.job_id);
    free((char *)(uintptr_t)c->facts.stop_reason);
    *c = (struct checkpoint){0};
}
