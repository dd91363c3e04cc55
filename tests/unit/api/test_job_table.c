#include "api/job_table.h"

#include <stdio.h>

#include "tests/unit/api/test_table.h"

#define CSV                                                                              \
    "a,colour,ok,y\n1,red,true,1\n2.5,\"b,\"\"l\"\"\",false,0\n,red,,1\n4,red,true,0\n"

static bool is_use(const struct job_table *t, const char *uses) {
    bool same = t->columns_n == strlen(uses);
    for (size_t i = 0; same && i < t->columns_n; i++)
        same = "-ft"[t->columns[i].use] == uses[i];
    return same;
}

static void check_uses(const char *rest, const char *uses) {
    char job[512];
    struct err e = {0};
    struct job_request r;
    snprintf(job, sizeof job, "{\"model\":\"m\",\"dataset\":\"d\"%s}", rest);
    bool ok = table_job(CSV, NULL, job, &r, &e);
    CHECK_SAY(ok && is_use(&r.spec.table, uses), "%s: %s %s", rest, e.where, e.text);
    job_request_free(&r);
}

static void test_uses(void) {
    check_uses(",\"target\":\"y\"", "ffft");
    check_uses(",\"target\":\"colour\"", "ftff");
    check_uses(",\"target\":\"y\",\"exclude\":[\"a\"]", "-fft");
    check_uses(",\"target\":\"y\",\"exclude\":[\"y\"]", "ffft");
    check_uses(",\"target\":\"y\",\"features\":[\"ok\",\"a\"],\"exclude\":[\"a\"]",
               "--ft");
    check_uses(",\"response_column\":\"y\",\"ignored_columns\":[\"ok\"]", "ff-t");
}

static void check_refused(const char *csv, const char *rest, const char *where,
                          const char *part) {
    char job[512];
    struct err e = {0};
    struct job_request r;
    snprintf(job, sizeof job, "{\"model\":\"m\",\"dataset\":\"d\"%s}", rest);
    CHECK_SAY(!table_job(csv, NULL, job, &r, &e) && strcmp(e.where, where) == 0 &&
                  strstr(e.text, part),
              "%s: %s %s", rest, e.where, e.text);
    job_request_free(&r);
}

static void test_refusals(void) {
    check_refused(CSV, "", "/target", "is missing");
    check_refused(CSV, ",\"target\":7", "/target", "");
    check_refused(CSV, ",\"target\":\"ok\"", "/target", "missing in 1 of 4 rows");
    check_refused(CSV, ",\"target\":\"z\"", "/target", "no column \"z\"");
    check_refused(CSV, ",\"target\":\"y\",\"features\":\"a\"", "/features", "an array");
    check_refused(CSV, ",\"target\":\"y\",\"features\":[\"a\",7]", "/features/1", "");
    check_refused(CSV, ",\"target\":\"y\",\"features\":[\"y\"]", "/features/0",
                  "is the target");
    check_refused(CSV, ",\"target\":\"y\",\"features\":[\"a\",\"ok\",\"a\"]",
                  "/features/2", "\"a\" is given twice");
    check_refused(CSV, ",\"target\":\"y\",\"exclude\":[\"a\",\"z\"]", "/exclude/1", "z");
    check_refused(CSV, ",\"target\":\"y\",\"missing_values\":\"error\"",
                  "/missing_values", "\"a\" is missing in 1 rows");
    check_refused(CSV, ",\"target\":\"y\",\"missing_values\":\"zero\"", "/missing_values",
                  "");
    check_refused(CSV, ",\"target\":\"y\",\"validation_split\":1", "/validation_split",
                  "");
    check_refused("a,y\n1,k\n2,l\n3,m\n", ",\"target\":\"y\",\"validation_split\":0.5",
                  "/validation_split", "no class has the two rows");
    check_refused("a,y\n1,true\n2,false\n", ",\"target\":\"y\",\"validation_split\":0.5",
                  "/validation_split", "no class has the two rows");
    check_refused("a,y\n1,k\n2,k\n", ",\"target\":\"y\"", "/target", "");
    check_refused("a,y\n1,1.5\n2,2.5\n",
                  ",\"target\":\"y\",\"class_weight\":\"balanced\"", "/class_weight",
                  "no classes");
    check_refused("a,y\n1,7.25\n2,3\n", ",\"target\":\"y\",\"task\":\"multi_class\"",
                  "/target", "\"y\" has numbers that are not whole");
    check_refused("a,y\n1,1.5\n2,-1e39\n", ",\"target\":\"y\"", "/target", "-1e+39");
    check_refused("a,y\n-1e39,1\n2,0\n", ",\"target\":\"y\"", "/features", "-1e+39");
    check_refused("a,b,y\n1,2,1\n2,4,0\n", ",\"target\":\"y\",\"layers_dims\":[3,2,1]",
                  "/layers_dims/0", "expected 2");
    check_refused("a,b,y\n1,u,1\n2,v,0\n3,u,0\n",
                  ",\"target\":\"y\",\"layers_dims\":[3,2,1]", "/layers_dims/0", "\"b\"");
    check_refused("a,y\n1,k\n1,l\n", ",\"target\":\"y\"", "/features", "no column");
}

