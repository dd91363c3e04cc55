#include "api/encoder_document.h"

#include "tests/unit/api/test_encoder.h"

static char *document_of(const struct encoder *enc) {
    struct text text = {0};
    encoder_document_encode(enc, &text);
    return text_take(&text);
}

static void test_round_trip(void) {
    struct err e = {0};
    struct encoder enc = encoder_abc(), back;
    enc.columns[0].missing_refused = enc.columns[2].unseen_refused = true;
    char *one = document_of(&enc);
    CHECK_TEXT(one, "[{\"name\":\"a\",\"type\":\"number\",\"missing\":\"error\","
                    "\"mean\":2.1},"
                    "{\"name\":\"b\",\"type\":\"boolean\",\"missing\":\"mean\","
                    "\"mean\":0.25},"
                    "{\"name\":\"c\",\"type\":\"category\",\"missing\":\"category\","
                    "\"unknown\":\"error\","
                    "\"categories\":[\"x \\\"1\\\"\",\"y\"]}]");
    json_t *json = json_loads(one, 0, NULL);
    if (CHECK_SAY(encoder_document_decode(json, &back, &e), "%s", e.text)) {
        char *two = document_of(&back);
        CHECK_TEXT(two, one);
        free(two);
        CHECK(back.inputs_n == 5 && back.columns[2].input_at == 2);
        CHECK(back.columns[0].mean == enc.columns[0].mean);
        CHECK(back.columns[0].missing_refused && !back.columns[1].missing_refused);
        CHECK(back.columns[2].unseen_refused && !back.columns[1].unseen_refused);
        CHECK(encoder_find(&back, "c", 1) == 2);
        encoder_free(&back);
    }
    json_decref(json);
    free(one);
    encoder_free(&enc);
}

static char *members_of(const struct encoder *enc) {
    struct text text = {0};
    text_open(&text, '{');
    encoder_document_members(enc, &text);
    text_close(&text, '}');
    return text_take(&text);
}

static void test_unused(void) {
    struct encoder enc = encoder_abc();
    char *none = members_of(&enc), *array = document_of(&enc);
    CHECK(strncmp(none, "{\"columns\":", 11) == 0 && strstr(none, array));
    CHECK(!strstr(none, "unused_columns"));
    encoder_leave_two(&enc, "na\"me", "id");
    char *two = members_of(&enc);
    CHECK_SAY(strstr(two, "],\"unused_columns\":[\"id\",\"na\\\"me\"]}"), "%s", two);
    free(none);
    free(two);
    free(array);
    encoder_free(&enc);
}

static void test_damaged(void) {
    static const char *const bad[] = {
        "[]",
        "{}",
        "[7]",
        "[{\"type\":\"number\",\"missing\":\"mean\",\"mean\":1}]",
        "[{\"name\":\"a\",\"missing\":\"mean\",\"mean\":1}]",
        "[{\"name\":\"a\",\"type\":\"text\",\"missing\":\"mean\",\"mean\":1}]",
        "[{\"name\":\"a\",\"type\":\"number\",\"mean\":1}]",
        "[{\"name\":\"c\",\"type\":\"category\",\"missing\":\"unseen\","
        "\"categories\":[\"y\",\"x\"]}]",
        "[{\"name\":\"c\",\"type\":\"category\",\"missing\":\"unseen\","
        "\"categories\":[\"x\",\"x\"]}]",
        "[{\"name\":\"c\",\"type\":\"category\",\"missing\":\"unseen\","
        "\"categories\":[\"x\",7]}]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        struct encoder enc;
        json_t *json = json_loads(bad[i], 0, NULL);
        CHECK_SAY(json && !encoder_document_decode(json, &enc, &e), "%s", bad[i]);
        CHECK(e.kind == ERR_INVALID && !enc.columns);
        json_decref(json);
    }
}

int main(void) {
    CHECK_RUN(test_round_trip);
    CHECK_RUN(test_unused);
    CHECK_RUN(test_damaged);
    return check_done();
}
