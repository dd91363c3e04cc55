/* Models exported as ONNX, in the hands of those who wrote the format: each file passes
 * onnx's own checker (check.py), and onnxruntime (run.js) makes of the same raw rows what
 * the daemon answers. Models trained here, with every kind of output, scaling and column;
 * and every network of tests/golden/onnx.txt, which came in as ONNX.
 *
 * $ONNXRUNTIME is the node_modules folder with onnxruntime-node (make test-onnx). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/http/daemon.h"
#include "tests/http/foreign.h"
#include "tests/http/job.h"
#include "tests/http/upload.h"
#include "tests/unit/check.h"

static const double TOLERANCE = 1e-5;
enum { MODELS_MAX = 256 };

static struct daemon d;
static char folder[80];

/* What was exported, and what the daemon said of its rows. */
static struct one_model {
    char name[64];
    json_t *answer;
    size_t rows_n;
} models[MODELS_MAX];
static size_t models_n;

/* ---- out ------------------------------------------------------------------------- */

static bool file_put(const char *name, const char *ending, const char *bytes, size_t n) {
    char path[192];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, ending);
    return foreign_write(path, bytes, n);
}

/* Lays the model's file beside the rows, and keeps the answer to them. Owns `rows`. */
static void export(const char *name, json_t *rows) {
    struct reply file, answer;
    char *text = json_dumps(rows, JSON_REAL_PRECISION(17));
    client_get(&d.client, &file, "/v1/models/%s/versions/1/export?format=onnx", name);
    client_post_json(&d.client, &answer, "/predict",
                     json_pack("{sssO}", "model", name, "instances", rows));
    if (CHECK_SAY(answer.status == 200, "%s: %ld %s", name, answer.status, answer.body) &&
        CHECK_SAY(file.status == 200, "%s: %ld", name, file.status) &&
        CHECK(models_n < MODELS_MAX) && file_put(name, "onnx", file.body, file.body_n) &&
        file_put(name, "rows", text, strlen(text))) {
        struct one_model *model = &models[models_n++];
        snprintf(model->name, sizeof model->name, "%s", name);
        model->answer = json_incref(answer.json);
        model->rows_n = json_array_size(rows);
    }
    free(text);
    json_decref(rows);
    reply_free(&answer);
    reply_free(&file);
}

/* ---- models trained here --------------------------------------------------------- */

#define FLOWERS                                                                          \
    "[[5.1,3.5,1.4,0.2],[4.9,3.0,1.4,0.2],[7.0,3.2,4.7,1.4],[6.4,3.2,4.5,1.5],"          \
    "[6.3,3.3,6.0,2.5],[5.8,2.7,5.1,1.9]]"
#define DATA(targets) "\"data\":{\"features\":" FLOWERS ",\"targets\":" targets "}"

static const struct {
    const char *name, *rest;
} trained[] = {
    {"classes",
     DATA("[\"a\",\"a\",\"b\",\"b\",\"c\",\"c\"]") ",\"normalize\":\"standard\","
                                                   "\"hidden_layers\":[8,5],"
                                                   "\"activation\":\"tanh\""},
    {"binary", DATA("[true,true,false,false,true,false]") ",\"normalize\":\"minmax\","
                                                          "\"hidden_layers\":[7],"
                                                          "\"activation\":\"relu\""},
    {"logistic", DATA("[0,0,1,1,1,1]") ",\"hidden_layers\":[],\"learning_rate\":0.01"},
    {"lengths",
     DATA("[[1.5,2],[1.4,2.5],[4,3],[4.1,3.5],[6,4],[5,4.5]]") ",\"hidden_layers\":[7],"
                                                               "\"learning_rate\":0.01"},
    {"slopes",
     DATA(
         "[1.5,1.4,4,4.1,6,5]") ",\"learning_rate\":0.001,\"layers\":"
                                "[{\"units\":6,\"activation\":\"leaky_relu\",\"negative_"
                                "slope\":0.2},"
                                "{\"units\":5,\"activation\":\"sigmoid\"},"
                                "{\"units\":3,\"activation\":\"linear\"},{\"units\":1}]"},
    {"labels",
     DATA("[[0,1],[0,0],[1,1],[1,0],[1,1],[0,0]]") ",\"hidden_layers\":[6],"
                                                   "\"task\":\"multi_label\","
                                                   "\"normalize\":\"standard\""},
};

static void test_trained(void) {
    for (size_t i = 0; i < sizeof trained / sizeof *trained; i++) {
        char job[1024];
        snprintf(job, sizeof job, "{\"model\":\"%s\",\"seed\":5,\"epochs\":40,%s}",
                 trained[i].name, trained[i].rest);
        if (job_train(&d.client, json_loads(job, 0, NULL), NULL))
            export(trained[i].name, json_loads(FLOWERS, 0, NULL));
    }
}

#define HOUSES                                                                           \
    "size,town,garden,heating,floor,price\n50.5,Ulm,true,gas,1,120.5\n"                  \
    "60,Bonn,false,,2,150\n80,Ulm,true,oil,1,171.25\n,Kiel,false,gas,3,200\n"            \
    "100,Bonn,,gas,2,261\n120,Ulm,true,oil,1,303.5\n70,Kiel,false,,1,160.75\n"

static void check_table(const char *name, const char *rest, const char *rows) {
    char job[512];
    snprintf(job, sizeof job,
             "{\"model\":\"%s\",\"dataset\":\"houses\",\"seed\":3,\"epochs\":60,%s}",
             name, rest);
    if (job_train(&d.client, json_loads(job, 0, NULL), NULL))
        export(name, json_loads(rows, 0, NULL));
}

