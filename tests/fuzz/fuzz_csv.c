/* Tables in text: CSV and JSON, as the first bytes say, each also gzipped. */
#include "tests/fuzz/fuzz_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    table_fuzz(data, n, TABLE_AUTO);
    table_fuzz(data, n, TABLE_JSON_LINES);
    return 0;
}
