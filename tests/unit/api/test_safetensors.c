#include "api/safetensors.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static const float floats[] = {1.5f, -0.0f, 3e38f, 1e-45f, 5, 6};
static const int32_t ints[] = {INT32_MIN, 0, INT32_MAX};

/* A file of two tensors and a document. */
static unsigned char *file_new(size_t *n) {
    struct tensor tensors[] = {
        {.name = "a", .type = TENSOR_F32, .rows_n = 2, .columns_n = 3, .data = floats},
        {.name = "b\"\xc3\xa9", .type = TENSOR_I32, .rows_n = 3, .data = ints},
    };
    struct err e = {0};
    unsigned char *file = safetensors_encode(tensors, 2, "{\"x\":\"y\\\"\"}", n, &e);
    if (!CHECK_SAY(file, "%s", e.text))
        abort();
    return file;
}

static void test_round_trip(void) {
    size_t n;
    unsigned char *bytes = file_new(&n);
    struct safetensors file;
    struct err e = {0};
    if (!CHECK_SAY(safetensors_decode(bytes, n, &file, &e), "%s", e.text))
        return;
    CHECK(file.tensors_n == 2);
    CHECK_TEXT(file.document, "{\"x\":\"y\\\"\"}");
    const struct tensor *a = safetensors_find(&file, "a", TENSOR_F32, 2, 3, &e);
    const struct tensor *b = safetensors_find(&file, "b\"\xc3\xa9", TENSOR_I32, 3, 0, &e);
    CHECK(a == &file.tensors[0] && b == &file.tensors[1]);
    CHECK(a && memcmp(a->data, floats, sizeof floats) == 0);
    CHECK(b && memcmp(b->data, ints, sizeof ints) == 0);
    CHECK((uintptr_t)bytes % 64 == 0 && a && (uintptr_t)a->data % 64 == 0);
    CHECK(!safetensors_find(&file, "a", TENSOR_I32, 2, 3, &e));
    CHECK_TEXT(e.text, "safetensors: \"a\": another type or shape than its model needs");
    e = (struct err){0};
    CHECK(!safetensors_find(&file, "a", TENSOR_F32, 6, 0, &e));
    CHECK(!safetensors_find(&file, "a", TENSOR_F32, 3, 2, &e));
    e = (struct err){0};
    CHECK(!safetensors_find(&file, "c", TENSOR_F32, 2, 3, &e));
    CHECK_TEXT(e.text, "safetensors: \"c\": is missing");
    safetensors_free(&file);
    free(bytes);
}

/* What other tools read: the length, the names and the offsets as the format has them. */
static void test_format(void) {
    size_t n;
    unsigned char *bytes = file_new(&n);
    uint64_t length = 0;
    for (size_t i = 0; i < 8; i++)
        length |= (uint64_t)bytes[i] << 8 * i;
    CHECK((length + 8) % 64 == 0 && length + 8 + sizeof floats + sizeof ints == n);
    json_t *root = json_loadb((char *)bytes + 8, length, JSON_REJECT_DUPLICATES, NULL);
    char *got = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    CHECK_TEXT(got,
               "{\"__metadata__\":{\"descentd\":\"{\\\"x\\\":\\\"y\\\\\\\"\\\"}\"},"
               "\"a\":{\"data_offsets\":[0,24],\"dtype\":\"F32\",\"shape\":[2,3]},"
               "\"b\\\"\xc3\xa9\":{\"data_offsets\":[24,36],\"dtype\":\"I32\",\"shape\":"
               "[3]}}");
    free(got);
    json_decref(root);
    free(bytes);
}

static void test_no_document(void) {
    struct tensor tensor = {.name = "t", .rows_n = 1, .data = floats};
    struct safetensors file;
    struct err e = {0};
    size_t n;
    void *bytes = safetensors_encode(&tensor, 1, NULL, &n, &e);
    CHECK(bytes && safetensors_decode(bytes, n, &file, &e) && !file.document);
    safetensors_free(&file);
    free(bytes);
}

