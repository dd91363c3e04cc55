#include "engine/trainer.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/finite.h"
#include "engine/lanes.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "engine/update.h"

struct trainer {
    struct net *net;
    struct trainer_data data;
    struct trainer_options options; /* batch_rows is 1..rows_n here */
    struct team *team;
    struct lanes *lanes;
    uint32_t *order; /* (rows_n) of this epoch; NULL unless shuffled */
    float *state;    /* (state_n), the optimizer's, or NULL */
    size_t state_n;
    enum trainer_phase phase;
    bool params_failed; /* which of the two was not finite; for TRAINER_HAS_FAILED */
    int64_t epoch;      /* completed passes; the failed one's for TRAINER_HAS_FAILED */
    double failed_cost; /* for TRAINER_HAS_FAILED */
    size_t row;         /* rows of this epoch that are done */
    double loss;        /* their sum of losses */
    int64_t updates;    /* of the parameters, all epochs' */
    bool point_given;   /* the one of `epoch` */
    bool dropout;       /* in some layer */
    bool gradient_kept; /* a full batch's, of the parameters as they are, in the lanes */
};

static bool full_batch(const struct trainer *t) {
    return t->options.batch_rows == t->data.rows_n;
}

static size_t batch_rows_of(const struct trainer_options *options, size_t rows_n) {
    return options->batch_rows && options->batch_rows < rows_n ? options->batch_rows
                                                               : rows_n;
}

static bool shuffled(const struct trainer_options *options, size_t rows_n) {
    return options->shuffle && batch_rows_of(options, rows_n) < rows_n;
}

static bool options_check(const struct trainer_options *options, size_t rows_n,
                          struct err *e) {
    const int64_t epochs_max = INT64_C(1) << 53; /* exact in a double, and in a stream */
    if (rows_n < 1 || rows_n > UINT32_MAX)
        return err_set(e, ERR_RANGE, NULL,
                       "training takes 1 to %" PRIu32 " rows, not %zu", UINT32_MAX,
                       rows_n);
    if (options->epochs < 0 || options->epochs > epochs_max)
        return err_set(e, ERR_RANGE, NULL, "epochs is 0 to %" PRId64 ", not %" PRId64,
                       epochs_max, options->epochs);
    return optimizer_check(&options->optimizer, e) &&
           schedule_check(&options->schedule, options->optimizer.learning_rate,
                          options->epochs, e);
}

static bool classes_check(const int32_t *classes, size_t rows_n, size_t outputs_n,
                          struct err *e) {
    for (size_t i = 0; i < rows_n; i++)
        if (classes[i] < 0 || (size_t)classes[i] >= outputs_n)
            return err_set(e, ERR_RANGE, NULL,
                           "row %zu is of class %" PRId32 ", but the net has %zu outputs",
                           i, classes[i], outputs_n);
    return true;
}

static bool weights_check(const float *weights, size_t rows_n, struct err *e) {
    for (size_t i = 0; weights && i < rows_n; i++)
        if (!(weights[i] >= 0.0f) || !isfinite(weights[i]))
            return err_set(e, ERR_RANGE, NULL,
                           "the weight of row %zu is at least 0 and finite, not %g", i,
                           (double)weights[i]);
    return true;
}

static bool targets_check(const struct net *net, const struct trainer_data *data,
                          enum loss loss, struct err *e) {
    enum activation g = net->layers[net->layers_n - 1].shape.activation;
    if (!loss_fits(loss, g))
        return err_set(e, ERR_RANGE, NULL, "%s does not fit an output layer of %s",
                       loss_name(loss), activation_name(g));
    if (net_softmax_inside(net))
        return err_set(e, ERR_RANGE, NULL, "softmax stands on the output layer only");
    bool by_class = loss == LOSS_CROSS_ENTROPY;
    if (by_class ? !data->targets.classes : !data->targets.values)
        return err_set(e, ERR_RANGE, NULL, "%s wants %s as targets", loss_name(loss),
                       by_class ? "classes" : "values");
    return weights_check(data->targets.weights, data->rows_n, e) &&
           (!by_class ||
            classes_check(data->targets.classes, data->rows_n, net->outputs_n, e));
}

