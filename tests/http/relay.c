#include "tests/http/relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/check.h"

struct wire {
    struct relay *relay;
    int client, server;
};

static int socket_new(int port, bool listens) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr *to = (const struct sockaddr *)&address;
    bool ok = fd >= 0 && (listens ? bind(fd, to, sizeof address) == 0 &&
                                        listen(fd, RELAY_CONNECTIONS_MAX) == 0
                                  : connect(fd, to, sizeof address) == 0);
    if (!ok && fd >= 0)
        close(fd);
    return ok ? fd : -1;
}

static bool pass(int to, const char *bytes, ssize_t n) {
    return n > 0 && send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

/* @return whether the wire is cut by these bytes of the client. */
static bool is_cut(struct wire *w, const char *bytes, ssize_t n) {
    static const char COMMIT[] =
        "Q\0\0\0\013COMMIT"; /* a simple query, its zero behind */
    if (!memmem(bytes, (size_t)n, COMMIT, sizeof COMMIT) ||
        atomic_fetch_add(&w->relay->commits, 1) + 1 != atomic_load(&w->relay->cut_at))
        return false;
    char answer[4096];
    if (atomic_load(&w->relay->how) == RELAY_AFTER && pass(w->server, bytes, n))
        CHECK(recv(w->server, answer, sizeof answer, 0) > 0);
    return true;
}

static void *carry(void *arg) {
    struct wire *w = arg;
    for (;;) {
        char bytes[64 << 10];
        struct pollfd fds[] = {{.fd = w->client, .events = POLLIN},
                               {.fd = w->server, .events = POLLIN}};
        poll(fds, 2, -1);
        if (fds[0].revents) {
            ssize_t n = recv(w->client, bytes, sizeof bytes, 0);
            if (n <= 0 || is_cut(w, bytes, n) || !pass(w->server, bytes, n))
                break;
        }
        if (fds[1].revents &&
            !pass(w->client, bytes, recv(w->server, bytes, sizeof bytes, 0)))
            break;
    }
    close(w->client);
    close(w->server);
    free(w);
    return NULL;
}

static void *take(void *arg) {
    struct relay *r = arg;
    for (int client; (client = accept(r->listen_fd, NULL, NULL)) >= 0;) {
        struct wire *w = malloc(sizeof *w);
        *w = (struct wire){r, client, socket_new(r->server_port, false)};
        if (!CHECK(w->server >= 0 && r->n < RELAY_CONNECTIONS_MAX) ||
            !CHECK(pthread_create(&r->threads[r->n], NULL, carry, w) == 0))
            abort();
        r->n++;
    }
    return NULL;
}

bool relay_open(struct relay *r, int server_port) {
    struct sockaddr_in address;
    socklen_t n = sizeof address;
    *r = (struct relay){.server_port = server_port};
    r->listen_fd = socket_new(0, true);
    if (r->listen_fd < 0 ||
        getsockname(r->listen_fd, (struct sockaddr *)&address, &n) != 0)
        return CHECK(false);
    r->port = ntohs(address.sin_port);
    return CHECK(pthread_create(&r->acceptor, NULL, take, r) == 0);
}

void relay_close(struct relay *r) {
    shutdown(r->listen_fd, SHUT_RDWR);
    pthread_join(r->acceptor, NULL);
    close(r->listen_fd);
    for (size_t i = 0; i < r->n; i++)
        pthread_join(r->threads[i], NULL);
}

void relay_cut(struct relay *r, int n, enum relay_cut how) {
    atomic_store(&r->how, how);
    atomic_store(&r->cut_at, atomic_load(&r->commits) + n);
}
