#include "engine/matrix.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include <cblas.h>

#include "engine/kernel.h"
#include "engine/rng.h"

/* A product copies its second operand into the kernel's order whatever the rows of the
 * first: for up to this many rows, vector products, which read it once, are faster. */
enum { VECTOR_ROWS_MAX = 3 };

const char *matrix_blas_name(void) {
    return openblas_get_config();
}

/* A product of `rows` and `columns` with an inner dimension `inner`; at and bt say which
 * operand is stored transposed. */
static void product(CBLAS_TRANSPOSE at, CBLAS_TRANSPOSE bt, size_t rows, size_t columns,
                    size_t inner, const float *A, const float *B, float beta, float *C) {
    assert(rows <= MATRIX_DIMENSION_MAX && columns <= MATRIX_DIMENSION_MAX &&
           inner <= MATRIX_DIMENSION_MAX);
    blasint m = (blasint)rows, n = (blasint)columns, k = (blasint)inner;
    if (!m || !n)
        return;
    cblas_sgemm(CblasRowMajor, at, bt, m, n, k, 1.0f, A, at == CblasNoTrans ? k : m, B,
                bt == CblasNoTrans ? n : k, beta, C, n);
}

/* A row of C at a time: c = B a. Added to zeros, as the library's beta of zero has had
 * more than one meaning for what stood there before. */
static void rows_product(size_t m, size_t n, size_t k, const float *A, const float *B,
                         float *C) {
    assert(n <= MATRIX_DIMENSION_MAX && k <= MATRIX_DIMENSION_MAX);
    if (!m || !n)
        return;
    memset(C, 0, m * n * sizeof *C);
    for (size_t i = 0; i < m && k; i++)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (blasint)n, (blasint)k, 1.0f, B,
                    (blasint)k, A + i * k, 1, 1.0f, C + i * n, 1);
}

void matrix_mul_nt(size_t m, size_t n, size_t k, const float *A, const float *B,
                   float *C) {
    if (m <= VECTOR_ROWS_MAX)
        rows_product(m, n, k, A, B, C);
    else
        product(CblasNoTrans, CblasTrans, m, n, k, A, B, 0.0f, C);
}

void matrix_mul_nn(size_t m, size_t n, size_t k, const float *A, const float *B,
                   float *C) {
    product(CblasNoTrans, CblasNoTrans, m, n, k, A, B, 0.0f, C);
}

void matrix_mul_tn(size_t m, size_t n, size_t k, const float *A, const float *B, float *C,
                   bool accumulate) {
    product(CblasTrans, CblasNoTrans, m, n, k, A, B, accumulate ? 1.0f : 0.0f, C);
}

KERNEL static void row_add(size_t m, size_t n, float *Z, const float *b) {
    for (size_t i = 0; i < m; i++) {
        float *restrict z = Z + i * n;
        for (size_t j = 0; j < n; j++)
            z[j] += b[j];
    }
}

KERNEL static void rows_sum(size_t m, size_t n, const float *D, float *b) {
    for (size_t i = 0; i < m; i++) {
        const float *restrict d = D + i * n;
        for (size_t j = 0; j < n; j++)
            b[j] += d[j];
    }
}

void matrix_add_row(size_t m, size_t n, float *Z, const float *b) {
    row_add(m, n, Z, b);
}

void matrix_sum_rows(size_t m, size_t n, const float *D, float *b, bool accumulate) {
    if (!accumulate)
        memset(b, 0, n * sizeof *b);
    rows_sum(m, n, D, b);
}

/* The self-test: a product of a random shape against the definition. */
enum { TEST_SHAPES_N = 20, TEST_DIMENSION_MAX = 65, TEST_STREAM = 77 };
enum variant {
    VARIANT_NT,
    VARIANT_NT_FEW,
    VARIANT_NN,
    VARIANT_TN,
    VARIANT_TN_ADDED,
    VARIANTS_N
};

struct self_test {
    float A[TEST_DIMENSION_MAX * TEST_DIMENSION_MAX];
    float B[TEST_DIMENSION_MAX * TEST_DIMENSION_MAX];
    float C[TEST_DIMENSION_MAX * TEST_DIMENSION_MAX];
};

