#include "server/executor.h"

#include <pthread.h>
#include <stdlib.h>

struct task {
    executor_task *run;
    void *context;
};

struct thread {
    struct executor *executor;
    struct store *store; /* NULL: none yet; set under the executor's lock */
    pthread_t id;
};

struct executor {
    size_t threads_n, queue_max;
    struct thread *threads;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t filled;
    struct task *queue; /* a ring of queue_max */
    size_t first, n;
    bool ending;
};

static void *run(void *context) {
    struct thread *t = context;
    struct executor *x = t->executor;
    pthread_mutex_lock(&x->lock);
    for (;;) {
        while (!x->n && !x->ending)
            pthread_cond_wait(&x->filled, &x->lock);
        if (!x->n)
            break;
        struct task task = x->queue[x->first];
        x->first = (x->first + 1) % x->queue_max;
        x->n--;
        struct store *store = t->store;
        pthread_mutex_unlock(&x->lock);
        task.run(task.context, store);
        pthread_mutex_lock(&x->lock);
    }
    pthread_mutex_unlock(&x->lock);
    return NULL;
}

void executor_free(struct executor *x) {
    if (!x)
        return;
    for (size_t i = 0; x->threads && i < x->threads_n; i++)
        store_close(x->threads[i].store);
    pthread_mutex_destroy(&x->lock);
    pthread_cond_destroy(&x->filled);
    free(x->threads);
    free(x->queue);
    free(x);
}

struct executor *executor_start(size_t threads_n, size_t queue_max, struct err *e) {
    struct executor *x = calloc(1, sizeof *x);
    if (!x) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the executor");
        return NULL;
    }
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->filled, NULL);
    x->queue_max = queue_max;
    x->queue = calloc(queue_max, sizeof *x->queue);
    x->threads = calloc(threads_n, sizeof *x->threads);
    bool ok = (x->queue && x->threads) ||
              err_set(e, ERR_NO_MEMORY, NULL, "no memory for the executor");
    x->threads_n = ok ? threads_n : 0;
    size_t started = 0;
    while (ok && started < threads_n) {
        struct thread *t = &x->threads[started];
        t->executor = x;
        ok = pthread_create(&t->id, NULL, run, t) == 0 ||
             err_set(e, ERR_NO_MEMORY, NULL, "no thread for the executor");
        started += ok;
    }
    if (ok)
        return x;
    pthread_mutex_lock(&x->lock);
    x->ending = true;
    pthread_cond_broadcast(&x->filled);
    pthread_mutex_unlock(&x->lock);
    while (started)
        pthread_join(x->threads[--started].id, NULL);
    executor_free(x);
    return NULL;
}

bool executor_open(struct executor *x, const char *store_path, struct err *e) {
    struct store **stores = calloc(x->threads_n, sizeof *stores);
    size_t n = 0;
    if (!stores)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the executor");
    while (n < x->threads_n && (stores[n] = store_open(store_path, e)))
        n++;
    bool ok = n == x->threads_n;
    pthread_mutex_lock(&x->lock);
    for (size_t i = 0; i < n && ok; i++)
        x->threads[i].store = stores[i];
    pthread_mutex_unlock(&x->lock);
    while (!ok && n)
        store_close(stores[--n]);
    free(stores);
    return ok;
}

bool executor_add(struct executor *x, executor_task *task, void *context) {
    pthread_mutex_lock(&x->lock);
    bool room = x->n < x->queue_max && !x->ending;
    if (room) {
        x->queue[(x->first + x->n) % x->queue_max] = (struct task){task, context};
        x->n++;
        pthread_cond_signal(&x->filled);
    }
    pthread_mutex_unlock(&x->lock);
    return room;
}

void executor_stop(struct executor *x) {
    pthread_mutex_lock(&x->lock);
    x->ending = true;
    pthread_cond_broadcast(&x->filled);
    pthread_mutex_unlock(&x->lock);
    for (size_t i = 0; i < x->threads_n; i++)
        pthread_join(x->threads[i].id, NULL);
}

void executor_run(struct executor *x, executor_task *task, void *context) {
    task(context, x->threads[0].store); /* whose thread has ended */
}
