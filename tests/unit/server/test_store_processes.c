/* Several processes on one file, processes that are killed, and a disk that is full. A
 * child is forked while the parent holds no connection; it answers by its exit code and
 * by a pipe. */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/server/test_store.h"

enum { PROCESSES = 4, CLAIM_JOBS = 40, KILL_ROUNDS = 10 };

static pid_t child_run(int (*body)(const struct place *, int), const struct place *p,
                       int fd) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int code = body(p, fd);
        fflush(stdout);
        _exit(code);
    }
    CHECK(pid > 0);
    return pid;
}

static void child_succeeded(pid_t pid) {
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_SAY(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x",
              (unsigned)status);
}

/* A pipe that opens for all children at once, so that they truly race. */
struct gate {
    int fds[2];
};

static void gate_new(struct gate *g) {
    CHECK(pipe(g->fds) == 0);
}

static void gate_open(struct gate *g) {
    close(g->fds[1]);
    close(g->fds[0]);
}

static struct gate start;

static void gate_wait(void) {
    char byte;
    close(start.fds[1]);
    if (read(start.fds[0], &byte, 1) != 0)
        _exit(70);
}

static void file_is_sound(const struct place *p) {
    if (p->schema[0])
        return;
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    CHECK(sqlite3_open(p->path, &db) == SQLITE_OK);
    sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, NULL);
    CHECK(sqlite3_step(q) == SQLITE_ROW);
    CHECK_TEXT((const char *)sqlite3_column_text(q, 0), "ok");
    sqlite3_finalize(q);
    sqlite3_close(db);
}

/* ---- opening at once ------------------------------------------------------------ */

static int open_and_insert(const struct place *p, int number) {
    struct err e = {0};
    char id[STORE_ID_MAX];
    snprintf(id, sizeof id, "job%d", number);
    gate_wait();
    struct store *s = store_open(p->path, &e);
    bool ok = s && insert_job(s, id, "m", &e);
    store_close(s);
    if (!ok)
        printf("child %d: kind %d: %s\n", number, e.kind, e.text);
    return ok ? 0 : 1;
}

static void all_migrate_the_same_new_file(void) {
    for (int round = 0; round < 10; round++) {
        struct place p;
        pid_t pids[PROCESSES];
        place_new(&p);
        gate_new(&start);
        for (int i = 0; i < PROCESSES; i++)
            pids[i] = child_run(open_and_insert, &p, i);
        gate_open(&start);
        for (int i = 0; i < PROCESSES; i++)
            child_succeeded(pids[i]);
        struct err e = {0};
        struct store *s = place_open(&p);
        int64_t counts[JOB_STATUSES_N];
        OK(store_jobs_count(s, counts, &e));
        CHECK(counts[JOB_QUEUED] == PROCESSES);
        store_close(s);
        file_is_sound(&p);
        place_free(&p);
    }
}

/* ---- claiming at once ----------------------------------------------------------- */

static int claim_until_empty(const struct place *p, int fd) {
    struct err e = {0};
    char owner[STORE_OWNER_MAX];
    snprintf(owner, sizeof owner, "worker-%d", (int)getpid());
    gate_wait();
    struct store *s = store_open(p->path, &e);
    bool ok = s;
    for (bool found = true; ok && found;) {
        struct store_claim claim;
        ok =
            store_claim(s, &(struct store_claiming){.owner = owner, .lease_ms = LEASE_MS},
                        &claim, &found, &e);
        if (ok && found)
            ok = write(fd, claim.job_id, sizeof claim.job_id) == sizeof claim.job_id;
    }
    store_close(s);
    if (!ok)
        printf("%s: kind %d: %s\n", owner, e.kind, e.text);
    return ok ? 0 : 1;
}

static void each_job_is_claimed_once(void) {
    struct place p;
    struct err e = {0};
    pid_t pids[PROCESSES];
    int fds[2], seen[CLAIM_JOBS] = {0}, claims_n = 0;
    place_new(&p);
    struct store *s = place_open(&p);
    for (int i = 0; i < CLAIM_JOBS; i++) {
        char id[STORE_ID_MAX];
        snprintf(id, sizeof id, "%d", i);
        OK(insert_job(s, id, "m", &e));
    }
    store_close(s);
    CHECK(pipe(fds) == 0);
    gate_new(&start);
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = child_run(claim_until_empty, &p, fds[1]);
    gate_open(&start);
    close(fds[1]);
    char id[STORE_ID_MAX];
    for (; read(fds[0], id, sizeof id) == sizeof id; claims_n++)
        seen[atoi(id)]++;
    close(fds[0]);
    for (int i = 0; i < PROCESSES; i++)
        child_succeeded(pids[i]);
    CHECK(claims_n == CLAIM_JOBS);
    for (int i = 0; i < CLAIM_JOBS; i++)
        CHECK_SAY(seen[i] == 1, "job %d was claimed %d times", i, seen[i]);
    place_free(&p);
}

