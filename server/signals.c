#include "server/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int read_fd = -1, write_fd = -1; /* set before there is a handler that uses it */

static void on_signal(int number) {
    int kept = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t written = write(write_fd, &byte, 1);
    (void)written; /* a full pipe says enough already */
    errno = kept;
}

static void on_last_signal(int number) {
    _exit(128 + number);
}

static void on_idle_signal(int number) {
    (void)number;
    _exit(0);
}

static void handle(void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

int signals_open(struct err *e) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        err_set(e, ERR_INTERNAL, NULL, "no pipe for the signals: %s", strerror(errno));
        return -1;
    }
    read_fd = fds[0];
    write_fd = fds[1];
    handle(on_signal);
    return fds[0];
}

static void handle_hangup(void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGHUP, &action, NULL);
}

void signals_add_hangup(void) {
    handle_hangup(on_signal);
}

void signals_ignore_hangup(void) {
    handle_hangup(SIG_IGN);
}

bool signals_of_terminal(void) {
    struct sigaction before;
    return sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN &&
           signals_terminal_is();
}

bool signals_terminal_is(void) {
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int signals_take(int fd) {
    unsigned char byte = 0;
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    while (read(fd, &byte, 1) != 1)
        poll(&wanted, 1, -1);
    return byte;
}

void signals_end_at_once(void) {
    handle(on_last_signal);
}

void signals_end_idle(void) {
    struct pollfd came = {.fd = read_fd, .events = POLLIN};
    handle(on_idle_signal);
    if (poll(&came, 1, 0) > 0)
        _exit(0); /* it was before the handler */
}

void signals_resume(void) {
    handle(on_signal);
}
