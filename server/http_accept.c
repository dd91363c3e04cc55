#include "server/http_accept.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How closely a range of n bytes names the type: 3 itself, 2 its kind, 1 anything, 0 not
 * at all. */
static int range_matches(const char *range, size_t n, const char *type) {
    size_t kind = strcspn(type, "/") + 1;
    if (n == strlen(type) && strncasecmp(range, type, n) == 0)
        return 3;
    if (n == kind + 1 && range[kind] == '*' && strncasecmp(range, type, kind) == 0)
        return 2;
    return n == 3 && strncmp(range, "*/*", 3) == 0;
}

/* The weight among parameters[0..n), in thousandths: 1000 where there is none. */
static int weight_read(const char *parameters, size_t n) {
    for (size_t i = 0; i + 2 < n; i++) {
        bool starts = parameters[i] == ';' || parameters[i] == ' ';
        if (!starts || strncasecmp(parameters + i + 1, "q=", 2) != 0)
            continue;
        const char *digits = parameters + i + 3;
        bool one = digits[0] == '1';
        int weight = 0, place = 100;
        for (digits += digits[0] != '\0' && digits[1] == '.' ? 2 : 1;
             !one && place && digits < parameters + n && *digits >= '0' && *digits <= '9';
             digits++, place /= 10)
            weight += (*digits - '0') * place;
        return one ? 1000 : weight;
    }
    return 1000;
}

/* How closely a range of n bytes names what is offered; 0: not at all. */
typedef int matches_function(const char *range, size_t n, const char *offered);

/* What the closest range gives it; -1 where none names it. */
static int accept_weight(const char *accept, const char *offered,
                         matches_function *matches) {
    int weight = -1, closest = 0;
    for (const char *at = accept; *at; at += *at == ',') {
        at += strspn(at, " \t");
        size_t n = strcspn(at, ","), name = strcspn(at, ";, \t");
        int close = matches(at, name, offered);
        if (close > closest) {
            closest = close;
            weight = weight_read(at + name, n - name);
        }
        at += n;
    }
    return weight;
}

static int type_weight(const char *accept, const char *type) {
    int weight = accept_weight(accept, type, range_matches);
    return weight < 0 ? 0 : weight;
}

bool http_accept_prefers(const char *accept, const char *type, const char *usual) {
    return accept && type_weight(accept, type) > type_weight(accept, usual);
}

static int coding_matches(const char *range, size_t n, const char *coding) {
    if (n == strlen(coding) && strncasecmp(range, coding, n) == 0)
        return 2;
    return n == 1 && *range == '*';
}

enum http_coding http_accept_coding(const char *accept, bool *only) {
    *only = false;
    if (!accept)
        return CODING_NONE;
    int gzip = accept_weight(accept, "gzip", coding_matches);
    int deflate = accept_weight(accept, "deflate", coding_matches);
    int identity = accept_weight(accept, "identity", coding_matches);
    int most = gzip > deflate ? gzip : deflate;
    if (most <= 0 || most < identity)
        return CODING_NONE;
    *only = identity == 0;
    return gzip == most ? CODING_GZIP : CODING_DEFLATE;
}
