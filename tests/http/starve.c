/* A library to be preloaded: the allocator, but for one block that it refuses. */
#include "tests/http/starve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *block, size_t n);
void *__libc_memalign(size_t align, size_t n);

static struct starve *shared;

__attribute__((constructor)) static void starve_open(void) {
    const char *path = getenv("STARVE_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        shared = at;
}

static bool refuses(void) {
    if (!shared || atomic_load(&shared->pid) != getpid() ||
        atomic_fetch_sub(&shared->left, 1) != 1)
        return false;
    atomic_fetch_add(&shared->refused, 1);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t n) {
    return refuses() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t bytes) {
    return refuses() ? NULL : __libc_calloc(n, bytes);
}

void *realloc(void *block, size_t n) {
    return refuses() ? NULL : __libc_realloc(block, n);
}

void *aligned_alloc(size_t align, size_t n) {
    return refuses() ? NULL : __libc_memalign(align, n);
}
