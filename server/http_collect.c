#include "server/http_collect.h"

#include <stdint.h>
#include <string.h>

#include <microhttpd.h>

#include "server/http_query.h"

/* Spaces behind a value are none of it (RFC 9110, section 5.5), but the library leaves
 * them. What it keeps of the head is the connection's own memory. It has judged the
 * transfer coding already, by the value with its spaces: that is to be refused. */
static void field_trim(struct http_field *f) {
    size_t trimmed = f->value_n;
    if (f->known == NAME_TRANSFER_ENCODING)
        return;
    while (trimmed && (f->value[trimmed - 1] == ' ' || f->value[trimmed - 1] == '\t'))
        trimmed--;
    if (trimmed < f->value_n)
        ((char *)(uintptr_t)f->value)[trimmed] = '\0';
    f->value_n = trimmed;
}

static enum MHD_Result collect(void *context, enum MHD_ValueKind kind, const char *name,
                               size_t name_n, const char *value, size_t value_n) {
    struct http_head *head = context;
    if (kind == MHD_HEADER_KIND) {
        struct http_field field = {name, value ? value : "", name_n, value_n,
                                   http_name_of(name, name_n)};
        field_trim(&field);
        http_head_add(head, &field);
    } else {
        head->parameters_n++;
        head->line_n += name_n + value_n + sizeof "&=" - 1 + HTTP_ENTRY_BYTES;
    }
    return MHD_YES;
}

struct query_walk {
    struct exchange *x;
    struct http_query_space space;
};

static enum MHD_Result collect_query(void *context, enum MHD_ValueKind kind,
                                     const char *name, const char *value) {
    struct query_walk *walk = context;
    struct exchange *x = walk->x;
    (void)kind;
    return http_query_add(&x->request, &walk->space, name, value ? value : "", &x->err)
               ? MHD_YES
               : MHD_NO;
}

void http_collect_head(const struct exchange *x, const char *url, const char *version,
                       struct http_head *head) {
    size_t line_n = strlen(x->request.method) + strlen(url) + sizeof "  HTTP/1.1\r\n" - 1;
    http_head_open(head, version, line_n);
    MHD_get_connection_values_n(x->connection, MHD_HEADER_KIND | MHD_GET_ARGUMENT_KIND,
                                collect, head);
}

bool http_collect_query(struct exchange *x, const struct http_head *head) {
    struct query_walk walk = {x, {x->query, sizeof x->query}};
    if (head->parameters_n)
        MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, collect_query,
                                  &walk);
    return !x->err.kind;
}
