#include "api/oip_repository.h"

#include <stdio.h>
#include <string.h>

#include "api/cursor.h"
#include "api/json.h"

/* The document, whose slots borrow from *root; nothing for an empty body. */
static bool body_read(const char *body, size_t n, const struct json_key *key,
                      json_t **root, struct json_slot *slot, struct err *e) {
    *slot = (struct json_slot){.value = NULL};
    *root = NULL;
    struct cursor c = {body, body, body + n};
    cursor_peek(&c);
    if (c.at == c.end)
        return true;
    *root = json_read_small(body, n, e);
    if (!*root || !json_match(*root, key, 1, "", slot, e))
        return false;
    if (json_is_null(slot->value))
        slot->value = NULL; /* as if it were not there */
    return true;
}

bool oip_index_decode(const char *body, size_t n, bool *ready, struct err *e) {
    static const struct json_key key = {"ready", NULL};
    struct json_slot slot;
    json_t *root;
    *ready = false;
    bool ok = body_read(body, n, &key, &root, &slot, e) && json_bool(&slot, ready, e);
    json_decref(root);
    return ok;
}

/* Only `flag`, a boolean, may be among the parameters; NULL: nothing may. */
static bool parameters_decode(const char *body, size_t n, const char *flag,
                              struct err *e) {
    static const struct json_key key = {"parameters", NULL};
    struct json_slot slot;
    json_t *root, *value;
    const char *name;
    bool ok = body_read(body, n, &key, &root, &slot, e);
    if (ok && slot.value && !json_is_object(slot.value))
        ok = err_set(e, ERR_INVALID, slot.path, "expected an object, got %s",
                     json_kind(slot.value));
    if (ok) {
        json_object_foreach(slot.value, name, value) {
            struct json_slot member = {.value = value};
            bool ignored;
            if (json_is_null(value))
                continue;
            json_path_key(member.path, slot.path, name);
            ok = ok && (flag && strcmp(name, flag) == 0
                            ? json_bool(&member, &ignored, e)
                            : err_set(e, ERR_INVALID, member.path,
                                      "is not offered: a model is loaded as it was "
                                      "published"));
        }
    }
    json_decref(root);
    return ok;
}

bool oip_load_decode(const char *body, size_t n, struct err *e) {
    return parameters_decode(body, n, NULL, e);
}

/* No model here has others that depend on it. */
bool oip_unload_decode(const char *body, size_t n, struct err *e) {
    return parameters_decode(body, n, "unload_dependents", e);
}

void oip_index_entry_encode(const char *name, int64_t version, bool unloaded,
                            struct text *out) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)version);
    text_open(out, '{');
    text_member_string(out, "name", name);
    text_member_string(out, "version", text);
    text_member_string(out, "state", unloaded ? "UNAVAILABLE" : "READY");
    text_key(out, "reason");
    text_json_string(out, unloaded ? "unloaded" : "");
    text_close(out, '}');
}

void oip_loaded_encode(const char *name, const char *what, struct text *out) {
    text_open(out, '{');
    text_member_string(out, "name", name);
    text_member_bool(out, what, true);
    text_close(out, '}');
    text_string(out, "\n");
}
