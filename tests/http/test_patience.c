/* Threads that serve, where no processor is spare. */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/raw.h"
#include "tests/unit/check.h"

enum { CLIENTS_N = 8, AT_ONCE = 50, WAIT_S = 20 };

static struct daemon one;
static atomic_bool over;

/* Threads of the daemon that wait until others have had their turns: SCHED_BATCH. */
static int patient_n(void) {
    char path[64];
    int n = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)one.pid);
    DIR *tasks = opendir(path);
    if (!CHECK(tasks != NULL))
        return -1;
    for (struct dirent *task; (task = readdir(tasks));)
        if (task->d_name[0] != '.' &&
            sched_getscheduler(atoi(task->d_name)) == SCHED_BATCH)
            n++;
    closedir(tasks);
    return n;
}

static void comes_to(int n) {
    int64_t end = daemon_clock_ms() + WAIT_S * 1000;
    while (patient_n() != n && daemon_clock_ms() < end)
        daemon_sleep_ms(20);
    CHECK_SAY(patient_n() == n, "%d are", patient_n());
}

/* Many requests at a time: they cost the client less than the server. */
static void *ask_on(void *arg) {
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    char requests[AT_ONCE * sizeof request] = "";
    struct raw raw;
    size_t *received = arg;
    for (size_t i = 0; i < AT_ONCE; i++)
        strcat(requests, request);
    if (!raw_open(&raw, one.port))
        return NULL;
    while (!atomic_load(&over) && raw_text(&raw, requests) &&
           raw_more(&raw, daemon_clock_ms() + WAIT_S * 1000) == 1) {
        *received += raw.bytes_n;
        raw.bytes_n = 0;
    }
    raw_close(&raw);
    return NULL;
}

static void two_that_fill_their_processor_wait_for_their_turns(void) {
    pthread_t clients[CLIENTS_N];
    size_t received[CLIENTS_N] = {0};
    CHECK(patient_n() == 0);
    for (size_t i = 0; i < CLIENTS_N; i++)
        pthread_create(&clients[i], NULL, ask_on, &received[i]);
    comes_to(2);
    atomic_store(&over, true);
    for (size_t i = 0; i < CLIENTS_N; i++) {
        pthread_join(clients[i], NULL);
        CHECK(received[i] > 0);
    }
    comes_to(0); /* and no request wakes them */
}

static size_t first_of(const cpu_set_t *cpus) {
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, cpus))
        cpu++;
    return cpu;
}

int main(void) {
    static const char *const flags[] = {"--http-threads", "2", "--workers", "0", NULL};
    cpu_set_t all, first;
    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    CPU_ZERO(&first);
    CPU_SET(first_of(&all), &first);
    CHECK(sched_setaffinity(0, sizeof first, &first) == 0); /* the daemon's, too */
    bool started = daemon_start(&one, flags);
    CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
    if (started)
        CHECK_RUN(two_that_fill_their_processor_wait_for_their_turns);
    daemon_close(&one);
    return check_done();
}
