#include "server/batcher.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "server/clock.h"

enum {
    TOGETHER_MAX = 512, /* predictions of one pass */
    PART_WORK = 1 << 22 /* multiplications that are worth waking somebody for */
};

/* A large prediction in parts, which threads take one after the other. */
struct share {
    struct batcher *batcher;
    struct prediction *whole;
    size_t rows; /* of a part */
    size_t taken, ended, parts_n;
    bool failed;
    struct share *next;
};

struct batcher {
    struct batcher_options options;
    pthread_t *threads;
    size_t started_n;
    pthread_mutex_t lock;       /* guards what follows, and the shares */
    pthread_cond_t work, ended; /* there is some; a share has ended */
    struct predictions waiting;
    struct share *shares; /* with parts that nobody has taken */
    bool hurried, ending;
};

/* ---- small ones, together: the caller holds `lock` ------------------------------ */

/* How long the first may still wait for company; 0: not at all. */
static int64_t company_wait_us(const struct batcher *b) {
    if (!b->options.delay_us || b->hurried || b->waiting.rows >= b->options.rows_max)
        return 0;
    const struct prediction *first = b->waiting.first;
    int64_t until_us = first->came_us + b->options.delay_us;
    int64_t left_us = until_us - clock_mono_us();
    bool hurried = first->deadline_us && first->deadline_us <= until_us;
    return left_us > 0 && !hurried ? left_us : 0;
}

/* Those whose time is over are left out. @return how many are left. */
static size_t expire(struct prediction **all, size_t n) {
    struct prediction *live[TOGETHER_MAX];
    int64_t now_us = clock_mono_us();
    size_t live_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct prediction *p = all[i];
        if (!p->deadline_us || now_us < p->deadline_us) {
            live[live_n++] = p;
            continue;
        }
        err_set(&p->err, ERR_DEADLINE, NULL, "its time was over before its turn came");
        p->done(p->context);
    }
    for (size_t i = 0; i < live_n; i++)
        all[i] = live[i];
    return live_n;
}

static void batch_run(struct batcher *b) {
    struct prediction *all[TOGETHER_MAX];
    size_t n = predictions_take(&b->waiting, b->options.rows_max, all, TOGETHER_MAX);
    pthread_mutex_unlock(&b->lock);
    n = expire(all, n);
    if (n) {
        predictions_compute(all, n);
        metrics_pass(b->options.metrics);
    }
    for (size_t i = 0; i < n; i++)
        all[i]->done(all[i]->context);
    pthread_mutex_lock(&b->lock);
}

/* ---- large ones, in parts: the caller holds `lock` ------------------------------ */

static void share_unlist(struct batcher *b, struct share *s) {
    struct share **at = &b->shares;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
}

static void part_run(struct batcher *b, struct share *s) {
    size_t at = s->taken++ * s->rows, left = s->whole->m - at;
    if (s->taken == s->parts_n)
        share_unlist(b, s);
    pthread_mutex_unlock(&b->lock);
    bool ok = prediction_part(s->whole, at, left < s->rows ? left : s->rows);
    pthread_mutex_lock(&b->lock);
    s->failed |= !ok;
    if (++s->ended == s->parts_n)
        pthread_cond_broadcast(&b->ended);
}

/* Rows of a part: whole tiles, and enough work. */
static size_t part_rows(const struct prediction *p) {
    double row = prediction_work(p->served->model, 1);
    size_t tiles = (size_t)(PART_WORK / (row * MODEL_TILE_ROWS)) + 1;
    return tiles * MODEL_TILE_ROWS;
}

/* Until all of its parts have ended. */
static void share_run(void *context) {
    struct share *s = context;
    struct batcher *b = s->batcher;
    pthread_mutex_lock(&b->lock);
    s->next = b->shares;
    b->shares = s;
    if (s->parts_n > 1)
        pthread_cond_broadcast(&b->work);
    while (s->taken < s->parts_n)
        part_run(b, s);
    while (s->ended < s->parts_n)
        pthread_cond_wait(&b->ended, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

void batcher_compute(struct batcher *b, struct prediction *p) {
    struct share s = {.batcher = b, .whole = p, .rows = part_rows(p)};
    s.parts_n = (p->m + s.rows - 1) / s.rows;
    if (!prediction_open(p))
        return;
    prediction_compute(p, share_run, &s);
    if (s.failed)
        err_set(&p->err, ERR_NO_MEMORY, NULL, "no memory for %zu predictions", p->m);
    metrics_pass(b->options.metrics);
}

/* ---- the threads ---------------------------------------------------------------- */

static void work_wait(struct batcher *b, int64_t most_us) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (most_us % 1000000) * 1000;
    until.tv_sec += most_us / 1000000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&b->work, &b->lock, &until);
}

static void *run(void *context) {
    struct batcher *b = context;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        int64_t wait_us = b->waiting.n ? company_wait_us(b) : 0;
        if (b->waiting.n && !wait_us)
            batch_run(b);
        else if (b->shares)
            part_run(b, b->shares);
        else if (wait_us)
            work_wait(b, wait_us);
        else if (b->ending)
            break;
        else
            pthread_cond_wait(&b->work, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

bool batcher_add(struct batcher *b, struct prediction *p, void (*done)(void *context),
                 void *context) {
    p->done = done;
    p->context = context;
    p->came_us = b->options.delay_us ? clock_mono_us() : 0;
    pthread_mutex_lock(&b->lock);
    bool room = b->waiting.n < b->options.queue_max;
    if (room) {
        predictions_add(&b->waiting, p);
        pthread_cond_signal(&b->work);
    }
    pthread_mutex_unlock(&b->lock);
    return room;
}

void batcher_hurry(struct batcher *b) {
    pthread_mutex_lock(&b->lock);
    b->hurried = true;
    pthread_cond_broadcast(&b->work);
    pthread_mutex_unlock(&b->lock);
}

size_t batcher_waiting(struct batcher *b) {
    pthread_mutex_lock(&b->lock);
    size_t n = b->waiting.n;
    pthread_mutex_unlock(&b->lock);
    return n;
}

struct batcher *batcher_start(const struct batcher_options *options, struct err *e) {
    struct batcher *b = calloc(1, sizeof *b);
    pthread_t *threads = calloc(options->threads_n, sizeof *threads);
    if (!b || !threads) {
        free(b);
        free(threads);
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the batcher");
        return NULL;
    }
    b->options = *options;
    b->threads = threads;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->work, &monotonic);
    pthread_cond_init(&b->ended, NULL);
    pthread_condattr_destroy(&monotonic);
    while (b->started_n < options->threads_n &&
           pthread_create(&threads[b->started_n], NULL, run, b) == 0)
        b->started_n++;
    if (b->started_n == options->threads_n)
        return b;
    batcher_free(b);
    err_set(e, ERR_NO_MEMORY, NULL, "no thread for the batcher");
    return NULL;
}

void batcher_free(struct batcher *b) {
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    b->hurried = b->ending = true;
    pthread_cond_broadcast(&b->work);
    pthread_mutex_unlock(&b->lock);
    for (size_t i = 0; i < b->started_n; i++)
        pthread_join(b->threads[i], NULL);
    pthread_cond_destroy(&b->work);
    pthread_cond_destroy(&b->ended);
    pthread_mutex_destroy(&b->lock);
    free(b->threads);
    free(b);
}