static bool parts_new(struct trainer *t, const atomic_bool *stop, struct err *e) {
    size_t rows_n = t->data.rows_n;
    bool gathered = shuffled(&t->options, rows_n);
    struct lanes_options options = {
        .net = t->net,
        .data = t->data,
        .loss = t->options.loss,
        .team = t->team,
        .stop = stop,
        .batch_rows = t->options.batch_rows,
        .gathered = gathered,
    };
    t->lanes = lanes_new(&options, e);
    if (!t->lanes)
        return false;
    if (gathered && !(t->order = memory_new(rows_n, sizeof *t->order)))
        return err_set(e, ERR_NO_MEMORY, NULL, "out of memory for the order of the rows");
    if (!size_mul(t->net->block_n, optimizer_state_n(t->options.optimizer.kind),
                  &t->state_n) ||
        (t->state_n && !(t->state = memory_new(t->state_n, sizeof *t->state))))
        return err_set(e, ERR_NO_MEMORY, NULL, "out of memory for the optimizer");
    return true;
}

struct trainer *trainer_new(struct net *net, struct trainer_data data,
                            const struct trainer_options *options, struct team *team,
                            const atomic_bool *stop, struct err *e) {
    if (!options_check(options, data.rows_n, e) ||
        !targets_check(net, &data, options->loss, e))
        return NULL;
    if (options->loss == LOSS_CROSS_ENTROPY)
        data.targets.values = NULL;
    struct trainer *t = memory_new(1, sizeof *t);
    if (!t) {
        err_set(e, ERR_NO_MEMORY, NULL, "out of memory for a trainer");
        return NULL;
    }
    t->net = net;
    t->data = data;
    t->options = *options;
    t->options.batch_rows = batch_rows_of(options, data.rows_n);
    t->team = team;
    t->dropout = net_dropout(net);
    if (!parts_new(t, stop, e)) {
        trainer_free(t);
        return NULL;
    }
    return t;
}

void trainer_free(struct trainer *t) {
    if (!t)
        return;
    lanes_free(t->lanes);
    free(t->order);
    free(t->state);
    free(t);
}

bool trainer_memory(const struct net *net, size_t rows_n,
                    const struct trainer_options *options, size_t *bytes) {
    /* Values are at least as wide as classes; only whether they are there is looked at.
     */
    struct lanes_options lanes = {
        .net = net,
        .data = {.rows_n = rows_n},
        .loss = options->loss,
        .batch_rows = batch_rows_of(options, rows_n),
        .gathered = shuffled(options, rows_n),
    };
    static const float present;
    if (options->loss != LOSS_CROSS_ENTROPY)
        lanes.data.targets.values = &present;
    size_t total, state, order = lanes.gathered ? rows_n : 0;
    return lanes_memory(&lanes, &total) &&
           size_mul(net->block_n, optimizer_state_n(options->optimizer.kind), &state) &&
           size_mul(state, sizeof(float), &state) && size_add(total, state, &total) &&
           size_mul(order, sizeof(uint32_t), &order) && size_add(total, order, &total) &&
           size_add(total, sizeof(struct trainer), bytes);
}

double trainer_epochs_done(const struct trainer *t) {
    return (double)t->epoch + (double)t->row / (double)t->data.rows_n;
}

/* The updates of an epoch. */
static int64_t batches_n(const struct trainer *t) {
    return (int64_t)((t->data.rows_n - 1) / t->options.batch_rows + 1);
}

static void params_update(struct trainer *t, size_t rows) {
    const struct trainer_options *options = &t->options;
    int64_t epoch = t->updates / batches_n(t);
    t->updates++;
    struct update update = {
        .net = t->net,
        .team = t->team,
        .options = &options->optimizer,
        .grads = t->lanes->grads,
        .lanes_n = lanes_count(t->net, rows),
        .state = t->state,
        .learning_rate = schedule_rate(
            &options->schedule, options->optimizer.learning_rate, epoch, options->epochs),
        .number = t->updates,
        .rows_n = rows,
    };
    update_run(&update);
}

/* lanes_run with the penalty of l2, which counts once a batch: as a sum over the rows of
 * losses, rows * l2/(2 rows) sum W^2. The cost alone of all rows has it as often as an
 * epoch's batches have together, so that a curve's points can be compared. */
static bool batch_run(struct trainer *t, const struct lanes_batch *batch, bool cost_alone,
                      double *loss) {
    if (!lanes_run(t->lanes, batch, cost_alone, loss))
        return false;
    double l2 = (double)t->options.optimizer.l2;
    if (l2 > 0)
        *loss += (cost_alone ? (double)batches_n(t) : 1.0) * l2 / 2 *
                 update_weights_square(t->net, t->team);
    return true;
}

