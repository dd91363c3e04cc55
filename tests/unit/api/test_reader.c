/* Formats by name and by first bytes, gzip and its limits, and sinks that end the
 * reading. */
#include "api/reader.h"

#include <stdio.h>

#include <zlib.h>

#include "tests/unit/api/test_reader.h"

static void test_content_types(void) {
    CHECK(reader_format_of("text/csv") == TABLE_CSV);
    CHECK(reader_format_of("Text/CSV; charset=utf-8") == TABLE_CSV);
    CHECK(reader_format_of("text/tab-separated-values") == TABLE_CSV);
    CHECK(reader_format_of("application/json;charset=utf-8") == TABLE_JSON);
    CHECK(reader_format_of("application/x-ndjson") == TABLE_JSON_LINES);
    CHECK(reader_format_of("application/jsonl") == TABLE_JSON_LINES);
    CHECK(reader_format_of("application/x-npy") == TABLE_NPY);
    CHECK(reader_format_of("application/octet-stream") == TABLE_AUTO);
    CHECK(reader_format_of("application/gzip") == TABLE_AUTO);
    CHECK(reader_format_of("text/csvx") == TABLE_AUTO);
    CHECK(reader_format_of("") == TABLE_AUTO);
    CHECK(reader_format_of(NULL) == TABLE_AUTO);
    CHECK_TEXT(reader_format_name(TABLE_CSV), "csv");
    CHECK_TEXT(reader_format_name(TABLE_JSON_LINES), "jsonl");
}

static enum table_format sniffed(const char *bytes, size_t n) {
    struct text out = {0};
    const struct table_sink sink = {
        .columns = note_columns, .row = note_row, .context = &out};
    struct err e = {0};
    struct reader *r = reader_new(&DEFAULTS, &sink, &e);
    bool ok = r && reader_feed(r, bytes, n, &e) && reader_end(r, &e);
    enum table_format format = r ? reader_found(r).format : TABLE_AUTO;
    (void)ok; /* a beginning is enough to tell */
    reader_free(r);
    text_free(&out);
    return format;
}

static void test_sniffed(void) {
    CHECK(sniffed("a,b\n1,2\n", 8) == TABLE_CSV);
    CHECK(sniffed("\xef\xbb\xbf [[1]]", 9) == TABLE_JSON);
    CHECK(sniffed("  [ {", 5) == TABLE_JSON);
    CHECK(sniffed("[", 1) == TABLE_JSON);
    CHECK(sniffed("[1,2]\n", 6) == TABLE_JSON_LINES);
    CHECK(sniffed("{\"a\":1}", 7) == TABLE_JSON_LINES);
    CHECK(sniffed("{a},b\n", 6) == TABLE_CSV);
    CHECK(sniffed("\x93NUMPY", 6) == TABLE_NPY);
    CHECK(sniffed("\0\0\x08\1", 4) == TABLE_IDX);
}

