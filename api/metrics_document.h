/* The metrics of a trained model as JSON. */
#ifndef API_METRICS_DOCUMENT_H
#define API_METRICS_DOCUMENT_H

#include "api/text.h"
#include "engine/metrics.h"
#include "engine/model.h"

/* {"accuracy","precision","recall","f1","roc_auc","log_loss","confusion_matrix":[[..]]};
 * what is not defined is null. `labels` are those of two classes, of whose second
 * precision, recall and f1 are: it stands before them as "positive"; or NULL. */
void metrics_classes_encode(const struct class_metrics *m, const struct labels *labels,
                            struct text *out);

/* {"mse","rmse","mae","r2"} */
void metrics_values_encode(const struct value_metrics *m, struct text *out);

#endif