static enum trainer_event failed(const struct trainer *t, struct trainer_point *point,
                                 struct err *e) {
    *point = (struct trainer_point){.epoch = t->epoch, .cost = t->failed_cost};
    err_set(e, ERR_NUMERIC, NULL,
            "the %s not finite at epoch %" PRId64 ": try a smaller learning_rate",
            t->params_failed ? "parameters are" : "cost is", t->epoch);
    return TRAINER_FAILED;
}

static enum trainer_event fail(struct trainer *t, int64_t epoch, double cost,
                               struct trainer_point *point, struct err *e) {
    t->params_failed = isfinite(cost);
    t->phase = TRAINER_HAS_FAILED;
    t->epoch = epoch;
    t->row = 0;
    t->failed_cost = cost;
    return failed(t, point, e);
}

/* The cost of the epoch that is done, which goes to the caller. */
static enum trainer_event point_give(struct trainer *t, double cost,
                                     struct trainer_point *point, struct err *e) {
    bool last = t->epoch == t->options.epochs;
    if (!isfinite(cost) || !finite_all(t->net->params, t->net->block_n))
        return fail(t, t->epoch, cost, point, e);
    if (last)
        t->phase = TRAINER_HAS_ENDED;
    t->point_given = true;
    *point = (struct trainer_point){.epoch = t->epoch, .cost = cost};
    return TRAINER_POINT;
}

/* The masks of the gradient that the next update is made from. */
static struct dropout masks_of(const struct trainer *t) {
    return (struct dropout){.seed = t->options.seed, .update = (uint64_t)t->updates};
}

/* All rows, for their loss alone or with the gradient. @return false when stopped. */
static bool full_run(struct trainer *t, bool cost_alone, double *loss) {
    struct dropout masks = masks_of(t);
    struct lanes_batch batch = {
        .rows_n = t->data.rows_n,
        .masks = cost_alone ? NULL : &masks,
    };
    return batch_run(t, &batch, cost_alone, loss);
}

/* The update that the point of this epoch left to be done, as its parameters are those
 * of its cost. A trainer that was restored has no gradient yet: the same parameters give
 * the same one again. With dropout there is none either, as the cost was without. @return
 * false when stopped, the parameters as they were. */
static bool full_update(struct trainer *t) {
    double loss;
    if (atomic_load_explicit(t->lanes->options.stop, memory_order_relaxed) ||
        (!t->gradient_kept && !full_run(t, false, &loss)))
        return false;
    params_update(t, t->data.rows_n);
    t->gradient_kept = false;
    t->epoch++;
    t->point_given = false;
    return true;
}

static enum trainer_event full_step(struct trainer *t, struct trainer_point *point,
                                    struct err *e) {
    double loss;
    if (t->point_given && !full_update(t))
        return TRAINER_STOPPED;
    bool cost_alone = t->dropout || t->epoch == t->options.epochs;
    if (!full_run(t, cost_alone, &loss))
        return TRAINER_STOPPED;
    t->gradient_kept = !cost_alone;
    return point_give(t, loss / (double)t->data.rows_n, point, e);
}

/* J(0), before mini-batches. */
static enum trainer_event first_step(struct trainer *t, struct trainer_point *point,
                                     struct err *e) {
    double loss;
    if (!full_run(t, true, &loss))
        return TRAINER_STOPPED;
    return point_give(t, loss / (double)t->data.rows_n, point, e);
}

static enum trainer_event epoch_end(struct trainer *t, struct trainer_point *point,
                                    struct err *e) {
    double cost = t->loss / (double)t->data.rows_n;
    t->epoch++;
    t->row = 0;
    t->loss = 0;
    return point_give(t, cost, point, e);
}

/* The order of the epoch in hand. */
static void order_draw(struct trainer *t) {
    rng_permutation(t->options.seed, RNG_STREAM_SHUFFLE | (uint64_t)t->epoch, t->order,
                    t->data.rows_n);
}

