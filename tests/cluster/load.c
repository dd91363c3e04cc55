/* A steady load of predictions, each judged by its answer.
 *
 *   load URL RATE BODY EXPECTED [TOKEN]
 *
 * Posts the file BODY to URL, RATE times a second over CLIENTS_N connections that are
 * kept alive, until SIGTERM or SIGINT. An answer is right when it is 200 and has the text
 * EXPECTED in it; nothing is tried again. Prints at the end, and exits with 0 when none
 * failed:
 *
 *   load SENT sent, FAILED failed, p50 US p99 US max US
 */
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLIENTS_N = 16, ANSWER_BYTES_MAX = 8192, TOLD_MAX = 10, BUCKETS_N = 100000 };

static struct {
    const char *url, *expected;
    char *body;
    long body_n;
    struct curl_slist *headers;
    int64_t interval_us;
    atomic_bool ending;
    atomic_int told;
    atomic_uint_fast64_t sent, failed, max_us;
    atomic_uint_fast32_t buckets[BUCKETS_N]; /* of 10 us */
} load;

struct answer {
    char text[ANSWER_BYTES_MAX];
    size_t n;
};

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static size_t answer_add(char *bytes, size_t size, size_t n, void *context) {
    struct answer *answer = context;
    size_t room = sizeof answer->text - 1 - answer->n, all = size * n;
    memcpy(answer->text + answer->n, bytes, all < room ? all : room);
    answer->n += all < room ? all : room;
    return all;
}

static CURL *client_new(struct answer *answer) {
    CURL *curl = curl_easy_init();
    if (!curl)
        abort();
    curl_easy_setopt(curl, CURLOPT_URL, load.url);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, load.body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, load.body_n);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, load.headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_add);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 30000L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    return curl;
}

static void failure_tell(const char *why, long status, const struct answer *answer) {
    if (atomic_fetch_add(&load.told, 1) < TOLD_MAX)
        fprintf(stderr, "load: %s, status %ld: %.200s\n", why, status, answer->text);
}

static void time_count(int64_t us) {
    size_t bucket = (size_t)us / 10;
    atomic_fetch_add(&load.buckets[bucket < BUCKETS_N ? bucket : BUCKETS_N - 1], 1);
    uint64_t max = atomic_load(&load.max_us);
    while ((uint64_t)us > max &&
           !atomic_compare_exchange_weak(&load.max_us, &max, (uint64_t)us))
        ;
}

static void *client_run(void *context) {
    struct answer answer = {.n = 0};
    CURL *curl = client_new(&answer);
    int64_t due_us = now_us() + *(int64_t *)context;
    while (!atomic_load(&load.ending)) {
        int64_t wait_us = due_us - now_us();
        if (wait_us > 0)
            nanosleep(&(struct timespec){wait_us / 1000000, wait_us % 1000000 * 1000},
                      NULL);
        due_us += load.interval_us;
        answer.n = 0;
        int64_t start_us = now_us();
        CURLcode code = curl_easy_perform(curl);
        time_count(now_us() - start_us);
        answer.text[answer.n] = '\0';
        long status = 0;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        atomic_fetch_add(&load.sent, 1);
        if (code == CURLE_OK && status == 200 && strstr(answer.text, load.expected))
            continue;
        atomic_fetch_add(&load.failed, 1);
        failure_tell(code == CURLE_OK ? "a wrong answer" : curl_easy_strerror(code),
                     status, &answer);
    }
    curl_easy_cleanup(curl);
    return NULL;
}

static void on_signal(int number) {
    (void)number;
    atomic_store(&load.ending, true);
}

static uint64_t percentile_us(double share) {
    uint64_t below = 0, wanted = (uint64_t)(share * (double)atomic_load(&load.sent));
    for (size_t i = 0; i < BUCKETS_N; i++) {
        below += atomic_load(&load.buckets[i]);
        if (below > wanted)
            return 10 * (i + 1);
    }
    return 10 * BUCKETS_N;
}

static void body_read(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0 || (load.body_n = ftell(f)) <= 0)
        abort();
    rewind(f);
    load.body = malloc((size_t)load.body_n);
    if (!load.body || fread(load.body, (size_t)load.body_n, 1, f) != 1)
        abort();
    fclose(f);
}

int main(int argc, char **argv) {
    long rate = argc >= 5 ? strtol(argv[2], NULL, 10) : 0;
    if (rate < 1) {
        fprintf(stderr, "usage: load URL RATE BODY EXPECTED [TOKEN]\n");
        return 2;
    }
    load.url = argv[1];
    load.expected = argv[4];
    load.interval_us = CLIENTS_N * 1000000 / rate;
    body_read(argv[3]);
    load.headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (argc > 5) {
        char header[600];
        snprintf(header, sizeof header, "Authorization: Bearer %s", argv[5]);
        load.headers = curl_slist_append(load.headers, header);
    }
    curl_global_init(CURL_GLOBAL_ALL);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    signal(SIGPIPE, SIG_IGN);
    pthread_t threads[CLIENTS_N];
    int64_t starts_us[CLIENTS_N];
    for (size_t i = 0; i < CLIENTS_N; i++) {
        starts_us[i] = (int64_t)i * load.interval_us / CLIENTS_N;
        if (pthread_create(&threads[i], NULL, client_run, &starts_us[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < CLIENTS_N; i++)
        pthread_join(threads[i], NULL);
    printf("load %llu sent, %llu failed, p50 %llu p99 %llu max %llu us\n",
           (unsigned long long)load.sent, (unsigned long long)load.failed,
           (unsigned long long)percentile_us(0.5),
           (unsigned long long)percentile_us(0.99), (unsigned long long)load.max_us);
    return load.failed ? 1 : 0;
}
