/* A model exported as safetensors, read and run by a program that shares nothing with us:
 * read_safetensors.py, which checks the file against the format's description and
 * predicts in float64. What it says is what the daemon answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/http/daemon.h"
#include "tests/http/foreign.h"
#include "tests/http/job.h"
#include "tests/unit/check.h"

static struct daemon d;

/* float32 through two layers, beside float64. */
static const double TOLERANCE = 1e-6;

/* Runs the other reader on a file and rows (JSON). @return whether it took them; *said is
 * what it printed. */
static bool reader_run(const char *bytes, size_t n, const char *rows, char **said) {
    char file[96], rows_file[96], command[320];
    snprintf(file, sizeof file, "%s/model", d.dir);
    snprintf(rows_file, sizeof rows_file, "%s/rows", d.dir);
    snprintf(command, sizeof command, "python3 tests/http/read_safetensors.py %s %s 2>&1",
             file, rows_file);
    *said = NULL;
    bool ok = foreign_write(file, bytes, n) &&
              foreign_write(rows_file, rows, strlen(rows)) && foreign_run(command, said);
    unlink(file);
    unlink(rows_file);
    return ok;
}

/* One model, both ways. `rows` is a JSON array of rows_n instances. */
static void check_model(const char *model, const char *rows, size_t rows_n) {
    struct reply file, answer;
    char body[2048], *said = NULL;
    client_get(&d.client, &file, "/v1/models/%s/versions/1/export?format=safetensors",
               model);
    snprintf(body, sizeof body, "{\"model\":\"%s\",\"instances\":%s}", model, rows);
    client_post(&d.client, &answer, "/predict", body);
    bool ok = CHECK(file.status == 200) &&
              CHECK_SAY(answer.status == 200, "%ld %s", answer.status, answer.body) &&
              reader_run(file.body, file.body_n, rows, &said);
    if (CHECK_SAY(ok, "%s: %s", model, said ? said : "")) {
        json_t *wanted = json_loads(said, 0, NULL);
        foreign_check(wanted, answer.json, rows_n, TOLERANCE);
        json_decref(wanted);
    }
    free(said);
    reply_free(&answer);
    reply_free(&file);
}

/* ---- models ---------------------------------------------------------------------- */

static bool train(const char *job) {
    return job_train(&d.client, json_loads(job, 0, NULL), NULL);
}

#define FLOWERS                                                                          \
    "[[5.1,3.5,1.4,0.2],[4.9,3.0,1.4,0.2],[7.0,3.2,4.7,1.4],[6.4,3.2,4.5,1.5],"          \
    "[6.3,3.3,6.0,2.5],[5.8,2.7,5.1,1.9]]"

static void test_classes(void) {
    if (train("{\"model\":\"flowers\",\"data\":{\"features\":" FLOWERS ",\"targets\":"
              "[\"a\",\"a\",\"b\",\"b\",\"c\",\"c\"]},\"hidden_layers\":[8,5],"
              "\"activation\":\"tanh\",\"normalize\":\"standard\",\"seed\":1}"))
        check_model("flowers", FLOWERS, 6);
}

static void test_regression(void) {
    if (train("{\"model\":\"lengths\",\"data\":{\"features\":" FLOWERS ",\"targets\":"
              "[[1.5,2],[1.4,2.5],[4,3],[4.1,3.5],[6,4],[5,4.5]]},\"hidden_layers\":[7],"
              "\"activation\":\"relu\",\"learning_rate\":0.01,\"seed\":2}"))
        check_model("lengths", FLOWERS, 6);
}

static bool table_put(const char *name, const char *csv) {
    char path[64];
    snprintf(path, sizeof path, "/v1/datasets/%s", name);
    static const char *const types[] = {"Content-Type: text/csv", NULL};
    struct request request = {.method = "PUT",
                              .path = path,
                              .headers = types,
                              .body = csv,
                              .body_n = strlen(csv)};
    struct reply reply;
    client_send(&d.client, &request, &reply);
    bool ok = CHECK_SAY(reply.status == 201, "%ld %s", reply.status, reply.body);
    reply_free(&reply);
    return ok;
}

/* Numbers and texts with holes, a boolean, and a standardised target. */
static void test_table(void) {
    static const char csv[] = "size,town,garden,heating,price\n"
                              "50.5,Ulm,true,gas,120.5\n60,Bonn,false,,150\n"
                              "80,Ulm,true,oil,171.25\n,Kiel,false,gas,200\n"
                              "100,Bonn,true,gas,261\n120,Ulm,true,oil,303.5\n"
                              "70,Kiel,false,,160.75\n";
    static const char rows[] =
        "[{\"size\":75.5,\"town\":\"Ulm\",\"garden\":true,\"heating\":\"oil\"},"
        "{\"size\":null,\"town\":\"Rome\",\"garden\":null,\"heating\":null},"
        "{\"size\":99,\"town\":\"Kiel\",\"garden\":false,\"heating\":\"wood\"}]";
    if (!table_put("houses", csv))
        return;
    if (train("{\"model\":\"price\",\"dataset\":\"houses\",\"target\":\"price\","
              "\"task\":\"regression\",\"seed\":3}"))
        check_model("price", rows, 3);
    if (train("{\"model\":\"garden\",\"dataset\":\"houses\",\"target\":\"garden\","
              "\"exclude\":[\"price\"],\"seed\":4}"))
        check_model("garden",
                    "[{\"size\":75.5,\"town\":\"Ulm\",\"heating\":\"oil\"},"
                    "{\"size\":61,\"town\":\"Bonn\",\"heating\":null}]",
                    2);
}

/* The reader can tell a good file from one with a hole. */
static void test_hole(void) {
    static const char header[] = "{\"0.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],"
                                 "\"data_offsets\":[4,8]}}         ";
    char bytes[8 + sizeof header - 1 + 8] = {(char)(sizeof header - 1)};
    char *said = NULL;
    memcpy(bytes + 8, header, sizeof header - 1);
    CHECK(!reader_run(bytes, sizeof bytes, "[]", &said));
    CHECK_SAY(said && strstr(said, "0.weight begins at 4"), "%s", said);
    free(said);
}

int main(void) {
    if (!daemon_start(&d, NULL))
        return 1;
    CHECK_RUN(test_classes);
    CHECK_RUN(test_regression);
    CHECK_RUN(test_table);
    CHECK_RUN(test_hole);
    daemon_close(&d);
    return check_done();
}
