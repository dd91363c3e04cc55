#include "server/http_lane.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "server/http_exchange.h"
#include "server/http_peek.h"
#include "server/machine.h"
#include "server/priority.h"

enum { TURN_US = 100 }; /* the least there is: most requests take less */

/* Lanes by crews: all widths but the last, and that one. */
enum { SMALL, LARGE };

struct arrival {
    struct arrival *next;
    struct accepted accepted;
};

/* ---- connections ---------------------------------------------------------------- */

static struct lane *lane_for(struct lanes *lanes, const struct accepted *accepted) {
    uint64_t body_n = http_peek_length(accepted->first, accepted->first_n);
    size_t width = http_width_take(&lanes->widths, body_n);
    return &lanes->all[width * lanes->n + lanes->next++ % lanes->n];
}

void lane_lost(const struct lane *lane) {
    struct lanes *lanes = &lane->http->lanes;
    http_width_give(&lanes->widths, lane->width);
    atomic_fetch_sub(&lanes->connections, 1); /* now it has room for one more */
}

/* The first lane of the crew of those with large bodies. */
static size_t large_from(const struct lanes *lanes) {
    return HTTP_WIDTH_LARGE * lanes->n;
}

void lane_ring(struct lane *lane) {
    const struct lanes *lanes = &lane->http->lanes;
    size_t at = (size_t)(lane - lanes->all), from = large_from(lanes);
    if (at < from)
        crew_ring(lanes->crews[SMALL], at);
    else
        crew_ring(lanes->crews[LARGE], at - from);
}

void lanes_take(struct lanes *lanes, const struct accepted *accepted) {
    struct arrival *arrival = malloc(sizeof *arrival);
    if (!arrival) {
        close(accepted->fd);
        return;
    }
    atomic_fetch_add(&lanes->connections, 1);
    struct lane *lane = lane_for(lanes, accepted);
    *arrival = (struct arrival){atomic_load(&lane->arrivals), *accepted};
    while (!atomic_compare_exchange_weak(&lane->arrivals, &arrival->next, arrival))
        ;
    lane_ring(lane);
}

/* The library closes what it does not take. It may have begun with it, and says so then:
 * where the kernel refuses one more descriptor to watch. */
static void arrival_add(struct lane *lane, const struct accepted *accepted) {
    const struct sockaddr *address = (const struct sockaddr *)&accepted->address;
    lane->begun = false;
    if (MHD_add_connection(lane->daemon, accepted->fd, address, accepted->address_n) ==
        MHD_YES)
        return;
    atomic_store(&lane->http->lanes.refusal, errno);
    atomic_fetch_add(&lane->http->lanes.refused_n, 1);
    if (!lane->begun)
        lane_lost(lane);
}

static void arrivals_add(struct lane *lane) {
    struct arrival *newest = atomic_exchange(&lane->arrivals, NULL), *oldest = NULL;
    while (newest) {
        struct arrival *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct arrival *next = oldest->next;
        arrival_add(lane, &oldest->accepted);
        free(oldest);
        oldest = next;
    }
}

struct exchange *lane_take(struct lane *lane) {
    return lane->spares_n ? lane->spares[--lane->spares_n]
                          : malloc(sizeof(struct exchange));
}

void lane_give(struct lane *lane, struct exchange *x) {
    if (lane->spares_n < LANE_SPARES_MAX)
        lane->spares[lane->spares_n++] = x;
    else
        free(x);
}

/* ---- running -------------------------------------------------------------------- */

/* @return whether connections have more to do that no descriptor tells of. */
static bool lane_run(void *context) {
    struct lane *lane = context;
    MHD_UNSIGNED_LONG_LONG ms;
    if (atomic_load_explicit(&lane->arrivals, memory_order_relaxed))
        arrivals_add(lane);
    MHD_run(lane->daemon);
    return MHD_get_timeout(lane->daemon, &ms) == MHD_YES && ms == 0;
}

/* And nobody waits for it until the kernel's clock ticks. */
static bool large_run(void *context) {
    bool again = lane_run(context);
    sched_yield();
    return again;
}

static void lane_begin(void) {
    priority_turns(TURN_US);
}

static bool lane_open(struct lane *lane, struct http *h, size_t width,
                      bool (*start)(struct lane *lane), struct crew_station *station) {
    lane->http = h;
    lane->width = width;
    if (!start(lane))
        return false;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(lane->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    *station =
        (struct crew_station){info ? info->epoll_fd : -1,
                              width == HTTP_WIDTH_LARGE ? large_run : lane_run, lane};
    return true;
}

bool lanes_open(struct lanes *lanes, struct http *h, size_t n,
                bool (*start)(struct lane *lane), struct err *e) {
    struct crew_station stations[HTTP_WIDTHS_N * LANES_MAX];
    lanes->n = n < LANES_MAX ? n : LANES_MAX;
    bool ok = true;
    for (size_t i = 0; ok && i < HTTP_WIDTHS_N * lanes->n; i++)
        ok = lane_open(&lanes->all[i], h, i / lanes->n, start, &stations[i]);
    size_t from = large_from(lanes);
    struct crew_options small = {.stations = stations,
                                 .stations_n = from,
                                 .threads_n = lanes->n,
                                 .begin = lane_begin,
                                 .patient = priority_patient,
                                 .spare_us = machine_spare_us};
    struct crew_options large = small;
    large.stations = stations + from;
    large.stations_n = lanes->n;
    return ok && (lanes->crews[SMALL] = crew_start(&small, e)) &&
           (lanes->crews[LARGE] = crew_start(&large, e));
}

void lanes_balance(struct lanes *lanes) {
    for (size_t i = 0; i < LANE_CREWS; i++)
        crew_balance(lanes->crews[i]);
}

size_t lanes_at_work(const struct lanes *lanes) {
    return crew_at_work(lanes->crews[SMALL]) + crew_at_work(lanes->crews[LARGE]);
}

size_t lanes_refused(struct lanes *lanes, const char **why) {
    int error = atomic_load(&lanes->refusal);
    *why = error == ENOSPC ? "this user may watch no more (fs.epoll.max_user_watches)"
                           : strerrordesc_np(error);
    return atomic_exchange(&lanes->refused_n, 0);
}

void lanes_rest(struct lanes *lanes) {
    for (size_t i = 0; i < LANE_CREWS; i++) {
        crew_stop(lanes->crews[i]);
        lanes->crews[i] = NULL;
    }
}

static void lane_close(struct lane *lane) {
    if (!lane->daemon)
        return;
    arrivals_add(lane); /* to be closed with the others */
    MHD_stop_daemon(lane->daemon);
    if (lane->own.state)
        lane->own.free(lane->own.state);
    while (lane->spares_n)
        free(lane->spares[--lane->spares_n]);
}

void lanes_close(struct lanes *lanes) {
    for (size_t i = 0; i < HTTP_WIDTHS_N * lanes->n; i++)
        lane_close(&lanes->all[i]);
}
