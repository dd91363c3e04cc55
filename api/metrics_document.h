/* The metrics of a trained model as JSON. */
#ifndef API_METRICS_DOCUMENT_H
#define API_METRICS_DOCUMENT_H

#include "api/text.h"
#include "engine/metrics.h"

/* {"accuracy","precision","recall","f1","roc_auc","log_loss","confusion_matrix":[[..]]};
 * what is not defined is null. */
void metrics_classes_encode(const struct class_metrics *m, struct text *out);

/* {"mse","rmse","mae","r2"} */
void metrics_values_encode(const struct value_metrics *m, struct text *out);

#endif