/* More labels than are told apart in a dataset's document. */
static void test_too_many_numbers(void) {
    static char csv[1 << 14] = "a,y\n";
    size_t n = strlen(csv);
    for (int i = 0; i <= PROFILE_VALUES_MAX; i++)
        n += (size_t)snprintf(csv + n, sizeof csv - n, "%d,%d\n", i % 7, 3 * i);
    check_refused(csv, ",\"target\":\"y\",\"task\":\"multi_class\"", "/target",
                  "\"y\" has more than 1000 different numbers");
}

static void check_apart(const char *targets, const char *target, const char *where) {
    char job[128];
    struct err e = {0};
    struct job_request r;
    snprintf(job, sizeof job, "{\"model\":\"m\",\"dataset\":\"d\"%s}", target);
    bool ok = table_job("a\n1\n2\n", targets, job, &r, &e);
    CHECK_SAY(ok == !*where && strcmp(e.where, where) == 0, "%s: %s %s", target, e.where,
              e.text);
    job_request_free(&r);
}

static void test_targets_apart(void) {
    check_apart("y\n5\n6\n", "", "");
    check_apart("y\n5\n6\n", ",\"target\":\"y\"", "");
    check_apart("y\n5\n6\n", ",\"target\":\"a\"", "/target");
    check_apart("y\n5\n", "", "/dataset");
    check_apart("y,z\n5,6\n6,7\n", "", "/dataset");
}

/* What stands in the job's document is what was decoded. */
static void check_round(const char *csv, const char *targets, const char *job) {
    struct err e = {0};
    struct job_request r;
    struct job_spec back = {0};
    struct text text = {0}, again = {0};
    if (CHECK_SAY(table_job(csv, targets, job, &r, &e), "%s %s", e.where, e.text)) {
        job_spec_encode(&r.spec, &text);
        char *one = text_take(&text);
        if (CHECK_SAY(job_spec_decode(one, &back, NULL, &e), "%s %s", e.where, e.text)) {
            job_spec_encode(&back, &again);
            char *two = text_take(&again);
            CHECK_TEXT(two, one);
            free(two);
            CHECK_TEXT(back.table.dataset, "d");
            CHECK(back.table.revision == 3 && back.table.rows_n == r.spec.samples_n);
            CHECK(back.table.columns_n == r.spec.table.columns_n);
            CHECK_TEXT(job_table_target(&back.table)->name,
                       job_table_target(&r.spec.table)->name);
            CHECK(back.table.source.format == TABLE_CSV && back.table.source.header &&
                  back.table.source.delimiter == ',');
            CHECK(back.table.targets_apart == (targets != NULL));
            CHECK(back.table.validation_split == r.spec.table.validation_split);
            CHECK(back.class_weight.kind == r.spec.class_weight.kind);
            CHECK(back.table.scale_target == r.spec.table.scale_target);
            job_spec_free(&back);
        }
        free(one);
    }
    job_request_free(&r);
}

static void test_round_trip(void) {
    check_round(CSV, NULL,
                "{\"model\":\"m\",\"dataset\":\"d\",\"target\":\"y\",\"exclude\":[\"a\"],"
                "\"validation_split\":0.25,\"class_weight\":\"balanced\"}");
    check_round(CSV, NULL,
                "{\"model\":\"m\",\"dataset\":\"d\",\"target\":\"y\","
                "\"class_weight\":{\"1.0\":2.5}}");
    check_round("a,\"b \"\"c\"\"\"\n1,0.5\n2,1.5\n", NULL,
                "{\"model\":\"m\",\"dataset\":\"d\",\"target\":\"b \\\"c\\\"\"}");
    check_round("a,b\n1,0.5\n2,1.5\n", "t\nx\ny\n",
                "{\"model\":\"m\",\"dataset\":\"d\",\"missing_values\":\"error\"}");
}

/* A damaged store is refused, not believed. */
static void test_damaged(void) {
    struct err e = {0};
    struct job_request r;
    struct text text = {0};
    if (!CHECK(table_job(CSV, NULL,
                         "{\"model\":\"m\",\"dataset\":\"d\",\"target\":\"y\"}", &r, &e)))
        return;
    job_spec_encode(&r.spec, &text);
    char *json = text_take(&text);
    static const char *const damages[] = {"\"use\":\"target\"", "\"type\":\"boolean\"",
                                          "\"format\":\"csv\"", "\"columns\":"};
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct job_spec back = {0};
        char *copy = strdup(json), *at = strstr(copy, damages[i]);
        if (!CHECK(at != NULL))
            abort();
        at[strlen(damages[i]) - 3] ^= 1;
        CHECK_SAY(!job_spec_decode(copy, &back, NULL, &e), "%s", damages[i]);
        job_spec_free(&back);
        e = (struct err){0};
        free(copy);
    }
    free(json);
    job_request_free(&r);
}

