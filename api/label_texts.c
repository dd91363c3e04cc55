#include "api/label_texts.h"

#include "api/text.h"

static bool text_keep(const struct text *text, struct label_texts *out, size_t index) {
    if (text->failed || text->n >= LABEL_TEXT_BYTES)
        return false;
    out->bytes[index][0] = ',';
    memcpy(out->bytes[index] + 1, text->data, text->n);
    out->n[index] = (unsigned char)(text->n + 1);
    return true;
}

bool label_texts_make(const struct labels *labels, struct label_texts *out) {
    bool ok = labels->n <= LABEL_TEXTS_MAX;
    struct text text = {0};
    for (size_t i = 0; ok && i < labels->n; i++) {
        text.n = 0;
        job_label_encode(labels, i, &text);
        ok = text_keep(&text, out, i);
    }
    text_free(&text);
    return ok;
}
