#include "api/job_order.h"

#include "api/json.h"

bool job_order_decode(const char *body, size_t n, struct err *e) {
    if (!n)
        return true;
    json_t *root = json_read_small(body, n, e);
    bool empty = json_is_object(root) && !json_object_size(root);
    bool ok = root && (empty || err_set(e, ERR_INVALID, NULL,
                                        "expected no body, or an empty object: there is "
                                        "nothing to say"));
    json_decref(root);
    return ok;
}