/* Each asks to insert with the same few keys: whoever comes first makes the job. */
static int insert_with_keys(const struct place *p, int fd) {
    struct err e = {0};
    gate_wait();
    struct store *s = store_open(p->path, &e);
    bool ok = s;
    for (int i = 0; ok && i < CLAIM_JOBS; i++) {
        char id[STORE_ID_MAX] = {0}, key[16], got[STORE_ID_MAX] = {0};
        bool replayed;
        snprintf(id, sizeof id, "%d-%d", (int)getpid(), i);
        snprintf(key, sizeof key, "key %d", i);
        const struct store_job_new job = {
            .id = id,
            .model = "m",
            .hyperparameters = "{}",
            .data_blob = some_blob(s),
            .idempotency_key = key,
            .body_sha256 = key,
            .priority = i % 7,
        };
        ok = store_job_insert(s, &job, got, &replayed, &e) &&
             replayed == (strcmp(got, id) != 0) && write(fd, got, sizeof got) > 0;
    }
    store_close(s);
    if (!ok)
        printf("child: kind %d: %s\n", e.kind, e.text);
    return ok ? 0 : 1;
}

/* Claims, reports and lets go again with what is asked of all of them in the meantime:
 * every lease has run out when it is given, so that they take each other's. */
static int claim_and_lose(const struct place *p, int fd) {
    struct err e = {0};
    gate_wait();
    struct store *s = store_open(p->path, &e);
    bool ok = s;
    for (int i = 0; ok && i < 30; i++) {
        struct store_claim claim;
        bool found;
        enum store_wish wish;
        ok =
            store_claim(s, &(struct store_claiming){.owner = "w", .lease_ms = EXPIRED_MS},
                        &claim, &found, &e);
        if (!ok || !found)
            continue;
        const struct store_point point = {i, 0.5, 0.5};
        const struct store_progress progress = {EXPIRED_MS, 1, 1, &point, 1};
        struct store_checkpoint c = {
            .blob = some_blob(s), .epoch = getpid() * 100 + i, .resumable = true};
        ok = (store_claim_progress(s, &claim, &progress, &wish, &e) &&
              store_claim_checkpoint(s, &claim, &progress, &c, 1, &e) &&
              (i % 3 || store_claim_release(s, &claim, &e))) ||
             e.kind == ERR_CONFLICT;
        if (e.kind == ERR_CONFLICT)
            e = (struct err){0};
        struct store_job job;
        if (ok && i % 10 == fd % 10 && store_job_pause(s, claim.job_id, 5, &job, &e)) {
            store_job_free(&job);
            ok = store_job_resume(s, claim.job_id, 6, &job, &e);
            if (ok)
                store_job_free(&job);
        }
        ok = ok || e.kind == ERR_CONFLICT; /* it has ended by its crashes */
        e = (struct err){0};
    }
    store_close(s);
    if (!ok)
        printf("child: kind %d: %s\n", e.kind, e.text);
    return ok ? 0 : 1;
}

static void all_run(int (*body)(const struct place *, int), const struct place *p,
                    int fd) {
    pid_t pids[PROCESSES];
    gate_new(&start);
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = child_run(body, p, fd);
    gate_open(&start);
    for (int i = 0; i < PROCESSES; i++)
        child_succeeded(pids[i]);
}

static void keys_and_histories_hold_in_a_race(void) {
    struct place p;
    int fds[2];
    place_new(&p);
    store_close(place_open(&p));
    CHECK(pipe(fds) == 0);
    all_run(insert_with_keys, &p, fds[1]);
    close(fds[1]);
    char id[STORE_ID_MAX];
    int answers = 0;
    while (read(fds[0], id, sizeof id) == sizeof id)
        answers++;
    close(fds[0]);
    CHECK(answers == PROCESSES * CLAIM_JOBS);
    CHECK(raw_int(&p, "SELECT count(*) FROM jobs") == CLAIM_JOBS);
    all_run(claim_and_lose, &p, 3);

    /* Points and events together are 1..jobs.events of each job, each number once. */
    static const char NUMBERS[] =
        "SELECT count(*) FROM jobs j WHERE j.events <>"
        " (SELECT count(DISTINCT seq) FROM (SELECT seq FROM points WHERE job = j.number"
        "  UNION ALL SELECT seq FROM events WHERE job = j.number) AS told WHERE seq "
        "BETWEEN"
        "  1 AND j.events) OR j.events <> (SELECT count(*) FROM points WHERE job = "
        "j.number) +"
        " (SELECT count(*) FROM events WHERE job = j.number)";
    CHECK(raw_int(&p, NUMBERS) == 0);
    CHECK(raw_int(&p, "SELECT count(*) > 20 FROM events WHERE kind = 'checkpoint'") == 1);
    CHECK(raw_int(&p, "SELECT max(n) FROM (SELECT count(*) AS n FROM checkpoints"
                      " GROUP BY job) AS kept") <= 2);
    CHECK(raw_int(&p, "SELECT count(*) FROM jobs j WHERE (status NOT IN ('queued',"
                      " 'running')) <> EXISTS (SELECT 1 FROM events WHERE job = j.number"
                      " AND kind = 'done' AND seq = j.events)") == 0);
    file_is_sound(&p);
    place_free(&p);
}

