/* The small documents of the Open Inference Protocol: metadata, repository, statistics.
 */
#include "api/oip_metadata.h"
#include "api/oip_repository.h"
#include "api/oip_statistics.h"

#include <string.h>

#include "tests/unit/api/test_encoder.h"
#include "tests/unit/check.h"

static void check_written(struct text *out, const char *want) {
    text_bytes(out, "", 1);
    CHECK_TEXT(out->data, want);
    text_free(out);
}

static void test_server(void) {
    struct text out = {0};
    oip_server_encode("1.2", &out);
    check_written(&out, "{\"name\":\"descentd\",\"version\":\"1.2\",\"extensions\":["
                        "\"binary_tensor_data\",\"classification\",\"model_repository\","
                        "\"statistics\"]}\n");
    oip_health_encode(false, &out);
    check_written(&out, "{\"live\":true}\n");
    oip_health_encode(true, &out);
    check_written(&out, "{\"live\":true,\"ready\":true}\n");
    oip_ready_encode("m", &out);
    check_written(&out, "{\"name\":\"m\",\"ready\":true}\n");
}

static void test_model(void) {
    struct net net = {.inputs_n = 5, .outputs_n = 2};
    struct model model = {.task = TASK_REGRESSION, .net = &net};
    struct text out = {0};
    oip_model_encode(&model, "m", (int64_t[]){12, 3}, 2, &out);
    check_written(&out,
                  "{\"name\":\"m\",\"versions\":[\"3\",\"12\"],\"platform\":\"descentd\","
                  "\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":"
                  "[-1,5]}],\"outputs\":[{\"name\":\"predictions\",\"datatype\":"
                  "\"FP32\",\"shape\":[-1,2]}]}\n");
    model.encoder = encoder_abc();
    oip_model_encode(&model, "m", NULL, 0, &out);
    check_written(&out,
                  "{\"name\":\"m\",\"versions\":[],\"platform\":\"descentd\",\"inputs\":"
                  "[{\"name\":\"a\",\"datatype\":\"FP32\",\"shape\":[-1,1]},{\"name\":"
                  "\"b\",\"datatype\":\"BOOL\",\"shape\":[-1,1]},{\"name\":\"c\","
                  "\"datatype\":\"BYTES\",\"shape\":[-1,1]}],\"outputs\":[{\"name\":"
                  "\"predictions\",\"datatype\":\"FP32\",\"shape\":[-1,2]}]}\n");
    encoder_free(&model.encoder);
}

static void test_index(void) {
    static const struct {
        const char *body;
        bool ok, ready;
    } cases[] = {{"", true, false},
                 {" \r\n", true, false},
                 {"{}", true, false},
                 {"{\"ready\":true}", true, true},
                 {"{\"ready\":\"yes\"}", false, false},
                 {"{\"other\":1}", false, false},
                 {"[]", false, false},
                 {"{", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        bool ready;
        /* A body ends with its block, as one that was received does. */
        size_t n = strlen(cases[i].body);
        char *body = malloc(n + !n);
        if (!body)
            abort();
        memcpy(body, cases[i].body, n);
        CHECK_SAY(oip_index_decode(body, n, &ready, &e) == cases[i].ok, "%s: %s",
                  cases[i].body, e.text);
        free(body);
        CHECK(ready == cases[i].ready);
    }
    struct text out = {0};
    oip_index_entry_encode("m", 4, false, &out);
    oip_index_entry_encode("n", 5, true, &out);
    check_written(
        &out, "{\"name\":\"m\",\"version\":\"4\",\"state\":\"READY\",\"reason\":\"\"},"
              "{\"name\":\"n\",\"version\":\"5\",\"state\":\"UNAVAILABLE\","
              "\"reason\":\"unloaded\"}");
}

static void test_load(void) {
    static const struct {
        const char *body, *where; /* of load; NULL: accepted */
        const char *unload_where;
    } cases[] = {
        {"", NULL, NULL},
        {"{}", NULL, NULL},
        {"{\"parameters\":{}}", NULL, NULL},
        {"{\"parameters\":{\"config\":\"{}\"}}", "/parameters/config",
         "/parameters/config"},
        {"{\"parameters\":{\"unload_dependents\":true}}", "/parameters/unload_dependents",
         NULL},
        {"{\"parameters\":{\"unload_dependents\":2}}", "/parameters/unload_dependents",
         "/parameters/unload_dependents"},
        {"{\"parameters\":[]}", "/parameters", "/parameters"},
        {"{\"x\":1}", "/x", "/x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err load = {0}, unload = {0};
        size_t n = strlen(cases[i].body);
        CHECK_SAY(oip_load_decode(cases[i].body, n, &load) == !cases[i].where, "%s",
                  cases[i].body);
        CHECK_SAY(oip_unload_decode(cases[i].body, n, &unload) == !cases[i].unload_where,
                  "%s", cases[i].body);
        CHECK_TEXT(load.where, cases[i].where ? cases[i].where : "");
        CHECK_TEXT(unload.where, cases[i].unload_where ? cases[i].unload_where : "");
    }
    struct text out = {0};
    oip_loaded_encode("m", "unload", &out);
    check_written(&out, "{\"name\":\"m\",\"unload\":true}\n");
}

static void test_statistics(void) {
    struct oip_batch batches[] = {{1, 2, 3, 4, 5}, {32, 1, 30, 40, 50}};
    struct oip_statistics of = {.name = "m",
                                .version = 3,
                                .last_ms = 1700000000123,
                                .rows_n = 34,
                                .success = {3, 600},
                                .fail = {1, 7},
                                .queue = {4, 8},
                                .batches = batches,
                                .batches_n = 2};
    struct text out = {0};
    oip_statistics_open(&out);
    oip_statistics_encode(&of, &out);
    oip_statistics_close(&out);
#define D(name, count, ns) "\"" name "\":{\"count\":" count ",\"ns\":" ns "}"
    check_written(
        &out, "{\"model_stats\":[{\"name\":\"m\",\"version\":\"3\",\"last_inference\":"
              "1700000000123,\"inference_count\":34,\"execution_count\":3,"
              "\"inference_stats\":{" D("success", "3", "600") "," D("fail", "1", "7") "," D("queue", "4", "8") "," D("compute_input", "3", "33") "," D(
                  "compute_infer", "3",
                  "44") "," D("compute_output", "3",
                              "55") "," D("cache_hit", "0",
                                          "0") "," D("cache_miss", "0",
                                                     "0") "},\"batch_stats\":[{"
                                                          "\"batch_size\":"
                                                          "1," D("compute_input", "2", "3") "," D(
                                                              "compute_infer", "2",
                                                              "4") "," D("compute"
                                                                         "_outpu"
                                                                         "t",
                                                                         "2",
                                                                         "5") "},"
                                                                              "{"
                                                                              "\""
                                                                              "ba"
                                                                              "tc"
                                                                              "h_"
                                                                              "si"
                                                                              "ze"
                                                                              "\""
                                                                              ":3"
                                                                              "2"
                                                                              "," D(
                                                                                  "comput"
                                                                                  "e_"
                                                                                  "input",
                                                                                  "1",
                                                                                  "30") "," D("compute_infer",
                                                                                              "1",
                                                                                              "40") "," D("compute_output",
                                                                                                          "1",
                                                                                                          "50") "}]}]}\n");
}

int main(void) {
    CHECK_RUN(test_server);
    CHECK_RUN(test_model);
    CHECK_RUN(test_index);
    CHECK_RUN(test_load);
    CHECK_RUN(test_statistics);
    return check_done();
}