/* Each shorter file, in a block of its size, is refused; so is a longer one. */
static void test_truncations(void) {
    size_t n;
    unsigned char *bytes = file_new(&n);
    struct safetensors file;
    for (size_t cut = 0; cut <= n + 1; cut++) {
        unsigned char *block = calloc(cut ? cut : 1, 1);
        struct err e = {0};
        if (!block)
            abort();
        memcpy(block, bytes, cut < n ? cut : n);
        bool ok = safetensors_decode(block, cut, &file, &e);
        CHECK_SAY(ok == (cut == n), "%zu of %zu bytes", cut, n);
        CHECK(ok || (e.kind == ERR_INVALID && !file.tensors && !file.document));
        safetensors_free(&file);
        free(block);
    }
    free(bytes);
}

/* A file of this header and `data_n` bytes of data. */
static void check_header(const char *header, size_t data_n, const char *text) {
    size_t n = strlen(header), total = 8 + n + data_n;
    unsigned char *bytes = calloc(total, 1);
    struct safetensors file;
    struct err e = {0};
    if (!bytes)
        abort();
    bytes[0] = (unsigned char)n;
    bytes[1] = (unsigned char)(n >> 8);
    memcpy(bytes + 8, header, n);
    bool ok = safetensors_decode(bytes, total, &file, &e);
    CHECK_SAY(ok == !text, "%s: %s", header, e.text);
    if (text && !ok) {
        CHECK_TEXT(e.text, text);
        CHECK(e.kind == ERR_INVALID || e.kind == ERR_RANGE);
    }
    safetensors_free(&file);
    free(bytes);
}

#define ONE(name, dtype, shape, offsets)                                                 \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape                             \
    ",\"data_offsets\":" offsets "}"
#define SAID(name, what) "safetensors: \"" name "\": " what

static void test_headers(void) {
    static const char type[] = SAID("a", "expected dtype F32 or I32"),
                      shape[] = SAID("a", "expected one or two positive dimensions"),
                      leave[] = SAID("a", "data_offsets leave the file"),
                      disagree[] = SAID("a", "data_offsets and shape disagree");
    check_header("{}", 0, NULL);
    check_header("{" ONE("a", "F32", "[1]", "[0,4]") "}", 4, NULL);
    check_header("[]", 0, "safetensors: expected an object of at most 4096 tensors");
    check_header("{}", 1, "safetensors: bytes behind the last tensor");
    check_header("{" ONE("a", "F64", "[1]", "[0,8]") "}", 8, type);
    check_header("{" ONE("a", "f32", "[1]", "[0,4]") "}", 4, type);
    check_header("{\"a\":[]}", 4, type);
    check_header("{\"a\":null}", 4, type);
    check_header("{" ONE("a", "F32", "[]", "[0,4]") "}", 4, shape);
    check_header("{" ONE("a", "F32", "[1,1,1]", "[0,4]") "}", 4, shape);
    check_header("{" ONE("a", "F32", "[0]", "[0,0]") "}", 0, shape);
    check_header("{" ONE("a", "F32", "[1,0]", "[0,0]") "}", 0, shape);
    check_header("{" ONE("a", "F32", "[-1]", "[0,4]") "}", 4, shape);
    check_header("{" ONE("a", "F32", "[1.0]", "[0,4]") "}", 4, shape);
    check_header("{" ONE("a", "F32", "\"1\"", "[0,4]") "}", 4, shape);
    check_header("{" ONE("a", "F32", "[1]", "[0]") "}", 4, leave);
    check_header("{" ONE("a", "F32", "[1]", "[4,0]") "}", 4, leave);
    check_header("{" ONE("a", "F32", "[1]", "[0,5]") "}", 4, leave);
    check_header("{" ONE("a", "F32", "[1]", "[-4,0]") "}", 4, leave);
    check_header("{" ONE("a", "F32", "[2]", "[0,4]") "}", 4, disagree);
    check_header("{" ONE("a", "F32", "[1]", "[0,3]") "}", 3, disagree);
    /* Products and sums that wrap around. */
    check_header("{" ONE("a", "F32", "[4611686018427387905]", "[0,4]") "}", 4, disagree);
    check_header("{" ONE("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", 0,
                 disagree);
    check_header("{" ONE("a", "F32", "[1]", "[0,9223372036854775807]") "}", 4, leave);
    check_header("{" ONE("a", "F32", "[1]", "[0,18446744073709551620]") "}", 4,
                 "safetensors: \"a\": expected one or two positive dimensions");
}

static void test_layouts(void) {
    check_header(
        "{" ONE("b", "F32", "[1]", "[4,8]") "," ONE("a", "F32", "[1]", "[0,4]") "}", 8,
        NULL);
    check_header("{" ONE("a", "F32", "[1]", "[4,8]") "}", 8,
                 SAID("a", "the tensors leave a gap or overlap"));
    check_header(
        "{" ONE("a", "F32", "[1]", "[0,4]") "," ONE("b", "F32", "[1]", "[8,12]") "}", 12,
        SAID("b", "the tensors leave a gap or overlap"));
    check_header(
        "{" ONE("a", "F32", "[2]", "[0,8]") "," ONE("b", "F32", "[1]", "[4,8]") "}", 8,
        SAID("b", "the tensors leave a gap or overlap"));
    check_header(
        "{" ONE("a", "F32", "[1]", "[0,4]") "," ONE("a", "F32", "[1]", "[4,8]") "}", 8,
        "duplicate key: \"a\" is given twice");
    check_header("{\"__metadata__\":7," ONE("a", "F32", "[1]", "[0,4]") "}", 4, NULL);
    check_header(
        "{" ONE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "F32",
                "[1]", "[0,4]") "}",
        4,
        SAID("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
             "the name is too long"));
}