static void variant_run(enum variant variant, size_t m, size_t n, size_t k,
                        struct self_test *t) {
    switch (variant) {
    case VARIANT_NT:
    case VARIANT_NT_FEW:
        matrix_mul_nt(m, n, k, t->A, t->B, t->C);
        break;
    case VARIANT_NN:
        matrix_mul_nn(m, n, k, t->A, t->B, t->C);
        break;
    default:
        matrix_mul_tn(m, n, k, t->A, t->B, t->C, variant == VARIANT_TN_ADDED);
    }
}

/* Whether C is the product within the rounding of k additions. */
static bool variant_holds(enum variant variant, size_t m, size_t n, size_t k,
                          const struct self_test *t) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = variant == VARIANT_TN_ADDED ? 1.0 : 0.0;
            for (size_t l = 0; l < k; l++) {
                double a = t->A[variant >= VARIANT_TN ? l * m + i : i * k + l];
                double b = t->B[variant <= VARIANT_NT_FEW ? j * k + l : l * n + j];
                sum += a * b;
            }
            if (!(fabs((double)t->C[i * n + j] - sum) <= 1e-6 * (double)(k + 1)))
                return false;
        }
    return true;
}

static bool self_test(enum variant variant, uint64_t shape, struct self_test *t,
                      struct err *e) {
    const size_t count = sizeof t->A / sizeof *t->A;
    uint64_t stream = TEST_STREAM + shape * 2;
    uint32_t words[4];
    rng_block(variant, stream, UINT64_MAX, words);
    size_t m = 1 + words[0] % TEST_DIMENSION_MAX, n = 1 + words[1] % TEST_DIMENSION_MAX,
           k = 1 + words[2] % TEST_DIMENSION_MAX;
    if (variant == VARIANT_NT_FEW)
        m = 1 + m % VECTOR_ROWS_MAX;
    rng_uniform(variant, stream, t->A, count);
    rng_uniform(variant, stream + 1, t->B, count);
    for (size_t i = 0; i < count; i++)
        t->C[i] = 1.0f;
    variant_run(variant, m, n, k, t);
    if (variant_holds(variant, m, n, k, t))
        return true;
    return err_set(
        e, ERR_INTERNAL, NULL,
        "OpenBLAS multiplies %zux%zux%zu matrices wrongly on this machine (%s): "
        "try another kernel by OPENBLAS_CORETYPE",
        m, n, k, matrix_blas_name());
}

/* OpenBLAS asks for a buffer for ever where there is no room for it. Of the usual build
 * (x86-64, for all its processors) two were seen to be wanted here: a probe, no more. */
static bool buffers_fit(struct err *e) {
    enum { BUFFERS_N = 2, BUFFER_BYTES = (128 << 20) + (64 << 10) };
    void *buffers[BUFFERS_N];
    size_t n = 0;
    for (bool fits = true; n < BUFFERS_N && fits; n += fits) {
        buffers[n] = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        fits = buffers[n] != MAP_FAILED;
    }
    for (size_t i = 0; i < n; i++)
        munmap(buffers[i], BUFFER_BYTES);
    return n == BUFFERS_N ||
           err_set(
               e, ERR_NO_MEMORY, NULL,
               "OpenBLAS wants %d MiB of address space, and there is no room for them",
               BUFFERS_N * (BUFFER_BYTES >> 20));
}

bool matrix_start(struct err *e) {
    const char *name = matrix_blas_name();
    if (!strstr(name, "OpenBLAS"))
        return err_set(e, ERR_INTERNAL, NULL, "the BLAS library is \"%s\", not OpenBLAS",
                       name);
    if (openblas_get_parallel() != OPENBLAS_THREAD)
        return err_set(e, ERR_INTERNAL, NULL,
                       "this OpenBLAS (%s) is not the build with pthreads", name);
    openblas_set_num_threads(1);
    if (!buffers_fit(e))
        return false;
    struct self_test t;
    for (enum variant variant = 0; variant < VARIANTS_N; variant++)
        for (uint64_t shape = 0; shape < TEST_SHAPES_N; shape++)
            if (!self_test(variant, shape, &t, e))
                return false;
    return true;
}
