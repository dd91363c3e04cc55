#include "engine/update.h"

#include "engine/memory.h"

enum {
    PARTS_MAX = 16,
    PART_MIN = 1 << 14, /* parameters that are worth a thread's waking */
    ALIGN = MEMORY_ALIGN / sizeof(float)
};

/* What is done with each range of a part. */
typedef double range_task(const void *context, struct optimizer_range range);

struct walk {
    const struct net *net;
    range_task *task;
    const void *context;
    bool by_layer; /* else weights and biases are one range, said to be biases */
    double sums[PARTS_MAX];
};

static size_t parts_count(const struct net *net) {
    size_t parts_n = net->block_n / PART_MIN;
    return parts_n < 1 ? 1 : parts_n < PARTS_MAX ? parts_n : PARTS_MAX;
}

/* The task's sum over what of `range` lies in `part`. */
static double range_cut(const struct walk *walk, struct optimizer_range part,
                        struct optimizer_range range) {
    range.from = range.from > part.from ? range.from : part.from;
    range.to = range.to < part.to ? range.to : part.to;
    return range.from < range.to ? walk->task(walk->context, range) : 0;
}

static void part_run(void *context, size_t index) {
    struct walk *walk = context;
    const struct net *net = walk->net;
    size_t lines = net->block_n / ALIGN, parts_n = parts_count(net);
    struct optimizer_range part = {
        .from = lines * index / parts_n * ALIGN, /* block_n is a multiple */
        .to = lines * (index + 1) / parts_n * ALIGN,
    };
    walk->sums[index] = 0;
    if (!walk->by_layer) {
        walk->sums[index] = walk->task(walk->context, part);
        return;
    }
    for (size_t l = 0; l < net->layers_n; l++) {
        const struct layer *layer = &net->layers[l];
        size_t end = l + 1 < net->layers_n ? layer[1].weights_at : net->block_n;
        struct optimizer_range weights = {layer->weights_at, layer->biases_at, true};
        struct optimizer_range biases = {layer->biases_at, end, false};
        walk->sums[index] += range_cut(walk, part, weights);
        walk->sums[index] += range_cut(walk, part, biases);
    }
}

static double walk_run(struct walk *walk, struct team *team) {
    size_t parts_n = parts_count(walk->net);
    double sum = 0;
    team_run(team, parts_n, part_run, walk);
    for (size_t i = 0; i < parts_n; i++)
        sum += walk->sums[i];
    return sum;
}

struct ranges {
    struct optimizer_step step;
    struct optimizer_block block;
};

static double range_square(const void *context, struct optimizer_range range) {
    const struct ranges *r = context;
    return optimizer_gradient_square(&r->step, &r->block, range);
}

static double range_update(const void *context, struct optimizer_range range) {
    const struct ranges *r = context;
    optimizer_update(&r->step, &r->block, range);
    return 0;
}

void update_run(const struct update *update) {
    const struct optimizer_options *options = update->options;
    struct ranges ranges = {
        .step = optimizer_begin(options, update->learning_rate, update->number,
                                update->rows_n),
        .block = {update->net->params, update->grads, update->lanes_n, update->state,
                  update->net->block_n},
    };
    struct walk walk = {
        .net = update->net,
        .context = &ranges,
        .by_layer = options->l2 > 0.0f || ranges.step.keep < 1.0f,
    };
    if (options->clip_norm > 0.0f) {
        walk.task = range_square;
        optimizer_clip(&ranges.step, walk_run(&walk, update->team));
    }
    walk.task = range_update;
    walk_run(&walk, update->team);
}

static double weights_square(const void *context, struct optimizer_range range) {
    const struct net *net = context;
    return range.weights
               ? optimizer_square(net->params + range.from, range.to - range.from)
               : 0;
}

double update_weights_square(const struct net *net, struct team *team) {
    struct walk walk = {
        .net = net, .task = weights_square, .context = net, .by_layer = true};
    return walk_run(&walk, team);
}