/* Missing numbers and booleans go in as NaN and come out as the training mean's; texts as
 * the metadata says; a standardised target comes out in its own unit. */
static void test_tables(void) {
    if (!upload_text(&d.client, "houses", HOUSES))
        return;
    check_table("numbers",
                "\"target\":\"price\",\"task\":\"regression\",\"features\":"
                "[\"size\",\"garden\",\"floor\"]",
                "[[75.5,true,2],[null,null,null],[1e6,false,-3],[null,true,1]]");
    check_table("cells", "\"target\":\"price\",\"task\":\"regression\"",
                "[{\"size\":75.5,\"town\":\"Ulm\",\"garden\":true,\"heating\":\"oil\","
                "\"floor\":1},{\"size\":null,\"town\":\"Rome\",\"garden\":null,"
                "\"heating\":null,\"floor\":2.5},{\"size\":99,\"town\":\"Kiel\","
                "\"garden\":false,\"heating\":\"wood\",\"floor\":null}]");
    check_table("towns", "\"target\":\"town\",\"normalize\":\"minmax\"",
                "[{\"size\":null,\"garden\":true,\"heating\":null,\"floor\":2,"
                "\"price\":180},{\"size\":61,\"garden\":null,\"heating\":\"gas\","
                "\"floor\":1,\"price\":null}]");
}

/* ---- networks that came in as ONNX ------------------------------------------------ */

static size_t hex_read(const char *hex, char *bytes) {
    size_t n = strcspn(hex, "\n") / 2;
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (char)strtoul(pair, NULL, 16);
    }
    return n;
}

static json_t *rows_read(char *line, size_t rows_n, size_t columns_n) {
    json_t *rows = json_array();
    for (size_t i = 0; i < rows_n; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < columns_n; j++)
            json_array_append_new(row, json_real(strtod(line, &line)));
        json_array_append_new(rows, row);
    }
    return rows;
}

static bool import(const char *name, const char *bytes, size_t n) {
    char path[128];
    struct reply reply;
    snprintf(path, sizeof path, "/v1/models/%s/versions", name);
    client_send(
        &d.client,
        &(struct request){.method = "POST", .path = path, .body = bytes, .body_n = n},
        &reply);
    bool ok = reply.status == 201;
    reply_free(&reply);
    return ok;
}

/* Those that are refused have no shape behind their bytes. */
static void test_golden(void) {
    enum { LINE_BYTES_MAX = 1 << 16 };
    static char line[LINE_BYTES_MAX], model[LINE_BYTES_MAX];
    char name[64] = "";
    size_t model_n = 0, rows_n, columns_n, before = models_n;
    FILE *file = fopen("tests/golden/onnx.txt", "r");
    if (!CHECK(file))
        return;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "case %60s", name) == 1)
            continue;
        if (strncmp(line, "model ", 6) == 0)
            model_n = hex_read(line + 6, model);
        else if (sscanf(line, "shape %zu %zu", &rows_n, &columns_n) == 2 &&
                 CHECK(fgets(line, sizeof line, file)) &&
                 CHECK_SAY(import(name, model, model_n), "%s", name))
            export(name, rows_read(line, rows_n, columns_n));
    }
    fclose(file);
    CHECK_SAY(models_n - before > 50, "%zu", models_n - before);
}

/* ---- the others ------------------------------------------------------------------- */

static json_t *said_by(const char *command) {
    char *said = NULL;
    json_t *json = NULL;
    bool ok = foreign_run(command, &said);
    if (CHECK_SAY(ok, "%s: %s", command, said))
        json = json_loads(said, 0, NULL);
    free(said);
    return json;
}

static void check_metadata(const json_t *metadata, const struct one_model *model) {
    const json_t *classes = reply_at(model->answer, "/classes");
    CHECK_SAY(classes ? json_equal(classes, reply_at(metadata, "/classes"))
                      : !reply_at(metadata, "/classes"),
              "%s", model->name);
    CHECK_SAY(*reply_text(metadata, "/task"), "%s", model->name);
}

static void test_others(void) {
    const char *modules = getenv("ONNXRUNTIME");
    char command[512];
    snprintf(command, sizeof command, "/usr/bin/python3 tests/onnx/check.py %s 2>&1",
             folder);
    json_t *facts = said_by(command);
    snprintf(command, sizeof command, "node tests/onnx/run.js %s %s 2>&1",
             modules ? modules : "build/onnxruntime/node_modules", folder);
    json_t *answers = facts ? said_by(command) : NULL;
    for (size_t i = 0; answers && i < models_n; i++) {
        const char *name = models[i].name;
        check_metadata(json_object_get(facts, name), &models[i]);
        printf("%s\n", name);
        foreign_check(json_object_get(answers, name), models[i].answer, models[i].rows_n,
                      TOLERANCE);
    }
    printf("%zu models\n", models_n);
    json_decref(facts);
    json_decref(answers);
}

int main(void) {
    if (!daemon_start(&d, NULL))
        return 1;
    snprintf(folder, sizeof folder, "%s/onnx", d.dir);
    char command[128];
    snprintf(command, sizeof command, "mkdir %s", folder);
    if (system(command) != 0)
        return 1;
    CHECK_RUN(test_trained);
    CHECK_RUN(test_tables);
    CHECK_RUN(test_golden);
    CHECK_RUN(test_others);
    for (size_t i = 0; i < models_n; i++)
        json_decref(models[i].answer);
    snprintf(command, sizeof command, "rm -r %s", folder);
    if (system(command) != 0)
        return 1;
    daemon_close(&d);
    return check_done();
}
