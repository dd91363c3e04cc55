/* One update of a net's parameters, in parts that threads share.
 *
 * The parts and, in them, the ranges of weights and of biases follow from the net alone;
 * sums over parts are added in their order. So the bits are the same with any number of
 * threads. Not exported beyond the trainer; one caller at a time. */
#ifndef ENGINE_UPDATE_H
#define ENGINE_UPDATE_H

#include <stdint.h>

#include "engine/net.h"
#include "engine/optimizer.h"
#include "engine/team.h"

struct update {
    const struct net *net;
    struct team *team;
    const struct optimizer_options *options;
    float *const *grads; /* (lanes_n) sums of gradients, each laid out as net->params */
    size_t lanes_n;
    float *state;        /* (optimizer_state_n, net->block_n); NULL without */
    float learning_rate; /* of this update */
    int64_t number;      /* 1 for the first */
    size_t rows_n;       /* m of the batch */
};

/* Writes net->params and the state. */
void update_run(const struct update *update);

/* The sum of the squares of the net's weights, biases apart; not finite where one is. */
double update_weights_square(const struct net *net, struct team *team);

#endif
