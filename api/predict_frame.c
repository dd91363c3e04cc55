#include "api/predict_frame.h"

#include "api/job.h"

static void opening_encode(const char *name, int64_t version, struct text *out) {
    text_open(out, '{');
    text_member_string(out, "model", name);
    text_member_int(out, "version", version);
    text_key(out, "predictions");
}

static void middle_encode(const struct model *model, struct text *out) {
    if (model->labels.n) {
        text_key(out, "classes");
        job_labels_encode(&model->labels, out);
    }
    if (model->task != TASK_REGRESSION)
        text_key(out, "probabilities");
}

bool predict_frame_make(const struct model *model, const char *name, int64_t version,
                        struct predict_frame *frame, struct err *e) {
    *frame = (struct predict_frame){0};
    opening_encode(name, version, &frame->opening);
    middle_encode(model, &frame->middle);
    if (!frame->opening.failed && !frame->middle.failed)
        return true;
    predict_frame_free(frame);
    return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the model");
}

void predict_frame_free(struct predict_frame *frame) {
    text_free(&frame->opening);
    text_free(&frame->middle);
}

size_t predict_frame_memory(const struct predict_frame *frame) {
    return frame->opening.capacity + frame->middle.capacity;
}
