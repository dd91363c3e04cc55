#include "engine/finite.h"

#include <float.h>
#include <math.h>

#include "tests/unit/check.h"

/* One number that is not finite, at each place of each length. */
static void test_each_place(void) {
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    float x[70] = {0};
    for (size_t n = 0; n <= 70; n++) {
        for (size_t i = 0; i < n; i++)
            x[i] = i % 2 ? -FLT_MAX : FLT_TRUE_MIN;
        CHECK_SAY(finite_all(x, n), "%zu", n);
        for (size_t i = 0; i < n; i++) {
            float kept = x[i];
            x[i] = bad[i % 4];
            CHECK_SAY(!finite_all(x, n), "%zu of %zu", i, n);
            x[i] = kept;
        }
    }
}

int main(void) {
    CHECK_RUN(test_each_place);
    return check_done();
}
