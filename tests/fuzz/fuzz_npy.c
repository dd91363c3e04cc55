/* Tables in npy. */
#include "tests/fuzz/fuzz_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    table_fuzz(data, n, TABLE_NPY);
    return 0;
}
