#include "server/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A few pages for the job, a few hundred for the points that wait with it. */
enum { RESERVE_BYTES = 4 << 20 };

static bool path_of(const char *store, char path[PATH_MAX]) {
    int n = snprintf(path, PATH_MAX, "%s-reserve", store);
    return n > 0 && n < PATH_MAX;
}

bool reserve_keep(const char *store, struct err *e) {
    char path[PATH_MAX];
    struct stat st;
    if (!path_of(store, path) || (stat(path, &st) == 0 && st.st_size == RESERVE_BYTES))
        return true;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int code = fd < 0 ? errno : posix_fallocate(fd, 0, RESERVE_BYTES);
    if (fd >= 0)
        close(fd);
    if (!code)
        return true;
    if (fd >= 0)
        unlink(path);
    return err_set(e, ERR_STORAGE, NULL, "no reserve of %d bytes: %s", RESERVE_BYTES,
                   strerror(code));
}

bool reserve_release(const char *store) {
    char path[PATH_MAX];
    return path_of(store, path) && unlink(path) == 0;
}
