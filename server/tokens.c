#include "server/tokens.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <nettle/memops.h>
#include <nettle/sha2.h>

#include "server/text_file.h"

struct digest {
    uint8_t bytes[SHA256_DIGEST_SIZE];
};

struct set {
    struct digest *digests; /* owned */
    size_t n;
};

struct tokens {
    const char *path;
    pthread_rwlock_t lock; /* guards what follows */
    struct set set;
};

static void digest_of(const char *text, size_t n, struct digest *digest) {
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, n, (const uint8_t *)text);
    sha256_digest(&context, sizeof digest->bytes, digest->bytes);
}

/* ---- the file ------------------------------------------------------------------- */

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The digest in 64 hexadecimal digits. */
static bool digest_read(const char *text, size_t n, struct digest *digest) {
    if (n != 2 * sizeof digest->bytes)
        return false;
    for (size_t i = 0; i < sizeof digest->bytes; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        digest->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* What RFC 6750 allows in a token. */
static bool is_token(const char *text, size_t n) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-._~+/=";
    return strspn(text, allowed) >= n;
}

static bool line_read(const char *line, size_t n, size_t number, struct digest *digest,
                      struct err *e) {
    static const char hashed[] = "sha256:";
    size_t prefix = sizeof hashed - 1;
    char where[32];
    snprintf(where, sizeof where, "line %zu", number);
    if (n > prefix && strncmp(line, hashed, prefix) == 0) {
        if (digest_read(line + prefix, n - prefix, digest))
            return true;
        return err_set(e, ERR_INVALID, where,
                       "expected 64 hexadecimal digits behind \"sha256:\"");
    }
    if (n < TOKEN_BYTES_MIN || n > TOKEN_BYTES_MAX || !is_token(line, n))
        return err_set(e, ERR_INVALID, where,
                       "expected a token of %d to %d characters out of A-Z a-z 0-9 "
                       "-._~+/=, or \"sha256:\" and its hash",
                       TOKEN_BYTES_MIN, TOKEN_BYTES_MAX);
    digest_of(line, n, digest);
    return true;
}

/* A line without the white space around it. */
static const char *line_trim(const char *line, size_t *n) {
    while (*n && strchr(" \t", *line)) {
        line++;
        --*n;
    }
    while (*n && strchr(" \t\r", line[*n - 1]))
        --*n;
    return line;
}

static bool set_read(const char *text, struct set *set, struct err *e) {
    set->digests = calloc(TOKENS_MAX, sizeof *set->digests);
    if (!set->digests)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the tokens");
    size_t number = 1;
    for (const char *at = text; *at; number++) {
        size_t whole = strcspn(at, "\n"), n = whole;
        const char *line = line_trim(at, &n);
        at += whole + (at[whole] != '\0');
        if (!n || *line == '#')
            continue;
        if (set->n == TOKENS_MAX)
            return err_set(e, ERR_INVALID, NULL, "expected at most %d tokens",
                           TOKENS_MAX);
        if (!line_read(line, n, number, &set->digests[set->n++], e))
            return false;
    }
    return set->n || err_set(e, ERR_INVALID, NULL, "expected a token, the file has none");
}

static bool file_read(const char *path, struct set *set, struct err *e) {
    size_t n;
    char *text = text_file_read(path, NULL, &n, e);
    bool ok = text && set_read(text, set, e);
    if (text)
        explicit_bzero(text, n);
    free(text);
    return ok;
}

/* ---- the set -------------------------------------------------------------------- */

struct tokens *tokens_open(const char *path, struct err *e) {
    struct tokens *t = calloc(1, sizeof *t);
    if (!t) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the tokens");
        return NULL;
    }
    t->path = path;
    pthread_rwlock_init(&t->lock, NULL);
    if (tokens_reload(t, e))
        return t;
    tokens_close(t);
    return NULL;
}

void tokens_close(struct tokens *t) {
    if (!t)
        return;
    pthread_rwlock_destroy(&t->lock);
    free(t->set.digests);
    free(t);
}

bool tokens_reload(struct tokens *t, struct err *e) {
    struct set fresh = {0};
    bool ok = file_read(t->path, &fresh, e);
    if (ok) {
        pthread_rwlock_wrlock(&t->lock);
        struct set old = t->set;
        t->set = fresh;
        fresh = old;
        pthread_rwlock_unlock(&t->lock);
    }
    free(fresh.digests);
    return ok;
}

size_t tokens_count(struct tokens *t) {
    pthread_rwlock_rdlock(&t->lock);
    size_t n = t->set.n;
    pthread_rwlock_unlock(&t->lock);
    return n;
}

bool tokens_allow(struct tokens *t, const char *authorization) {
    static const char scheme[] = "Bearer ";
    size_t prefix = sizeof scheme - 1;
    if (!authorization || strncasecmp(authorization, scheme, prefix) != 0)
        return false;
    const char *token = authorization + prefix;
    token += strspn(token, " ");
    size_t n = strlen(token);
    if (n > TOKEN_BYTES_MAX)
        return false;
    struct digest digest;
    digest_of(token, n, &digest);
    int found = 0;
    pthread_rwlock_rdlock(&t->lock);
    for (size_t i = 0; i < t->set.n; i++)
        found |= memeql_sec(t->set.digests[i].bytes, digest.bytes, sizeof digest.bytes);
    pthread_rwlock_unlock(&t->lock);
    return found;
}
