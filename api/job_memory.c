#include "api/job_memory.h"

#include <string.h>

#include "engine/memory.h"

/* What a worker takes before any job, with OpenBLAS' buffers and its store's pages, the
 * piece of a file that is being read, and documents. */
enum { WORKER_BYTES = 32 << 20, VALUE_BYTES = 64 /* of a text, beside the text */ };

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

static void column_tally(const struct job_column *column,
                         const struct profile_column *found, size_t rows_n,
                         struct tally *t) {
    if (column->use == COLUMN_UNUSED)
        return;
    if (column->kind != ENCODER_CATEGORY) {
        tally_add(t, rows_n, sizeof(double));
        return;
    }
    tally_add(t, rows_n, sizeof(int32_t));
    for (size_t v = 0; v < found->values_n; v++)
        tally_add(t, 1, strlen(found->values[v].text) + VALUE_BYTES);
}

/* The frame of its cells, beside classes and the rows' numbers of either part. */
static size_t frame_bytes(const struct job_table *table,
                          const struct job_dataset *dataset) {
    size_t rows_n = (size_t)table->rows_n;
    struct tally t = {0};
    for (size_t c = 0; c < table->columns_n; c++)
        column_tally(&table->columns[c], &dataset->table->columns[c], rows_n, &t);
    if (table->targets_apart)
        column_tally(&table->target, &dataset->targets->columns[0], rows_n, &t);
    tally_add(&t, rows_n, sizeof(int32_t) + 2 * sizeof(uint32_t));
    return t.n;
}

/* How many inputs the encoder will make of the columns, at most. */
static size_t inputs_count(const struct job_table *table, const struct profile *found) {
    size_t inputs_n = 0;
    for (size_t c = 0; c < table->columns_n; c++) {
        const struct profile_column *column = &found->columns[c];
        bool category = table->columns[c].kind == ENCODER_CATEGORY;
        if (table->columns[c].use == COLUMN_FEATURE)
            inputs_n += category ? column->values_n + (column->missing > 0) : 1;
    }
    return inputs_n;
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

/* A worker that trains: the parameters four times (in the net, as the best ones, and both
 * in files on their way to the store), the optimizer's state twice (and in such a file).
 */
static size_t training_bytes(const struct net *net, const struct job_spec *spec) {
    struct trainer_options options = job_trainer_options(spec);
    struct tally t = {0};
    size_t trainer;
    if (!trainer_memory(net, spec->samples_n, &options, &trainer))
        return SIZE_MAX;
    tally_add(&t, 1, trainer);
    tally_add(&t, net->block_n, 4 * sizeof(float));
    tally_add(&t, net->block_n,
              optimizer_state_n(options.optimizer.kind) * sizeof(float));
    return t.n;
}

/* The metrics at the end: the outputs, and their copies by class and by order. */
static size_t metrics_bytes(const struct net *net, size_t rows_n) {
    struct tally t = {0};
    tally_add(&t, rows_n, net->outputs_n * 2 * sizeof(float));
    tally_add(&t, rows_n, 2 * sizeof(float) + sizeof(int32_t) + sizeof(uint64_t));
    return t.n;
}

/* Data are read before there is a net, metrics made when the trainer has ended. */
static size_t peak_bytes(const struct net *net, const struct job_spec *spec,
                         const struct job_dataset *dataset) {
    const struct job_table *table = &spec->table;
    bool other = table->validation != NULL;
    size_t other_n = other ? (size_t)table->validation->rows_n : 0;
    size_t reading = dataset ? frame_bytes(table, dataset) : 0;
    struct tally data = {0};
    tally_add(&data, 1, rows_bytes(net, spec->samples_n));
    tally_add(&data, 1, rows_bytes(net, other_n));
    if (other)
        reading = larger(reading, frame_bytes(table->validation, dataset->validation));
    struct tally all = {WORKER_BYTES};
    tally_add(&all, 1, data.n);
    tally_add(&all, 1, larger(reading, training_bytes(net, spec)));
    tally_add(&all, 1, metrics_bytes(net, larger(spec->samples_n, other_n)));
    return all.n;
}

bool job_memory(const struct job_spec *spec, const struct job_dataset *dataset,
                const struct model *origin, int64_t *bytes, struct err *e) {
    size_t inputs_n = spec->inputs_n;
    if (dataset)
        inputs_n =
            origin ? origin->net->inputs_n : inputs_count(&spec->table, dataset->table);
    struct net *net = net_outline(inputs_n, spec->layers, spec->layers_n, e);
    if (!net)
        return false;
    size_t peak = peak_bytes(net, spec, dataset);
    net_free(net);
    *bytes = peak > INT64_MAX ? INT64_MAX : (int64_t)peak;
    return true;
}
