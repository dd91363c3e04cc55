#include "server/http_lane.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "server/http_exchange.h"
#include "server/priority.h"

enum { TURN_US = 100 }; /* the least there is: most requests take less */

static void on_stir(int number) {
    (void)number; /* the wait is interrupted, that is all */
}

void lanes_open(struct lanes *lanes) {
    struct sigaction action = {.sa_handler = on_stir}; /* nothing is started again */
    sigemptyset(&action.sa_mask);
    sigaction(SIGURG, &action, NULL);
    pthread_mutex_init(&lanes->lock, NULL);
}

static void lane_free(struct lane *lane) {
    if (lane->own.state)
        lane->own.free(lane->own.state);
    while (lane->spares_n)
        free(lane->spares[--lane->spares_n]);
    free(lane);
}

void lanes_close(struct lanes *lanes) {
    while (lanes->n)
        lane_free(lanes->all[--lanes->n]);
    pthread_mutex_destroy(&lanes->lock);
}

void lanes_stir(struct lanes *lanes) {
    pthread_mutex_lock(&lanes->lock);
    for (size_t i = 0; i < lanes->n; i++)
        pthread_kill(lanes->all[i]->thread, SIGURG);
    pthread_mutex_unlock(&lanes->lock);
}

static struct lane *lane_find(const struct lanes *lanes, pthread_t thread) {
    for (size_t i = 0; i < lanes->n; i++)
        if (pthread_equal(lanes->all[i]->thread, thread))
            return lanes->all[i];
    return NULL;
}

struct lane *lanes_own(struct lanes *lanes) {
    pthread_t self = pthread_self();
    pthread_mutex_lock(&lanes->lock);
    struct lane *lane = lane_find(lanes, self);
    if (!lane && lanes->n < LANES_MAX)
        lane = calloc(1, sizeof *lane);
    if (lane && !pthread_equal(lane->thread, self)) {
        lane->thread = self;
        lanes->all[lanes->n++] = lane;
        priority_turns(TURN_US);
    }
    pthread_mutex_unlock(&lanes->lock);
    return lane;
}

struct exchange *lane_take(struct lane *lane) {
    assert(pthread_equal(lane->thread, pthread_self()));
    return lane->spares_n ? lane->spares[--lane->spares_n]
                          : malloc(sizeof(struct exchange));
}

void lane_give(struct lane *lane, struct exchange *x) {
    if (lane->spares_n < LANE_SPARES_MAX)
        lane->spares[lane->spares_n++] = x;
    else
        free(x);
}
