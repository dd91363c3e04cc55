/* Runs one fuzz target over the files it is given: what a fuzzer found once is looked at
 * by every `make test`, with any compiler. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { FILE_BYTES_MAX = 1 << 20 };

/* The bytes stand in a block of exactly their size, so that a sanitizer sees a read
 * behind them. */
static int replay(const char *path) {
    static uint8_t bytes[FILE_BYTES_MAX];
    FILE *f = fopen(path, "rb");
    if (!f) {
        printf("%s: %s\n", path, strerror(errno));
        return 1;
    }
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact)
        return 1;
    memcpy(exact, bytes, n);
    LLVMFuzzerTestOneInput(exact, n); /* aborts where something is wrong */
    free(exact);
    return 0;
}

int main(int argc, char **argv) {
    int failed_n = argc < 2;
    for (int i = 1; i < argc; i++)
        failed_n += replay(argv[i]);
    printf("%d inputs replayed, %d failed\n", argc - 1, failed_n);
    return failed_n != 0;
}
