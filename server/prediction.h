/* Requests' rows on their way through a model, alone or together with those of others.
 * Memory alone; any thread, one at a time. */
#ifndef SERVER_PREDICTION_H
#define SERVER_PREDICTION_H

#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"
#include "server/registry.h"

/* Zero-initialise; prediction_free. */
struct prediction {
    const struct served *served; /* acquired; its owner's */
    const float *X;              /* (m, inputs), borrowed */
    float *Y;                    /* (m, outputs), owned; NULL at first */
    size_t m;
    int64_t deadline_us; /* clock_mono_us; 0: none */
    struct err err;      /* why there is no Y */
    /* For the usage of the version: since when it is worked on, or has waited; for how
     * long it was and did; the rows of its pass. clock_mono_ns. */
    int64_t since_ns, input_ns, queue_ns;
    bool waits;
    size_t pass_rows;
    /* While it waits: */
    struct predictions *list; /* NULL: in none */
    struct prediction *next, *previous;
    int64_t came_us;
    void (*done)(void *context);
    void *context;
};
void prediction_free(struct prediction *p);

/* From here on it waits; from here on it is worked on again. */
void prediction_pause(struct prediction *p);
void prediction_resume(struct prediction *p);

/* Multiplications, about: what the forward pass of m rows costs. */
double prediction_work(const struct model *model, size_t m);

/* Some that wait, in the order they came. Zero-initialise. */
struct predictions {
    struct prediction *first, *last;
    size_t n, rows;
};
void predictions_add(struct predictions *list, struct prediction *p);
void predictions_remove(struct predictions *list, struct prediction *p);

/* Takes the first and those of its version behind it, up to rows_max rows (or the first
 * alone) and taken_max of them. @return how many; 0: there is none. */
size_t predictions_take(struct predictions *list, size_t rows_max,
                        struct prediction *taken[], size_t taken_max);

/* Y of n > 0 predictions of one version, by one forward pass; or the err of each. */
void predictions_compute(struct prediction *const *all, size_t n);

/* The same for one, where `run` does what computes it. */
void prediction_compute(struct prediction *p, void (*run)(void *context), void *context);

/* For a large one in parts: room for Y, or its err; and rows at..at+rows of it, of X that
 * begins with them or of the whole p->X, by different threads at a time. false: no
 * memory, nothing was computed. */
bool prediction_open(struct prediction *p) __attribute__((warn_unused_result));
bool prediction_rows(const struct prediction *p, const float *X, size_t at, size_t rows)
    __attribute__((warn_unused_result));
bool prediction_part(const struct prediction *p, size_t at, size_t rows)
    __attribute__((warn_unused_result));

#endif
