#ifndef ENGINE_SCHEDULE_H
#define ENGINE_SCHEDULE_H
#include <stdint.h>
enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_STEP, SCHEDULE_EXPONENTIAL, SCHEDULE_INVERSE_TIME, SCHEDULE_COSINE, SCHEDULES_N };
struct schedule { enum schedule_kind kind; float decay_rate; int64_t step_epochs; float minimum_rate; int64_t warmup_epochs; };
#endif
