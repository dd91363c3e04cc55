build-asan/api/job_shape.o: api/job_shape.c api/job_internal.h api/job.h \
 api/rows.h api/cursor.h engine/err.h engine/model.h engine/loss.h \
 engine/activation.h engine/net.h engine/transform.h api/text.h \
 engine/initializer.h engine/trainer.h engine/optimizer.h engine/team.h \
 api/json.h
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
