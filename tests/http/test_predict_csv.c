/* Tables as files go to /predict as they are, and answers come as files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/passengers.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

static const char *const as_csv[] = {"Content-Type: text/csv", NULL};
static const char *const csv_to_csv[] = {"Content-Type: text/csv", "Accept: text/csv",
                                         NULL};
static const char *const to_csv[] = {"Accept: text/csv", NULL};

static bool post(const char *path, const char *const *headers, const char *body,
                 struct reply *reply) {
    struct request request = {
        .path = path, .headers = headers, .body = body, .body_n = strlen(body)};
    return client_send(user, &request, reply) &&
           CHECK_SAY(reply->status == 200, "%ld: %s", reply->status, reply->body);
}

static const char rows_json[] =
    "{\"model\":\"passengers\",\"instances\":[[\"third\",\"male\",30.5],[\"first\","
    "\"male\",null],[\"steerage\",\"female\",1]]}";
static const char rows_csv[] = "sex,age,class\nmale,30.5,third\nmale,,first\n"
                               "female,1,steerage\n";

/* The same rows as CSV and as JSON get the same bytes. */
static void test_csv_in(void) {
    struct reply json, csv;
    if (post("/predict", NULL, rows_json, &json) &&
        post("/predict?model=passengers", as_csv, rows_csv, &csv)) {
        CHECK_TEXT(csv.body, json.body);
        CHECK_TEXT(reply_text(csv.json, "/predictions/0"), "no");
        CHECK_TEXT(reply_text(csv.json, "/predictions/1"), "yes");
    }
    reply_free(&json);
    reply_free(&csv);
}

static void test_csv_out(void) {
    struct reply json, csv;
    char type[256], line[256], answer[64];
    double no = 0, yes = 0;
    if (post("/predict", to_csv, rows_json, &json) &&
        post("/predict?model=passengers@1", csv_to_csv, rows_csv, &csv)) {
        CHECK_TEXT(csv.body, json.body);
        CHECK(strncmp(reply_header(&csv, "Content-Type", type), "text/csv", 8) == 0);
        CHECK_SAY(strncmp(csv.body, "prediction,no,yes\nno,", 21) == 0, "%s", csv.body);
        CHECK(sscanf(csv.body, "%255s %63[^,],%lf,%lf", line, answer, &no, &yes) == 4);
        CHECK(no > 0.5);
        CHECK_NEAR(no + yes, 1, 1e-6);
    }
    reply_free(&json);
    reply_free(&csv);
}

/* The query names the model of a JSON body too. */
static void test_model_of_query(void) {
    struct reply reply;
    if (post("/predict?model=passengers%40latest", NULL,
             "{\"instances\":[[\"third\",\"male\",3]]}", &reply))
        CHECK_TEXT(reply_text(reply.json, "/model"), "passengers");
    reply_free(&reply);
}

/* Errors stay JSON, and name the column. */
static void test_refused(void) {
    static const struct {
        const char *body, *param;
    } bad[] = {
        {"sex,class\nmale,third\n", "line 1"},
        {"sex,class,age,fare\nmale,third,1,no\n", "line 1, column \"fare\""},
        {"sex,class,age\nmale,third,1\nmale,third,old\n", "line 3, column \"age\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply reply;
        client_send(user,
                    &(struct request){.path = "/predict?model=passengers",
                                      .headers = csv_to_csv,
                                      .body = bad[i].body,
                                      .body_n = strlen(bad[i].body)},
                    &reply);
        CHECK(reply.status == 400);
        CHECK_TEXT(reply_text(reply.json, "/error/param"), bad[i].param);
        reply_free(&reply);
    }
}

/* A model of inline data; and a body that is too large for a connection's thread. */
static void test_inline_model(void) {
    struct reply reply;
    enum { M = 40000, BYTES = M * 16 };
    if (!CHECK(job_train(user,
                         table_job("prices", table_prices(100),
                                   json_pack("{s[]sssi}", "hidden_layers", "normalize",
                                             "standard", "epochs", 300)),
                         NULL)))
        return;
    char *body = malloc(BYTES);
    size_t n = body ? (size_t)snprintf(body, BYTES, "size,bedrooms\n") : 0;
    for (int i = 0; body && i < M; i++)
        n += (size_t)snprintf(body + n, BYTES - n, "%d,%d\n", 1000 + i % 100, 1 + i % 4);
    if (body && post("/predict?model=prices", csv_to_csv, body, &reply)) {
        size_t lines = 0;
        for (const char *at = reply.body; *at; at++)
            lines += *at == '\n';
        CHECK(lines == M + 1);
        CHECK(strncmp(reply.body, "prediction\n", 11) == 0);
        CHECK_NEAR(atof(reply.body + 11), table_price(1000, 1), 0.1);
    }
    reply_free(&reply);
    free(body);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    if (CHECK(passengers_train(user))) {
        CHECK_RUN(test_csv_in);
        CHECK_RUN(test_csv_out);
        CHECK_RUN(test_model_of_query);
        CHECK_RUN(test_refused);
        CHECK_RUN(test_inline_model);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
