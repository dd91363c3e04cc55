#include "api/problem.h"

#include <stdio.h>

static const struct {
    int status;
    const char *code;
} problems[ERR_KINDS_N] = {
    [ERR_NONE] = {500, "internal"},
    [ERR_INVALID] = {400, "invalid_argument"},
    [ERR_RANGE] = {422, "out_of_range"},
    [ERR_UNAUTHENTICATED] = {401, "unauthenticated"},
    [ERR_FORBIDDEN] = {403, "forbidden"},
    [ERR_NOT_FOUND] = {404, "not_found"},
    [ERR_METHOD] = {405, "method_not_allowed"},
    [ERR_CONFLICT] = {409, "conflict"},
    [ERR_LENGTH] = {411, "length_required"},
    [ERR_TOO_LARGE] = {413, "too_large"},
    [ERR_HEAD_TOO_LARGE] = {431, "head_too_large"},
    [ERR_MEDIA] = {415, "unsupported_media_type"},
    [ERR_BUSY] = {429, "busy"},
    [ERR_CONTENDED] = {503, "unavailable"},
    [ERR_UNAVAILABLE] = {503, "unavailable"},
    [ERR_CANCELLED] = {499, "cancelled"},
    [ERR_DEADLINE] = {504, "deadline_exceeded"},
    [ERR_NO_MEMORY] = {503, "out_of_memory"},
    [ERR_STORAGE] = {503, "storage"},
    [ERR_NUMERIC] = {422, "not_finite"},
    [ERR_INTERNAL] = {500, "internal"},
};

int problem_status(enum err_kind kind) {
    return problems[kind].status;
}

int problem_status_plain(enum err_kind kind) {
    int status = problem_status(kind);
    return status == 422 ? 400 : status;
}

const char *problem_code(enum err_kind kind) {
    return problems[kind].code;
}

void problem_encode(const struct err *e, const char *request_id, struct text *out) {
    text_open(out, '{');
    text_key(out, "error");
    text_open(out, '{');
    text_key(out, "code");
    text_json_string(out, problem_code(e->kind));
    text_key(out, "message");
    text_json_string(out, e->text);
    text_key(out, "param");
    text_json_string(out, e->where[0] ? e->where : NULL);
    text_key(out, "request_id");
    text_json_string(out, request_id);
    text_close(out, '}');
    text_close(out, '}');
    text_string(out, "\n");
}

void problem_encode_plain(const struct err *e, struct text *out) {
    char message[sizeof e->where + sizeof e->text + 2];
    snprintf(message, sizeof message, "%s%s%s", e->where, e->where[0] ? ": " : "",
             e->text);
    text_open(out, '{');
    text_key(out, "error");
    text_json_string(out, message);
    text_close(out, '}');
    text_string(out, "\n");
}