/* The text as one gzip member; free() it. */
static char *gzipped(const char *text, size_t text_n, size_t *n) {
    z_stream z = {0};
    size_t max = text_n + 256;
    char *out = malloc(max);
    if (!out ||
        deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    z.next_in = (unsigned char *)(uintptr_t)text;
    z.avail_in = (uInt)text_n;
    z.next_out = (unsigned char *)out;
    z.avail_out = (uInt)max;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    *n = max - z.avail_out;
    deflateEnd(&z);
    return out;
}

static const char TABLE[] = "a,b\n1,x\n2,y\n";
static const char NOTES[] = "[2] a b\n2: 1(1) 'x'\n3: 2(2) 'y'\n";

static void test_gzip(void) {
    size_t n, second_n;
    char *gz = gzipped(TABLE, sizeof TABLE - 1, &n);
    check_read_as(gz, n, &DEFAULTS, NOTES);
    /* Cut anywhere, it is refused, once two bytes say that it is gzip. */
    for (size_t cut = 2; cut < n; cut++) {
        struct err e;
        char *got = read_notes(gz, cut, &DEFAULTS, CUT_WHOLE, &e);
        CHECK_SAY(strstr(got, "! "), "%zu bytes: %s", cut, got);
        CHECK(e.kind == ERR_INVALID);
        free(got);
    }
    gz[n - 1] ^= 1;
    char *got = read_notes(gz, n, &DEFAULTS, CUT_BYTES, NULL);
    CHECK_SAY(strstr(got, "incorrect length check"), "%s", got);
    free(got);
    gz[n - 1] ^= 1;
    char *twice = gzipped(gz, n, &second_n);
    check_refused(twice, second_n, ERR_INVALID, "! : the file is gzipped twice\n");
    free(twice);
    free(gz);
}

/* Members one behind another are one file; anything else behind is refused. */
static void test_gzip_members(void) {
    size_t n, second_n;
    char *gz = gzipped(TABLE, 5, &n);
    char *second = gzipped(TABLE + 5, sizeof TABLE - 6, &second_n);
    char file[512];
    memcpy(file, gz, n);
    memcpy(file + n, second, second_n);
    check_read_as(file, n + second_n, &DEFAULTS, NOTES);
    file[n + second_n] = 'x';
    char *got = read_notes(file, n + second_n + 1, &DEFAULTS, 7, NULL);
    CHECK_SAY(strstr(got, "! : "), "%s", got);
    free(got);
    free(gz);
    free(second);
}

/* What is no table's file says what it is, however it is cut. */
static void test_foreign(void) {
    static const struct {
        const char *bytes;
        size_t n;
        const char *says;
    } all[] = {
        {"PK\x03\x04\x14\0\x06\0\b\0", 10, "this is a zip archive"},
        {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, "this is an Office document"},
        {"PAR1\x15\x04\x15\x10", 8, "this is a Parquet file"},
        {"\xff\xfe"
         "a\0,\0b\0",
         8, "this is UTF-16"},
        {"--xyz\r\nContent-Disposition: form-data; name=f\r\n\r\na,b\r\n1,2\r\n", 59,
         "this is a form"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (unsigned cut = 0; cut < 4; cut++) {
            struct err e;
            char *got = read_notes(all[i].bytes, all[i].n, &DEFAULTS, cut, &e);
            CHECK_SAY(strncmp(got, "! : ", 4) == 0 && strstr(got, all[i].says) == got + 4,
                      "cut %u: %s", cut, got);
            CHECK(e.kind == ERR_INVALID);
            free(got);
        }
    check_read_as("PK,b\n1,2\n", 9, &DEFAULTS, "[2] PK b\n2: 1(1) 2(2)\n");
    check_read_as("--,b\n1,2\n", 9, &DEFAULTS, "[2] -- b\n2: 1(1) 2(2)\n");
    check_read_as("PAR1,b\n1,2\n", 11, &DEFAULTS, "[2] PAR1 b\n2: 1(1) 2(2)\n");
}

static bool drop_columns(void *context, const char *const *names, size_t n,
                         struct err *e) {
    (void)context;
    (void)names;
    (void)n;
    (void)e;
    return true;
}

static bool drop_row(void *context, const struct cell *cells, size_t n, size_t line,
                     struct err *e) {
    (void)context;
    (void)cells;
    (void)n;
    (void)line;
    (void)e;
    return true;
}

static struct err bomb_error(const struct reader_options *options, size_t cut_n) {
    enum { BYTES = 4 << 20 };
    char *zeros = malloc(BYTES);
    struct err e = {0};
    size_t n;
    if (!zeros)
        abort();
    for (size_t i = 0; i < BYTES; i += 2)
        memcpy(zeros + i, "0\n", 2);
    char *gz = gzipped(zeros, BYTES, &n);
    const struct table_sink sink = {
        .columns = drop_columns, .row = drop_row, .context = NULL};
    struct reader *r = reader_new(options, &sink, &e);
    bool ok = r != NULL;
    for (size_t at = 0; ok && at < n; at += cut_n)
        ok = piece_feed(r, gz + at, n - at < cut_n ? n - at : cut_n, &e);
    ok = ok && reader_end(r, &e);
    CHECK(ok == (e.kind == ERR_NONE));
    reader_free(r);
    free(gz);
    free(zeros);
    return e;
}

static void test_bombs(void) {
    struct reader_options o = READER_OPTIONS_DEFAULT;
    for (size_t cut_n = 1; cut_n <= 4096; cut_n *= 64) {
        struct err e = bomb_error(&o, cut_n);
        CHECK(e.kind == ERR_TOO_LARGE);
        CHECK_TEXT(e.text, "the file inflates to more than 200 times its size");
    }
    o.ratio_max = 2000;
    CHECK(bomb_error(&o, 4096).kind == ERR_NONE);
    o.inflated_max = (4 << 20) - 1;
    struct err e = bomb_error(&o, 4096);
    CHECK(e.kind == ERR_TOO_LARGE);
    CHECK_TEXT(e.text, "the file inflates to more than 4194303 bytes");
    o.inflated_max = 4 << 20;
    CHECK(bomb_error(&o, 4096).kind == ERR_NONE);
}

static bool refuse_columns(void *context, const char *const *names, size_t n,
                           struct err *e) {
    (void)context;
    (void)names;
    return err_set(e, ERR_CONFLICT, "there", "%zu columns", n);
}

static bool refuse_row(void *context, const struct cell *cells, size_t n, size_t line,
                       struct err *e) {
    (void)context;
    (void)cells;
    (void)n;
    return err_set(e, ERR_CANCELLED, NULL, "line %zu", line);
}

static void check_sink_ends(const char *bytes, size_t n, bool at_columns) {
    struct text out = {0};
    struct err e = {0};
    const struct table_sink sink = {.columns = at_columns ? refuse_columns : note_columns,
                                    .row = refuse_row,
                                    .context = &out};
    struct reader *r = reader_new(&DEFAULTS, &sink, &e);
    CHECK(r && !(reader_feed(r, bytes, n, &e) && reader_end(r, &e)));
    CHECK(e.kind == (at_columns ? ERR_CONFLICT : ERR_CANCELLED));
    reader_free(r);
    text_free(&out);
}

static void test_sink_ends(void) {
    static const char csv[] = "a,b\n1,2\n", json[] = "[[1]]",
                      idx[] = "\0\0\x08\1\0\0\0\1\1";
    for (int at_columns = 0; at_columns < 2; at_columns++) {
        check_sink_ends(csv, sizeof csv - 1, at_columns);
        check_sink_ends(json, sizeof json - 1, at_columns);
        check_sink_ends(idx, sizeof idx - 1, at_columns);
    }
}

int main(void) {
    CHECK_RUN(test_content_types);
    CHECK_RUN(test_sniffed);
    CHECK_RUN(test_gzip);
    CHECK_RUN(test_gzip_members);
    CHECK_RUN(test_foreign);
    CHECK_RUN(test_bombs);
    CHECK_RUN(test_sink_ends);
    return check_done();
}
