#include "api/prometheus.h"

#include <stdlib.h>

#include "tests/unit/check.h"

static void test_samples(void) {
    struct text t = {0};
    prometheus_head(&t, "x_total", "counter", "What x is.");
    prometheus_sample(&t, "x_total", NULL, 3);
    prometheus_sample(&t, "x_total", "a=\"b\",c=\"d\"", 0.25);
    prometheus_sample(&t, "x_total", NULL, 1e21);
    prometheus_sample(&t, "x_total", NULL, 9007199254740993.0);
    char *got = text_take(&t);
    CHECK_TEXT(got, "# HELP x_total What x is.\n# TYPE x_total counter\nx_total 3\n"
                    "x_total{a=\"b\",c=\"d\"} 0.25\nx_total 1e21\n"
                    "x_total 9007199254740992\n");
    free(got);
}

int main(void) {
    CHECK_RUN(test_samples);
    return check_done();
}
