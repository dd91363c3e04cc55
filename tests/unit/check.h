/* Assertions of the unit tests. A test file is a program: its main calls test functions
 * by CHECK_RUN and returns check_done(). A failed CHECK says where and goes on. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdbool.h>

/* @return condition, so that a test can stop itself: if (!CHECK(p)) return; */
#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)
/* The same with a printf message behind it. */
#define CHECK_SAY(condition, ...)                                                        \
    check_say((condition), #condition, __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_TEXT(got, want) check_text((got), (want), __FILE__, __LINE__)
/* |got - want| <= tolerance * max(|want|, 1) */
#define CHECK_NEAR(got, want, tolerance)                                                 \
    check_near((got), (want), (tolerance), #got, __FILE__, __LINE__)
#define CHECK_RUN(test) check_run(test, #test)

bool check_that(bool ok, const char *condition, const char *file, int line);
bool check_say(bool ok, const char *condition, const char *file, int line,
               const char *format, ...) __attribute__((format(printf, 5, 6)));
bool check_text(const char *got, const char *want, const char *file, int line);
bool check_near(double got, double want, double tolerance, const char *what,
                const char *file, int line);
void check_run(void (*test)(void), const char *name);

/* Prints "N passed, N failed" (tests, not checks). @return the exit code. */
int check_done(void);

#endif
