#include "tests/unit/check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int passed_n, failed_n, failures_in_test;

bool check_that(bool ok, const char *condition, const char *file, int line) {
    if (!ok) {
        failures_in_test++;
        printf("%s:%d: failed: %s\n", file, line, condition);
    }
    return ok;
}

bool check_say(bool ok, const char *condition, const char *file, int line,
               const char *format, ...) {
    if (!check_that(ok, condition, file, line)) {
        va_list args;
        va_start(args, format);
        printf("    ");
        vprintf(format, args);
        printf("\n");
        va_end(args);
    }
    return ok;
}

bool check_text(const char *got, const char *want, const char *file, int line) {
    bool ok = got && want && strcmp(got, want) == 0;
    return check_say(ok, "texts are equal", file, line, "got  \"%s\"\n    want \"%s\"",
                     got ? got : "(null)", want ? want : "(null)");
}

bool check_near(double got, double want, double tolerance, const char *what,
                const char *file, int line) {
    bool ok = fabs(got - want) <= tolerance * fmax(fabs(want), 1.0);
    return check_say(ok, what, file, line, "got %.17g, want %.17g within %g", got, want,
                     tolerance);
}

void check_run(void (*test)(void), const char *name) {
    failures_in_test = 0;
    test();
    if (failures_in_test)
        failed_n++;
    else
        passed_n++;
    if (failures_in_test)
        printf("FAILED %s\n", name);
    fflush(stdout);
}

int check_done(void) {
    printf("%d passed, %d failed\n", passed_n, failed_n);
    return failed_n || !passed_n ? 1 : 0;
}
