#include "api/alias.h"

#include <stdlib.h>
#include <string.h>

#include "api/json.h"

bool alias_decode(const char *body, size_t n, int64_t *version, struct err *e) {
    static const struct json_key keys[] = {{"version", NULL}};
    struct json_slot slot;
    json_t *root = json_read_small(body, n, e);
    if (!root)
        return false;
    *version = 0;
    bool ok = json_match(root, keys, 1, "", &slot, e) &&
              json_int(&slot, 1, INT64_MAX, version, e);
    if (ok && !*version)
        ok = err_set(e, ERR_INVALID, "/version",
                     "is missing: the version that the alias is to point to");
    json_decref(root);
    return ok;
}

bool alias_condition_decode(const char *if_match, const char *if_none_match,
                            int64_t *change, struct err *e) {
    *change = -1;
    if (if_none_match) {
        *change = 0;
        return strcmp(if_none_match, "*") == 0 ||
               err_set(e, ERR_INVALID, "If-None-Match", "expected *, got %.40s",
                       if_none_match);
    }
    if (!if_match)
        return true;
    size_t digits = if_match[0] == '"' ? strspn(if_match + 1, "0123456789") : 0;
    if (!digits || digits > 18 || if_match[1] == '0' ||
        strcmp(if_match + 1 + digits, "\"") != 0)
        return err_set(e, ERR_INVALID, "If-Match",
                       "expected an alias's change in quotes, like \"3\", got %.40s",
                       if_match);
    *change = strtoll(if_match + 1, NULL, 10);
    return true;
}
