#include "api/job_memory.h"

#include "engine/inference.h"
#include "engine/memory.h"

/* What a worker takes before any job, with OpenBLAS' buffers and its store's pages, the
 * piece of a file that is being read, and documents. */
enum { WORKER_BYTES = 32 << 20 };

enum { TEXT_BYTES = PROFILE_VALUE_BYTES_MAX + 64 }; /* of a category, and around it */

/* A sum that sticks at the largest number. */
struct tally {
    size_t n;
};

static void tally_add(struct tally *t, size_t count, size_t size) {
    size_t bytes;
    if (!size_mul(count, size, &bytes) || !size_add(t->n, bytes, &t->n))
        t->n = SIZE_MAX;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* ---- a dataset's file, before it is encoded --------------------------------------- */

static size_t cell_bytes(const struct job_column *column) {
    return column->use == COLUMN_UNUSED       ? 0
           : column->kind == ENCODER_CATEGORY ? sizeof(int32_t)
                                              : sizeof(double);
}

/* The frame of its cells and its texts, beside the classes and the rows' numbers of
 * either part. */
static size_t frame_bytes(const struct job_table *table, size_t inputs_n) {
    size_t row = sizeof(int32_t) + 2 * sizeof(uint32_t);
    struct tally t = {0};
    for (size_t c = 0; c < table->columns_n; c++)
        row += cell_bytes(&table->columns[c]);
    if (table->targets_apart)
        row += cell_bytes(&table->target);
    tally_add(&t, (size_t)table->rows_n, row);
    tally_add(&t, inputs_n, TEXT_BYTES);
    return t.n;
}

/* ---- what the trainer takes -------------------------------------------------------- */

/* Inputs, targets and weights of so many rows. */
static size_t rows_bytes(const struct net *net, size_t rows_n) {
    struct tally t = {0};
    size_t floats;
    if (!size_add(net->inputs_n, net->outputs_n, &floats))
        return SIZE_MAX;
    tally_add(&t, rows_n, sizeof(float) * (floats + 1));
    return t.n;
}

/* The metrics at the end: the net as it predicts, the outputs, and their copies by class
 * and by order. */
static size_t metrics_bytes(const struct net *net, size_t rows_n) {
    struct tally t = {inference_memory(net)};
    tally_add(&t, rows_n, net->outputs_n * 2 * sizeof(float));
    tally_add(&t, rows_n, 2 * sizeof(float) + sizeof(int32_t) + sizeof(uint64_t));
    return t.n;
}

/* A worker that trains: the parameters five times (in the net, as the best ones, both in
 * files on their way to the store, and in the version's file, which does not wait for
 * those), the optimizer's state twice (and in such a file). */
static size_t training_bytes(const struct net *net, const struct job_spec *spec,
                             size_t rows_max) {
    struct trainer_options options = job_trainer_options(spec);
    struct tally t = {0};
    size_t trainer;
    if (!trainer_memory(net, spec->samples_n, &options, &trainer))
        return SIZE_MAX;
    tally_add(&t, 1, trainer);
    tally_add(&t, net->block_n, 5 * sizeof(float));
    tally_add(&t, net->block_n,
              optimizer_state_n(options.optimizer.kind) * sizeof(float));
    tally_add(&t, 1, metrics_bytes(net, rows_max));
    return t.n;
}

/* Data are read before there is a net; metrics are made while there is a trainer still.
 */
static size_t peak_bytes(const struct net *net, const struct job_spec *spec) {
    const struct job_table *table = &spec->table, *other = table->validation;
    size_t other_n = other ? (size_t)other->rows_n : 0;
    size_t reading = table->columns_n ? frame_bytes(table, net->inputs_n) : 0;
    if (other)
        reading = larger(reading, frame_bytes(other, net->inputs_n));
    struct tally t = {WORKER_BYTES};
    tally_add(&t, 1, rows_bytes(net, spec->samples_n));
    tally_add(&t, 1, rows_bytes(net, other_n));
    tally_add(
        &t, 1,
        larger(reading, training_bytes(net, spec, larger(spec->samples_n, other_n))));
    return t.n;
}

bool job_memory(const struct job_spec *spec, int64_t *bytes, struct err *e) {
    size_t inputs_n = spec->table.columns_n ? spec->table.inputs_max : spec->inputs_n;
    struct net *net = net_outline(inputs_n, spec->layers, spec->layers_n, e);
    if (!net)
        return false;
    size_t peak = peak_bytes(net, spec);
    net_free(net);
    *bytes = peak > INT64_MAX ? INT64_MAX : (int64_t)peak;
    return true;
}
