#include "server/usage.h"

#include "tests/unit/check.h"

static struct oip_batch batches[USAGE_BATCHES];

static struct oip_statistics read_at(struct usage *u, int64_t now_us, int64_t now_ms) {
    struct oip_statistics s = {.name = "m"};
    usage_read(u, now_us, now_ms, batches, &s);
    return s;
}

static void test_requests(void) {
    struct usage u = {0};
    struct oip_statistics s = read_at(&u, 5000, 1700000000000);
    CHECK(s.last_ms == 0 && s.success.count == 0 && s.batches_n == 0);
    usage_request(&u, &(struct usage_request){true, 3, 1000, 500, 20});
    usage_request(&u, &(struct usage_request){true, 64, 2000, 700, 0});
    usage_request(&u, &(struct usage_request){false, 9, 3000, 40, 1});
    s = read_at(&u, 5003000, 1700000000000);
    CHECK(s.rows_n == 67);
    CHECK(s.success.count == 2 && s.success.ns == 1200);
    CHECK(s.fail.count == 1 && s.fail.ns == 40);
    CHECK(s.queue.count == 3 && s.queue.ns == 21);
    CHECK(s.last_ms == 1700000000000 - 5000);
}

/* Passes are listed by size: exactly while they are small. */
static void test_passes(void) {
    static const struct {
        size_t rows_n;
        uint64_t listed;
    } cases[] = {{1, 1},   {2, 2},   {15, 15},     {16, 16},     {17, 32},
                 {32, 32}, {33, 64}, {1000, 1024}, {1024, 1024}, {1025, 2048}};
    struct usage u = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        usage_pass(&u, &(struct usage_pass){cases[i].rows_n, 1, 2, 3});
        struct oip_statistics s = read_at(&u, 0, 0);
        bool found = false;
        for (size_t b = 0; b < s.batches_n; b++)
            found = found || s.batches[b].rows == cases[i].listed;
        CHECK_SAY(found, "%zu", cases[i].rows_n);
    }
    usage_pass(&u, &(struct usage_pass){SIZE_MAX / 2, 0, 0, 0});
    struct oip_statistics s = read_at(&u, 0, 0);
    CHECK(s.batches_n == 9);
    uint64_t passes = 0, infer_ns = 0;
    for (size_t b = 0; b < s.batches_n; b++) {
        CHECK(b == 0 || s.batches[b].rows > s.batches[b - 1].rows);
        passes += s.batches[b].count;
        infer_ns += s.batches[b].infer_ns;
    }
    CHECK(passes == 11 && infer_ns == 20);
}

int main(void) {
    CHECK_RUN(test_requests);
    CHECK_RUN(test_passes);
    return check_done();
}
