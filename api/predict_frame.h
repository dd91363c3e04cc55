/* What every answer of a model's version says beside its predictions, encoded once: its
 * name and number, and its labels. Any thread, once it is made. */
#ifndef API_PREDICT_FRAME_H
#define API_PREDICT_FRAME_H

#include "api/text.h"
#include "engine/model.h"

/* predict_frame_free. It holds copies, and fits the answers of that model alone. */
struct predict_frame {
    struct text opening; /* {"model":...,"version":...,"predictions": */
    struct text middle;  /* "classes":[...],"probabilities": or what of it there is */
};

/* false with ERR_NO_MEMORY. */
bool predict_frame_make(const struct model *model, const char *name, int64_t version,
                        struct predict_frame *frame, struct err *e)
    __attribute__((warn_unused_result));
void predict_frame_free(struct predict_frame *frame);

/* The memory that it takes. */
size_t predict_frame_memory(const struct predict_frame *frame);

#endif
