/* Prometheus' text exposition format 0.0.4. */
#ifndef API_PROMETHEUS_H
#define API_PROMETHEUS_H

#include "api/text.h"

/* # HELP and # TYPE of a metric; `type` is "counter", "gauge" or "histogram". */
void prometheus_head(struct text *out, const char *name, const char *type,
                     const char *help);

/* One sample. `labels` is what stands between the braces, or NULL; values of labels are
 * ours, without quotes or backslashes. */
void prometheus_sample(struct text *out, const char *name, const char *labels,
                       double value);

#endif
