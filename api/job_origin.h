/* What a job that says init_from continues from: how the version's network, classes and
 * columns stand for what the job leaves out, and whether they agree with what it says.
 * For api/job*.c alone. */
#ifndef API_JOB_ORIGIN_H
#define API_JOB_ORIGIN_H

#include "api/job_internal.h"

/* Refuses keys that would choose what the version has chosen already. */
bool job_origin_keys_check(const struct json_slot *slots, struct err *e);

/* Before the targets: takes task, loss, layers and classes that were left out. */
bool job_origin_shape(const struct json_slot *slots, const struct job_origin *origin,
                      struct job_shape *shape, struct err *e);

/* Once the spec is resolved: the layers must be the version's; the transform is kept
 * unless `normalize` is given. Names the version in the spec. */
bool job_origin_settle(const struct json_slot *slots, const struct job_origin *origin,
                       struct job_spec *spec, struct err *e);

/* Inline features of numbers: as many columns as the version has inputs. */
bool job_origin_inputs_check(const struct job_origin *origin, size_t inputs_n,
                             struct err *e);

/* Targets as classes of the version: fills spec.labels and request->classes (m). */
bool job_origin_classes(const struct labels *known, const struct column *targets,
                        struct job_request *request, struct err *e);

#endif
