#include "api/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

/* A name that looks like the seams of a part's document. */
#define TRICKY ",\"profile\":{,\"shown\":{}}"

static char *part_document(const char *csv) {
    struct err e = {0};
    struct table_sink sink;
    struct reader_options options = READER_OPTIONS_DEFAULT;
    struct profile profile = {0};
    struct text text = {0};
    options.header = 1;
    struct profiler *profiler = profiler_new(&sink, &e);
    struct reader *reader = reader_new(&options, &sink, &e);
    bool ok = profiler && reader && reader_feed(reader, csv, strlen(csv), &e) &&
              reader_end(reader, &e) && profiler_end(profiler, &profile, &e);
    if (CHECK_SAY(ok, "%s %s", e.where, e.text)) {
        struct reader_found found = reader_found(reader);
        dataset_part_encode(&found, &profile, &text);
    }
    profile_free(&profile);
    reader_free(reader);
    profiler_free(profiler);
    return text_take(&text);
}

static void test_part(void) {
    struct err e = {0};
    struct dataset_counts counts;
    struct profile profile;
    char *document =
        part_document("a;\",\"\"profile\"\":{,\"\"shown\"\":{}}\"\n1;x\n2;y\n");
    static const char start[] =
        "{\"format\":\"csv\",\"header\":true,\"delimiter\":\"semicolon\","
        "\"gzipped\":false,\"rows\":2,\"columns\":2,\"shown\":{";
    CHECK_SAY(strncmp(document, start, sizeof start - 1) == 0, "%s", document);
    CHECK(dataset_counts_decode(document, &counts, &e));
    CHECK(counts.rows == 2 && counts.columns == 2);
    if (CHECK_SAY(dataset_profile_decode(document, &profile, &e), "%s", e.text)) {
        CHECK_TEXT(profile.columns[1].name, TRICKY);
        CHECK(profile.rows_n == 2);
        profile_free(&profile);
    }
    document[130] = '\0'; /* as a list has it */
    CHECK(dataset_counts_decode(document, &counts, &e) && counts.columns == 2);
    CHECK(!dataset_profile_decode(document, &profile, &e) && e.kind == ERR_STORAGE);
    free(document);
}

static void test_documents(void) {
    struct err e = {0};
    struct text text = {0};
    char *features = part_document("a,b\n1,2\n"), *targets = part_document("y\n5\n");
    struct dataset_view view = {
        .name = "n",
        .revision = 2,
        .created_ms = 1000,
        .features = {.bytes = 8, .sha256 = "f", .document = features},
        .targets = {.bytes = 4, .sha256 = "t", .document = targets},
    };
    CHECK(dataset_summary_encode(&view, &text, &e));
    char *got = text_take(&text);
    CHECK_TEXT(got,
               "{\"object\":\"dataset\",\"name\":\"n\",\"revision\":2,\"created_at\":"
               "\"1970-01-01T00:00:01.000Z\",\"rows\":1,\"bytes\":12,"
               "\"columns_count\":3,\"parts\":[\"features\",\"targets\"]}");
    free(got);
    text = (struct text){0};
    view.features = (struct dataset_part_view){0};
    CHECK(dataset_document_encode(&view, true, &text, &e));
    got = text_take(&text);
    CHECK_TEXT(
        got,
        "{\"object\":\"dataset\",\"name\":\"n\",\"revision\":2,\"created_at\":"
        "\"1970-01-01T00:00:01.000Z\",\"rows\":1,\"bytes\":4,\"targets\":{\"rows\":1,"
        "\"bytes\":4,\"sha256\":\"t\",\"format\":\"csv\",\"header\":true,"
        "\"delimiter\":\"comma\",\"gzipped\":false,\"columns\":[{\"name\":\"y\","
        "\"type\":\"number\",\"missing\":0,\"min\":5,\"max\":5,\"mean\":5,"
        "\"standard_deviation\":0,\"whole\":true,\"values\":[{\"value\":\"5\","
        "\"count\":1}]}],\"first_rows\":[[5]]}}");
    free(got);
    free(features);
    free(targets);
}

int main(void) {
    CHECK_RUN(test_part);
    CHECK_RUN(test_documents);
    return check_done();
}
