#include "api/oip_statistics.h"

#include <stdio.h>

static void duration_encode(const char *key, uint64_t count, uint64_t ns,
                            struct text *out) {
    text_key(out, key);
    text_open(out, '{');
    text_member_int(out, "count", (int64_t)count);
    text_member_int(out, "ns", (int64_t)ns);
    text_close(out, '}');
}

static void computing_encode(const struct oip_batch *b, struct text *out) {
    duration_encode("compute_input", b->count, b->input_ns, out);
    duration_encode("compute_infer", b->count, b->infer_ns, out);
    duration_encode("compute_output", b->count, b->output_ns, out);
}

static struct oip_batch batches_sum(const struct oip_statistics *of) {
    struct oip_batch sum = {0};
    for (size_t i = 0; i < of->batches_n; i++) {
        sum.count += of->batches[i].count;
        sum.input_ns += of->batches[i].input_ns;
        sum.infer_ns += of->batches[i].infer_ns;
        sum.output_ns += of->batches[i].output_ns;
    }
    return sum;
}

void oip_statistics_open(struct text *out) {
    text_open(out, '{');
    text_key(out, "model_stats");
    text_open(out, '[');
}

void oip_statistics_encode(const struct oip_statistics *of, struct text *out) {
    struct oip_batch sum = batches_sum(of);
    char version[24];
    snprintf(version, sizeof version, "%lld", (long long)of->version);
    text_open(out, '{');
    text_member_string(out, "name", of->name);
    text_member_string(out, "version", version);
    text_member_int(out, "last_inference", of->last_ms);
    text_member_int(out, "inference_count", (int64_t)of->rows_n);
    text_member_int(out, "execution_count", (int64_t)sum.count);
    text_key(out, "inference_stats");
    text_open(out, '{');
    duration_encode("success", of->success.count, of->success.ns, out);
    duration_encode("fail", of->fail.count, of->fail.ns, out);
    duration_encode("queue", of->queue.count, of->queue.ns, out);
    computing_encode(&sum, out);
    duration_encode("cache_hit", 0, 0, out); /* nothing is cached */
    duration_encode("cache_miss", 0, 0, out);
    text_close(out, '}');
    text_key(out, "batch_stats");
    text_open(out, '[');
    for (size_t i = 0; i < of->batches_n; i++) {
        text_open(out, '{');
        text_member_int(out, "batch_size", (int64_t)of->batches[i].rows);
        computing_encode(&of->batches[i], out);
        text_close(out, '}');
    }
    text_close(out, ']');
    text_close(out, '}');
}

void oip_statistics_close(struct text *out) {
    text_close(out, ']');
    text_close(out, '}');
    text_string(out, "\n");
}