static void check_warned(const char *csv, const char *warnings) {
    struct err e = {0};
    struct job_request r;
    CHECK_SAY(table_job(csv, NULL, "{\"model\":\"m\",\"dataset\":\"d\",\"target\":\"y\"}",
                        &r, &e),
              "%s %s", e.where, e.text);
    CHECK_TEXT(r.spec.table.warnings ? r.spec.table.warnings : "none", warnings);
    job_request_free(&r);
}

static void test_warnings(void) {
    check_warned("a,y\n1,p\n2,q\n3,p\n", "none");
    check_warned("a,b,y\n1,k,p\n2,k,q\n3,k,p\n",
                 "[\"column \\\"b\\\" is constant: left out\"]");
    check_warned("a,b,y\n1,,p\n2,,q\n3,,p\n",
                 "[\"column \\\"b\\\" is empty: left out\"]");
    check_warned(
        "a,b,y\n1,u,p\n2,v,q\n3,u,p\n",
        "[\"column \\\"b\\\" seems to repeat the target: exclude it unless it is "
        "known when predicting\"]");
    char csv[1024] = "id,a,y\n", *at = csv + strlen(csv);
    for (int i = 0; i < 21; i++)
        at += sprintf(at, "%d,%d,%s\n", 21 - i, i % 5, i % 2 ? "p" : "q");
    check_warned(csv, "[\"column \\\"id\\\" counts the rows, like an id\"]");
    memcpy(csv + 7, "22", 2); /* a gap: not the rows' count */
    check_warned(csv, "none");
    check_warned("a,y\n1.5,0.25\n2.5,3\n7,1.5\n3,-1\n", "none"); /* each once */
    check_warned(
        "a,y\n1.5,1.5\n2.5,2.5\n7,7\n3,3\n",
        "[\"column \\\"a\\\" seems to repeat the target: exclude it unless it is "
        "known when predicting\"]");
    check_warned(",a,y\n0,3,p\n1,4,q\n2,3,p\n3,1,q\n",
                 "[\"column \\\"Unnamed: 0\\\" has no name and is different in every "
                 "row, like an index: left out\"]");
    check_warned(
        ",a,y\n9,3,p\n1,4,q\n4,3,p\n2,1,q\n",
        "[\"column \\\"Unnamed: 0\\\" has no name and is different in every row, like "
        "an index: left out\"]");
    check_warned(",a,y\n0,3,p\n1,4,q\n3,3,p\n2.5,1,q\n", "none");
    check_warned(",a,y\n0,3,p\n1,4,q\n3,3,p\n0,1,q\n", "none");
    /* Texts that are numbers to people, as a feature and as the target. */
    at = csv + sprintf(csv, "a,n,y\n");
    for (int i = 0; i < 30; i++)
        at += sprintf(at, "%d,\"%d,%d\",%d %%\n", i % 7, i % 15, i % 5, i % 14);
    check_warned(
        csv, "[\"column \\\"n\\\" holds texts that look like numbers, as \\\"0,0\\\": "
             "each is a category of its own here. Numbers are written as 1234.5, in "
             "JSON without quotes\",\"column \\\"y\\\" holds texts that look like "
             "numbers, as \\\"0 %\\\": each is a category of its own here. Numbers are "
             "written as 1234.5, in JSON without quotes\"]");
    at = csv + sprintf(csv, "a,n,y\n");
    for (int i = 0; i < 30; i++)
        at += sprintf(at, "%d,%d-%d,%c\n", i % 7, i % 15, i % 5, "pq"[i % 2]);
    check_warned(csv, "none");
    at = csv + sprintf(csv, "a,n,y\n"); /* addresses, dates, thousands */
    for (int i = 0; i < 30; i++)
        at += sprintf(at, "%d,10.0.%d.%d,%c\n", i % 7, i % 15, i % 5, "pq"[i % 2]);
    check_warned(csv, "none");
    at = csv + sprintf(csv, "a,n,y\n");
    for (int i = 0; i < 30; i++)
        at +=
            sprintf(at, "%d,1.%d.%d,%c\n", i % 7, 100 + i % 15, 200 + i % 5, "pq"[i % 2]);
    struct err e = {0};
    struct job_request r;
    CHECK(table_job(csv, NULL, "{\"model\":\"m\",\"dataset\":\"d\",\"target\":\"y\"}", &r,
                    &e));
    CHECK(r.spec.table.warnings &&
          strstr(r.spec.table.warnings, "as \\\"1.100.200\\\":"));
    job_request_free(&r);
}

int main(void) {
    CHECK_RUN(test_uses);
    CHECK_RUN(test_refusals);
    CHECK_RUN(test_too_many_numbers);
    CHECK_RUN(test_targets_apart);
    CHECK_RUN(test_round_trip);
    CHECK_RUN(test_damaged);
    CHECK_RUN(test_warnings);
    return check_done();
}
