#include "tests/http/reply.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void reply_free(struct reply *reply) {
    free(reply->headers);
    free(reply->body);
    json_decref(reply->json);
    *reply = (struct reply){0};
}

const char *reply_header(const struct reply *reply, const char *name, char value[256]) {
    size_t name_n = strlen(name);
    value[0] = '\0';
    for (const char *line = reply->headers; line && *line;) {
        size_t line_n = strcspn(line, "\r\n");
        if (strncasecmp(line, name, name_n) == 0 && line[name_n] == ':') {
            const char *at = line + name_n + 1;
            at += strspn(at, " \t");
            snprintf(value, 256, "%.*s", (int)(line + line_n - at), at);
            return value;
        }
        line += line_n;
        line += strspn(line, "\r\n");
    }
    return value;
}

json_t *reply_at(const json_t *json, const char *pointer) {
    const json_t *at = json;
    while (at && *pointer == '/') {
        char step[128];
        size_t n = strcspn(++pointer, "/");
        snprintf(step, sizeof step, "%.*s", (int)n, pointer);
        pointer += n;
        at = json_is_array(at) ? json_array_get(at, strtoul(step, NULL, 10))
                               : json_object_get(at, step);
    }
    return (json_t *)at;
}

double reply_number(const json_t *json, const char *pointer) {
    const json_t *at = reply_at(json, pointer);
    return json_is_number(at) ? json_number_value(at) : (double)NAN;
}

const char *reply_text(const json_t *json, const char *pointer) {
    const char *text = json_string_value(reply_at(json, pointer));
    return text ? text : "";
}

size_t reply_count(const json_t *json, const char *pointer) {
    return json_array_size(reply_at(json, pointer));
}

double reply_metric(const struct reply *reply, const char *name) {
    size_t n = strlen(name);
    const char *at = reply->body;
    while ((at = strstr(at, name)) &&
           (at[n] != ' ' || (at > reply->body && at[-1] != '\n')))
        at += n;
    return at ? strtod(at + n, NULL) : NAN;
}
