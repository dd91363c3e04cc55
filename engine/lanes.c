#include "engine/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "engine/backward.h"
#include "engine/forward.h"
#include "engine/memory.h"

enum {
    LANE_FLOP_MIN = 4000000, /* under this a thread's waking costs more than it brings */
    TILE_ROWS = 256,         /* enough for a product to run at full speed */
    TILE_ROWS_MIN = 16,
    TILE_ROWS_MAX = 4096,
    TILE_CACHED_MAX = 1 << 16 /* floats of activations that a nearby cache holds */
};
#define TILE_FLOATS_MAX ((size_t)1 << 24) /* of activations, whatever the net's width */
#define TILE_FLOP_MAX 4e9                 /* some tens of milliseconds */

struct lane {
    float *cache;     /* forward_train's, of tile_rows */
    float *scratch;   /* backward's */
    float *X;         /* gathered rows and targets of a tile; NULL unless gathered */
    float *values;    /* or NULL */
    int32_t *classes; /* or NULL */
    float *weights;   /* or NULL */
    double loss;
    bool stopped;
};

/* A multiplication and an addition a weight: forward, and twice backward. */
static double flop(const struct net *net, size_t rows) {
    return 6.0 * (double)rows * (double)net->parameters_n;
}

size_t lanes_count(const struct net *net, size_t rows) {
    size_t count = rows >= 512 ? LANES_MAX : rows >= 64 ? 2 : 1;
    while (count > 1 && flop(net, rows) / (double)count < LANE_FLOP_MIN)
        count /= 2;
    return count;
}

static size_t tile_rows_choose(const struct net *net, size_t rows_n) {
    size_t units = 0, rows = TILE_ROWS;
    for (size_t l = 0; l < net->layers_n; l++)
        units += net->layers[l].shape.units_n;
    while (rows < TILE_ROWS_MAX && 2 * rows * units <= TILE_CACHED_MAX)
        rows *= 2;
    while (rows > TILE_ROWS_MIN &&
           (flop(net, rows) > TILE_FLOP_MAX || rows * units > TILE_FLOATS_MAX))
        rows /= 2;
    return rows < rows_n ? rows : rows_n;
}

/* Floats of each of a lane's blocks. */
struct lane_sizes {
    size_t cache, scratch, X, targets, weights;
};

static bool lane_sizes_choose(const struct lanes_options *options, size_t rows,
                              struct lane_sizes *sizes) {
    const struct net *net = options->net;
    *sizes = (struct lane_sizes){
        .cache = forward_cache_n(net, rows),
        .scratch = backward_scratch_n(net, rows),
    };
    if (!options->gathered)
        return true;
    sizes->weights = rows;
    size_t outputs_n = options->data.targets.values ? net->outputs_n : 1;
    return size_mul(rows, net->inputs_n, &sizes->X) &&
           size_mul(rows, outputs_n, &sizes->targets);
}

bool lanes_memory(const struct lanes_options *options, size_t *bytes) {
    const struct net *net = options->net;
    size_t rows_n = options->data.rows_n, lane = 0, grads = 0;
    struct lane_sizes sizes;
    if (!lane_sizes_choose(options, tile_rows_choose(net, rows_n), &sizes))
        return false;
    const size_t parts[] = {sizes.cache, sizes.scratch, sizes.X, sizes.targets,
                            sizes.weights};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!size_add(lane, parts[i], &lane))
            return false;
    size_t total, extra = sizeof(struct lanes) + LANES_MAX * sizeof(struct lane);
    return size_mul(lane, lanes_count(net, rows_n), &lane) &&
           size_mul(net->block_n, lanes_count(net, options->batch_rows), &grads) &&
           size_add(lane, grads, &total) && size_mul(total, sizeof(float), &total) &&
           size_add(total, extra, bytes);
}

static bool lane_new(struct lane *lane, const struct lanes_options *options,
                     const struct lane_sizes *sizes) {
    lane->cache = memory_new(sizes->cache, sizeof *lane->cache);
    lane->scratch = memory_new(sizes->scratch, sizeof *lane->scratch);
    if (!lane->cache || !lane->scratch)
        return false;
    if (!options->gathered)
        return true;
    lane->X = memory_new(sizes->X, sizeof *lane->X);
    if (options->data.targets.values)
        lane->values = memory_new(sizes->targets, sizeof *lane->values);
    else
        lane->classes = memory_new(sizes->targets, sizeof *lane->classes);
    if (options->data.targets.weights &&
        !(lane->weights = memory_new(sizes->weights, sizeof *lane->weights)))
        return false;
    return lane->X && (lane->values || lane->classes);
}

static bool lanes_allocate(struct lanes *lanes) {
    struct lane_sizes sizes;
    lanes->lanes = memory_new(lanes->lanes_n, sizeof *lanes->lanes);
    if (!lanes->lanes || !lane_sizes_choose(&lanes->options, lanes->tile_rows, &sizes))
        return false;
    for (size_t i = 0; i < lanes->lanes_n; i++)
        if (!lane_new(&lanes->lanes[i], &lanes->options, &sizes))
            return false;
    for (size_t i = 0; i < lanes->gradients_n; i++) {
        lanes->grads[i] = memory_new(lanes->options.net->block_n, sizeof(float));
        if (!lanes->grads[i])
            return false;
    }
    return true;
}