/* ---- dying ---------------------------------------------------------------------- */

/* Inserts for ever and tells which jobs it was promised. */
static int insert_until_killed(const struct place *p, int fd) {
    struct err e = {0};
    struct store *s = store_open(p->path, &e);
    for (int i = 0; s; i++) {
        char id[STORE_ID_MAX] = {0};
        snprintf(id, sizeof id, "%d-%d", (int)getpid(), i);
        if (!insert_job(s, id, "m", &e) || write(fd, id, sizeof id) != sizeof id)
            break;
    }
    printf("child: kind %d: %s\n", e.kind, e.text);
    return 1;
}

/* Every acknowledged id is a queued job. @return how many there were. */
static int acknowledged_are_there(const struct place *p, int fd) {
    struct store *s = place_open(p);
    char id[STORE_ID_MAX];
    int n = 0;
    for (; read(fd, id, sizeof id) == sizeof id; n++)
        if (!CHECK(status_of(s, id) == JOB_QUEUED))
            break;
    store_close(s);
    return n;
}

static void killed_at_any_moment(void) {
    struct place p;
    int total = 0;
    place_new(&p);
    srand((unsigned)getpid());
    for (int round = 0; round < KILL_ROUNDS; round++) {
        int fds[2], status;
        CHECK(pipe(fds) == 0);
        pid_t pid = child_run(insert_until_killed, &p, fds[1]);
        close(fds[1]);
        char first[STORE_ID_MAX]; /* it is at work */
        CHECK(read(fds[0], first, sizeof first) == sizeof first);
        nanosleep(&(struct timespec){.tv_nsec = rand() % 40000000}, NULL);
        kill(pid, SIGKILL);
        CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
        total += acknowledged_are_there(&p, fds[0]);
        close(fds[0]);
        file_is_sound(&p);
    }
    CHECK_SAY(total > KILL_ROUNDS, "%d jobs in all", total);
    place_free(&p);
}

/* ---- a full disk ---------------------------------------------------------------- */

/* No file may grow past 2 MiB: the log meets the limit after some jobs. */
static int insert_until_full(const struct place *p, int fd) {
    struct err e = {0};
    signal(SIGXFSZ, SIG_IGN);
    struct store *s = store_open(p->path, &e);
    struct rlimit limit = {2 << 20, 2 << 20};
    if (!s || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 2;
    int refused = 0;
    for (int i = 0; i < 2000 && refused < 5; i++) {
        char id[STORE_ID_MAX] = {0};
        snprintf(id, sizeof id, "%d", i);
        e = (struct err){0};
        if (insert_job(s, id, "m", &e)) {
            if (write(fd, id, sizeof id) != sizeof id)
                return 3;
        } else {
            if (e.kind != ERR_STORAGE || !strstr(e.text, "sqlite"))
                return 4;
            refused++;
        }
    }
    /* Reads go on, and what was refused is not there. */
    int64_t counts[JOB_STATUSES_N];
    e = (struct err){0};
    bool read_ok = store_jobs_count(s, counts, &e);
    store_close(s);
    return refused == 5 && read_ok ? 0 : 5;
}

static void a_full_disk_refuses_and_keeps(void) {
    struct place p;
    int fds[2];
    place_new(&p);
    CHECK(pipe(fds) == 0);
    pid_t pid = child_run(insert_until_full, &p, fds[1]);
    close(fds[1]);
    child_succeeded(pid);
    int n = acknowledged_are_there(&p, fds[0]);
    close(fds[0]);
    CHECK_SAY(n > 5, "%d jobs were acknowledged", n);
    struct err e = {0};
    struct store *s = place_open(&p); /* with room again, it goes on */
    int64_t counts[JOB_STATUSES_N];
    OK(store_jobs_count(s, counts, &e));
    CHECK(counts[JOB_QUEUED] == n);
    OK(insert_job(s, "after", "m", &e));
    store_close(s);
    file_is_sound(&p);
    place_free(&p);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    STORE_RUN(all_migrate_the_same_new_file);
    STORE_RUN(each_job_is_claimed_once);
    STORE_RUN(keys_and_histories_hold_in_a_race);
    STORE_RUN(killed_at_any_moment);
    CHECK_RUN(a_full_disk_refuses_and_keeps);
    return check_done();
}
