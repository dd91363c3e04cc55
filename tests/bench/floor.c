/* The least that an HTTP server on libmicrohttpd can do: reads a body and forgets it, and
 * answers /N with N bytes. What a daemon on the same library is measured beside.
 *
 *   floor THREADS     prints the port it was given on the loopback, serves until a signal
 *
 * The daemon's own mode of serving: a pool of threads, each with its epoll. */
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

enum { ANSWER_BYTES_MAX = 1 << 20, THREADS_MAX = 64, CONNECTION_MEMORY = 16 << 10 };

static char answer[ANSWER_BYTES_MAX];

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *data, size_t *data_n,
                                  void **state) {
    (void)context, (void)method, (void)version, (void)data;
    if (!*state) {
        *state = answer; /* the head is read: the body comes */
        return MHD_YES;
    }
    if (*data_n) {
        *data_n = 0;
        return MHD_YES;
    }
    size_t n = strtoul(url + 1, NULL, 10);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        n < sizeof answer ? n : sizeof answer, answer, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

int main(int argc, char **argv) {
    unsigned long threads = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (threads < 1 || threads > THREADS_MAX) {
        fprintf(stderr, "usage: floor THREADS (1 to %d)\n", THREADS_MAX);
        return 2;
    }
    memset(answer, 'x', sizeof answer);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before there are threads */
    struct sockaddr_in loopback = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_OptionItem pool[] = {
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads,
         NULL},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, NULL,
                         MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&loopback,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                         MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info) {
        fprintf(stderr, "floor: could not start\n");
        return 1;
    }
    printf("%u\n", info->port);
    fflush(stdout);
    int got;
    sigwait(&signals, &got);
    MHD_stop_daemon(daemon);
    return 0;
}