static enum trainer_event mini_step(struct trainer *t, struct trainer_point *point,
                                    struct err *e) {
    size_t rows_n = t->data.rows_n, left = rows_n - t->row;
    if (t->order && !t->row)
        order_draw(t);
    double loss;
    struct dropout masks = masks_of(t);
    struct lanes_batch batch = {
        .row = t->row,
        .rows_n = left < t->options.batch_rows ? left : t->options.batch_rows,
        .order = t->order,
        .masks = &masks,
    };
    if (!batch_run(t, &batch, false, &loss))
        return TRAINER_STOPPED;
    if (!isfinite(loss))
        return fail(t, t->epoch + 1, loss, point, e);
    params_update(t, batch.rows_n);
    t->loss += loss;
    t->row += batch.rows_n;
    return t->row < rows_n ? TRAINER_STEPPED : epoch_end(t, point, e);
}

enum trainer_event trainer_step(struct trainer *t, struct trainer_point *point,
                                struct err *e) {
    if (t->phase == TRAINER_HAS_ENDED)
        return TRAINER_DONE;
    if (t->phase == TRAINER_HAS_FAILED)
        return failed(t, point, e);
    if (full_batch(t))
        return full_step(t, point, e);
    return t->point_given ? mini_step(t, point, e) : first_step(t, point, e);
}

bool trainer_cost(struct trainer *t, struct trainer_data data, double *cost) {
    struct err e = {0};
    struct lanes_batch batch = {.rows_n = data.rows_n, .other = &data};
    double loss;
    /* A class that the net has not would be read and written beside its outputs. */
    bool fits = data.rows_n > 0 && targets_check(t->net, &data, t->options.loss, &e);
    assert(fits);
    if (!fits || !lanes_run(t->lanes, &batch, true, &loss))
        return false;
    *cost = loss / (double)data.rows_n;
    return true;
}

void trainer_position(const struct trainer *t, struct trainer_position *p) {
    *p = (struct trainer_position){
        .epoch = t->epoch,
        .row = t->row,
        .updates = t->updates,
        .loss = t->loss,
        .phase = (int32_t)t->phase,
        .point_given = t->point_given,
    };
}

const float *trainer_state(const struct trainer *t, size_t *n) {
    *n = t->state_n;
    return t->state;
}

/* The one number of updates that goes with an epoch and a row. */
static bool updates_fit(const struct trainer *t, const struct trainer_position *p) {
    uint64_t batch_rows = t->options.batch_rows;
    uint64_t a_pass = (t->data.rows_n + batch_rows - 1) / batch_rows;
    int64_t whole, all;
    return p->row % batch_rows == 0 &&
           !__builtin_mul_overflow(p->epoch, a_pass, &whole) &&
           !__builtin_add_overflow(whole, p->row / batch_rows, &all) && p->updates == all;
}

/* Whether a trainer of these data and options can stand there. */
static bool position_fits(const struct trainer *t, const struct trainer_position *p) {
    int64_t epochs = t->options.epochs;
    if (p->epoch < 0 || p->epoch > epochs || p->row >= t->data.rows_n ||
        !updates_fit(t, p) || !isfinite(p->loss) ||
        (!p->row && fpclassify(p->loss) != FP_ZERO))
        return false;
    if (p->phase == TRAINER_HAS_ENDED)
        return p->epoch == epochs && !p->row && p->point_given;
    if (p->phase != TRAINER_GOES_ON)
        return false;
    if (p->point_given)
        return p->epoch < epochs;
    return !p->row && (full_batch(t) || !p->epoch);
}

bool trainer_restore(struct trainer *t, const struct trainer_position *p,
                     const float *state, size_t state_n, struct err *e) {
    if (!position_fits(t, p))
        return err_set(e, ERR_INVALID, NULL,
                       "%" PRId64 " epochs, %" PRIu64 " rows and %" PRId64
                       " updates (phase %" PRId32 ") are no position of a training of "
                       "%" PRId64 " epochs over %zu rows in batches of %zu",
                       p->epoch, p->row, p->updates, p->phase, t->options.epochs,
                       t->data.rows_n, t->options.batch_rows);
    if (state_n != t->state_n)
        return err_set(e, ERR_INVALID, NULL,
                       "the optimizer's state is of %zu numbers, not %zu", t->state_n,
                       state_n);
    t->phase = (enum trainer_phase)p->phase;
    t->epoch = p->epoch;
    t->row = (size_t)p->row;
    t->updates = p->updates;
    t->loss = p->loss;
    t->point_given = p->point_given;
    t->gradient_kept = false;
    if (state_n)
        memcpy(t->state, state, state_n * sizeof *t->state);
    if (t->order && t->row)
        order_draw(t);
    return true;
}
