#include "tests/http/foreign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

bool foreign_write(const char *path, const char *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(bytes, 1, n, f) == n;
    return (!f || fclose(f) == 0) && CHECK_SAY(ok, "%s: %s", path, strerror(errno));
}

bool foreign_run(const char *command, char **said) {
    char block[4096];
    size_t n = 0;
    FILE *text = open_memstream(said, &n), *program = popen(command, "r");
    if (!text || !program)
        abort();
    for (size_t got; (got = fread(block, 1, sizeof block, program)) > 0;)
        fwrite(block, 1, got, text);
    fclose(text);
    return pclose(program) == 0;
}

/* Of a binary classification the answer has both classes, the net the second alone. */
static void check_row(const json_t *want, const json_t *got, double tolerance) {
    size_t n = json_array_size(want);
    size_t others_n = json_is_array(got) ? json_array_size(got) - n : 0;
    CHECK_SAY(n && others_n <= 1, "%zu numbers, and %zu more", n, others_n);
    for (size_t k = 0; k < n; k++) {
        const json_t *value =
            json_is_array(got) ? json_array_get(got, others_n + k) : got;
        if (CHECK(json_is_number(value) && json_is_number(json_array_get(want, k))))
            CHECK_NEAR(json_number_value(value),
                       json_number_value(json_array_get(want, k)), tolerance);
    }
}

void foreign_check(const json_t *wanted, const json_t *answer, size_t rows_n,
                   double tolerance) {
    const json_t *answered = reply_at(answer, "/probabilities");
    if (!answered)
        answered = reply_at(answer, "/predictions");
    if (!CHECK_SAY(json_array_size(wanted) == rows_n &&
                       json_array_size(answered) == rows_n,
                   "%zu and %zu rows, not %zu", json_array_size(wanted),
                   json_array_size(answered), rows_n))
        return;
    for (size_t i = 0; i < rows_n; i++)
        check_row(json_array_get(wanted, i), json_array_get(answered, i), tolerance);
}
