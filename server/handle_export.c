/* Models as files: /v1/models/{name}/versions/{version}/export, and POST .../versions */
#include "server/handlers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/import_any.h"
#include "api/model_file.h"
#include "api/model_json.h"
#include "api/onnx.h"

/* ---- export --------------------------------------------------------------------- */

/* A stored version: its file's bytes, which a format may take. */
struct export_source {
    const struct store_version *version;
    void *bytes;
    size_t n;
};
typedef bool export_function(struct export_source *source, struct text *out,
                             struct err *e);

static bool safetensors_export(struct export_source *source, struct text *out,
                               struct err *e) {
    (void)e;
    *out = (struct text){.data = source->bytes, .n = source->n, .capacity = source->n};
    source->bytes = NULL;
    return true;
}

static bool json_export(struct export_source *source, struct text *out, struct err *e) {
    const struct store_version *v = source->version;
    struct model *model = model_file_decode(source->bytes, source->n, e);
    bool ok = model && model_json_encode(model, v->model, v->version, out, e);
    model_free(model);
    return ok;
}

static bool onnx_export_bytes(struct export_source *source, struct text *out,
                              struct err *e) {
    struct model *model = model_file_decode(source->bytes, source->n, e);
    size_t n = 0;
    void *file = model ? onnx_export(model, source->version->model, &n, e) : NULL;
    model_free(model);
    *out = (struct text){.data = file, .n = n, .capacity = n};
    return file;
}

/* The first is what comes without a format. */
static const struct {
    const char *name, *type;
    export_function *write;
} formats[] = {
    {"safetensors", "application/octet-stream", safetensors_export},
    {"onnx", "application/octet-stream", onnx_export_bytes},
    {"json", "application/json", json_export},
};
enum { FORMATS_N = sizeof formats / sizeof *formats };

static bool format_read(const struct http_request *request, size_t *format,
                        struct err *e) {
    const char *name = http_query_text(request, "format");
    *format = 0;
    while (name && *format < FORMATS_N && strcmp(formats[*format].name, name) != 0)
        ++*format;
    if (*format < FORMATS_N)
        return true;
    char known[64] = "";
    for (size_t i = 0, at = 0; i < FORMATS_N; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s",
                               !i                  ? ""
                               : i + 1 < FORMATS_N ? ", "
                                                   : " or ",
                               formats[i].name);
    return err_set(e, ERR_INVALID, "format", "expected %s, got \"%.40s\"", known, name);
}

bool handle_versions_export(void *subsystem, struct store *store,
                            const struct http_request *request, struct http_reply *reply,
                            struct err *e) {
    (void)subsystem;
    struct store_version v;
    size_t format;
    if (!format_read(request, &format, e) || !model_version_get(store, request, &v, e))
        return false;
    struct export_source source = {.version = &v};
    bool ok = store_blob_get(store, v.blob, &source.bytes, &source.n, e) &&
              formats[format].write(&source, &reply->body, e);
    if (ok) {
        reply->type = formats[format].type;
        snprintf(reply->filename, sizeof reply->filename, "%s-%" PRId64 ".%s", v.model,
                 v.version, formats[format].name);
    }
    free(source.bytes);
    store_version_free(&v);
    return ok;
}

/* ---- import --------------------------------------------------------------------- */

static char *facts_of(const struct imported *imported, struct err *e) {
    struct text text = {0};
    version_facts_encode(imported->model, NULL, &text);
    char *facts = text_take(&text);
    if (!facts)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the document");
    return facts;
}

static bool version_publish(struct store *store, const char *name,
                            const struct http_request *request,
                            const struct imported *imported, int64_t *version,
                            struct err *e) {
    const void *bytes = imported->file ? imported->file : request->body;
    size_t n = imported->file ? imported->file_n : request->body_n;
    int64_t now_ms = store_now_ms(store);
    char sha256[STORE_SHA256_TEXT];
    struct store_version_new new_version = {.model = name, .now_ms = now_ms};
    char *facts = facts_of(imported, e);
    new_version.document = facts;
    bool ok = facts &&
              store_blob_put(store, bytes, n, now_ms, &new_version.blob, sha256, e) &&
              store_version_add(store, &new_version, version, e);
    free(facts);
    return ok;
}

bool handle_versions_import(void *subsystem, struct store *store,
                            const struct http_request *request, struct http_reply *reply,
                            struct err *e) {
    struct models_context *models = subsystem;
    const char *name = request->parameters[0];
    const struct import_any_options options = {
        .activations = http_query_text(request, "activations"),
        .orientation = http_query_text(request, "orientation"),
        .labels = http_query_text(request, "labels"),
    };
    struct imported imported = {0};
    int64_t version;
    bool ok = model_name_check(name, e) &&
              import_any_decode(request->body, request->body_n, &options, &imported, e) &&
              version_publish(store, name, request, &imported, &version, e);
    import_any_free(&imported);
    return ok && model_version_reply(models->registry, store, name, version, reply, e);
}
