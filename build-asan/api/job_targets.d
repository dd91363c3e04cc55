build-asan/api/job_targets.o: api/job_targets.c api/job_internal.h \
 api/job.h api/rows.h api/cursor.h engine/err.h engine/model.h \
 engine/loss.h engine/activation.h engine/net.h engine/transform.h \
 api/text.h engine/initializer.h engine/trainer.h engine/optimizer.h \
 engine/team.h api/json.h engine/memory.h
api/job_internal.h:
api/job.h:
api/rows.h:
api/cursor.h:
engine/err.h:
engine/model.h:
engine/loss.h:
engine/activation.h:
engine/net.h:
engine/transform.h:
api/text.h:
engine/initializer.h:
engine/trainer.h:
engine/optimizer.h:
engine/team.h:
api/json.h:
engine/memory.h:
