#include "server/http_collect.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <microhttpd.h>

#include "server/http_query.h"

/* Spaces behind a value are none of it (RFC 9110, section 5.5), but the library leaves
 * them. What it keeps of the head is the connection's own memory. It has judged the
 * transfer coding already, by the value with its spaces: that is to be refused. */
static void field_trim(const char *name, const char *value, size_t *n) {
    size_t trimmed = *n;
    if (strcasecmp(name, "Transfer-Encoding") == 0)
        return;
    while (trimmed && (value[trimmed - 1] == ' ' || value[trimmed - 1] == '\t'))
        trimmed--;
    if (trimmed < *n)
        ((char *)(uintptr_t)value)[trimmed] = '\0';
    *n = trimmed;
}

static enum MHD_Result count_parameter(void *context, enum MHD_ValueKind kind,
                                       const char *name, size_t name_n, const char *value,
                                       size_t value_n) {
    struct http_head *head = context;
    (void)kind, (void)name, (void)value;
    head->line_n += name_n + value_n + sizeof "&=" - 1 + HTTP_ENTRY_BYTES;
    return MHD_YES;
}

static enum MHD_Result collect_field(void *context, enum MHD_ValueKind kind,
                                     const char *name, size_t name_n, const char *value,
                                     size_t value_n) {
    struct http_head *head = context;
    (void)kind;
    field_trim(name, value, &value_n);
    if (head->fields_n < HTTP_FIELDS_MAX)
        head->fields[head->fields_n] =
            (struct http_field){name, value ? value : "", name_n, value_n};
    head->fields_n++;
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
    head->version = version;
    head->line_n = strlen(x->request.method) + strlen(url) + sizeof "  HTTP/1.1\r\n" - 1;
    head->fields_n = 0;
    MHD_get_connection_values_n(x->connection, MHD_GET_ARGUMENT_KIND, count_parameter,
                                head);
    MHD_get_connection_values_n(x->connection, MHD_HEADER_KIND, collect_field, head);
}

bool http_collect_query(struct exchange *x) {
    struct query_walk walk = {x, {x->query, sizeof x->query}};
    MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, collect_query, &walk);
    return !x->err.kind;
}
