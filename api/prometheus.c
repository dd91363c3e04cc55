#include "api/prometheus.h"

#include "api/number.h"

void prometheus_head(struct text *out, const char *name, const char *type,
                     const char *help) {
    text_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void prometheus_sample(struct text *out, const char *name, const char *labels,
                       double value) {
    char number[NUMBER_TEXT_MAX];
    size_t n = number_print_double(value, number);
    if (labels)
        text_format(out, "%s{%s} %.*s\n", name, labels, (int)n, number);
    else
        text_format(out, "%s %.*s\n", name, (int)n, number);
}