/* A length field that claims more than there is, up to all 64 bits. */
static void test_lengths(void) {
    static const uint64_t lengths[] = {
        3,          SAFETENSORS_HEADER_MAX, SAFETENSORS_HEADER_MAX + 1, UINT64_C(1) << 63,
        UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unsigned char bytes[10] = {[8] = '{', [9] = '}'};
        struct safetensors file;
        struct err e = {0};
        for (size_t b = 0; b < 8; b++)
            bytes[b] = (unsigned char)(lengths[i] >> 8 * b);
        CHECK_SAY(!safetensors_decode(bytes, sizeof bytes, &file, &e), "%llx",
                  (unsigned long long)lengths[i]);
        CHECK(e.kind == ERR_INVALID && strstr(e.text, "a header of "));
    }
}

/* What could not be read back is not written. */
static void test_too_large(void) {
    struct tensor tensor = {.name = "t", .rows_n = 1, .data = floats};
    struct err e = {0};
    size_t n;
    char *document = malloc(SAFETENSORS_HEADER_MAX + 1);
    if (!document)
        abort();
    memset(document, 'x', SAFETENSORS_HEADER_MAX);
    document[SAFETENSORS_HEADER_MAX] = '\0';
    CHECK(!safetensors_encode(&tensor, 1, document, &n, &e));
    CHECK(e.kind == ERR_TOO_LARGE);
    document[SAFETENSORS_HEADER_MAX - 256] = '\0';
    e = (struct err){0};
    void *bytes = safetensors_encode(&tensor, 1, document, &n, &e);
    struct safetensors file;
    CHECK(bytes && safetensors_decode(bytes, n, &file, &e));
    safetensors_free(&file);
    free(bytes);
    free(document);
    struct tensor huge[2] = {{.name = "a", .rows_n = SIZE_MAX / 8, .columns_n = 2},
                             {.name = "b", .rows_n = SIZE_MAX / 4, .columns_n = 4}};
    for (size_t i = 0; i < 2; i++) {
        e = (struct err){0};
        CHECK(!safetensors_encode(&huge[i], 1, NULL, &n, &e) && e.kind == ERR_NO_MEMORY);
    }
}

int main(void) {
    CHECK_RUN(test_round_trip);
    CHECK_RUN(test_format);
    CHECK_RUN(test_no_document);
    CHECK_RUN(test_truncations);
    CHECK_RUN(test_headers);
    CHECK_RUN(test_layouts);
    CHECK_RUN(test_lengths);
    CHECK_RUN(test_too_large);
    return check_done();
}
