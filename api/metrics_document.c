#include "api/metrics_document.h"

#include "api/job.h"

static void member(struct text *out, const char *key, double value) {
    text_key(out, key);
    text_json_double(out, value);
}

enum { CONFUSION_SHOWN_MAX = 100 }; /* classes; more would fill the job's document */

void metrics_classes_encode(const struct class_metrics *m, const struct labels *labels,
                            struct text *out) {
    text_open(out, '{');
    if (labels) {
        text_key(out, "positive");
        job_label_encode(labels, 1, out);
    }
    member(out, "accuracy", m->accuracy);
    member(out, "precision", m->precision);
    member(out, "recall", m->recall);
    member(out, "f1", m->f1);
    member(out, "roc_auc", m->roc_auc);
    member(out, "log_loss", m->log_loss);
    if (m->confusion && m->k <= CONFUSION_SHOWN_MAX) {
        text_key(out, "confusion_matrix");
        text_open(out, '[');
        for (size_t i = 0; i < m->k; i++) {
            text_open(out, '[');
            for (size_t j = 0; j < m->k; j++)
                text_json_int(out, (int64_t)m->confusion[i * m->k + j]);
            text_close(out, ']');
        }
        text_close(out, ']');
    }
    text_close(out, '}');
}

void metrics_values_encode(const struct value_metrics *m, struct text *out) {
    text_open(out, '{');
    member(out, "mse", m->mse);
    member(out, "rmse", m->rmse);
    member(out, "mae", m->mae);
    member(out, "r2", m->r2);
    text_close(out, '}');
}