struct lanes *lanes_new(const struct lanes_options *options, struct err *e) {
    struct lanes *lanes = memory_new(1, sizeof *lanes);
    if (lanes) {
        lanes->options = *options;
        lanes->tile_rows = tile_rows_choose(options->net, options->data.rows_n);
        lanes->lanes_n = lanes_count(options->net, options->data.rows_n);
        lanes->gradients_n = lanes_count(options->net, options->batch_rows);
        if (lanes_allocate(lanes))
            return lanes;
    }
    lanes_free(lanes);
    err_set(e, ERR_NO_MEMORY, NULL, "out of memory for the activations and gradients");
    return NULL;
}

void lanes_free(struct lanes *lanes) {
    if (!lanes)
        return;
    for (size_t i = 0; lanes->lanes && i < lanes->lanes_n; i++) {
        free(lanes->lanes[i].cache);
        free(lanes->lanes[i].scratch);
        free(lanes->lanes[i].X);
        free(lanes->lanes[i].values);
        free(lanes->lanes[i].classes);
        free(lanes->lanes[i].weights);
    }
    for (size_t i = 0; i < LANES_MAX; i++)
        free(lanes->grads[i]);
    free(lanes->lanes);
    free(lanes);
}

/* Copies the rows that `order` names, with their targets. */
static void tile_gather(const struct lanes_options *options, struct lane *lane,
                        const uint32_t *order, size_t rows) {
    size_t inputs_n = options->net->inputs_n, outputs_n = options->net->outputs_n;
    const struct trainer_data *data = &options->data;
    for (size_t i = 0; i < rows; i++) {
        memcpy(lane->X + i * inputs_n, data->X + order[i] * inputs_n,
               inputs_n * sizeof *lane->X);
        struct targets from = targets_from(data->targets, order[i], outputs_n);
        if (lane->values)
            memcpy(lane->values + i * outputs_n, from.values,
                   outputs_n * sizeof *lane->values);
        else
            lane->classes[i] = *from.classes;
        if (lane->weights)
            lane->weights[i] = *from.weights;
    }
}

/* One run over a batch, shared by its lanes. */
struct run {
    struct lanes *lanes;
    const struct lanes_batch *batch;
    size_t lanes_n;
    bool cost_alone;
};

/* Rows first..first+rows-1 of the batch. */
static void tile_run(const struct run *run, size_t lane_index, size_t first, size_t rows,
                     bool accumulate) {
    const struct lanes_options *options = &run->lanes->options;
    const struct net *net = options->net;
    struct lane *lane = &run->lanes->lanes[lane_index];
    const struct trainer_data *data =
        run->batch->other ? run->batch->other : &options->data;
    size_t row = run->batch->row + first;
    const float *X = data->X + row * net->inputs_n;
    struct targets targets = targets_from(data->targets, row, net->outputs_n);
    if (run->batch->order) {
        tile_gather(options, lane, run->batch->order + row, rows);
        X = lane->X;
        targets = (struct targets){lane->values, lane->classes, lane->weights};
    }
    struct dropout masks;
    if (run->batch->masks) {
        masks = *run->batch->masks;
        masks.row += first;
    }
    forward_train(net, X, rows, run->batch->masks ? &masks : NULL, lane->cache);
    const struct layer_shape *output = &net->layers[net->layers_n - 1].shape;
    lane->loss += loss_fuse(options->loss, output->activation, output->negative_slope,
                            forward_cached(net, rows, lane->cache, net->layers_n - 1),
                            targets, rows, net->outputs_n);
    if (!run->cost_alone)
        backward(net, X, rows, lane->cache, lane->scratch, run->lanes->grads[lane_index],
                 accumulate);
}

static void lane_run(void *context, size_t lane_index) {
    const struct run *run = context;
    struct lane *lane = &run->lanes->lanes[lane_index];
    size_t rows_n = run->batch->rows_n;
    size_t from = rows_n * lane_index / run->lanes_n;
    size_t to = rows_n * (lane_index + 1) / run->lanes_n;
    lane->loss = 0;
    lane->stopped = false;
    for (size_t row = from; row < to; row += run->lanes->tile_rows) {
        if (atomic_load_explicit(run->lanes->options.stop, memory_order_relaxed)) {
            lane->stopped = true;
            return;
        }
        size_t rows = to - row < run->lanes->tile_rows ? to - row : run->lanes->tile_rows;
        tile_run(run, lane_index, row, rows, row > from);
    }
}

bool lanes_run(struct lanes *lanes, const struct lanes_batch *batch, bool cost_alone,
               double *loss) {
    struct run run = {
        .lanes = lanes,
        .batch = batch,
        .lanes_n = lanes_count(lanes->options.net, batch->rows_n),
        .cost_alone = cost_alone,
    };
    if (run.lanes_n > lanes->lanes_n) /* another table's rows may be more */
        run.lanes_n = lanes->lanes_n;
    team_run(lanes->options.team, run.lanes_n, lane_run, &run);
    *loss = 0;
    for (size_t i = 0; i < run.lanes_n; i++) {
        if (lanes->lanes[i].stopped)
            return false;
        *loss += lanes->lanes[i].loss;
    }
    return true;
}
