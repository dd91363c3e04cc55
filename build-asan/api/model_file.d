build-asan/api/model_file.o: api/model_file.c api/model_file.h api/job.h \
 api/rows.h api/cursor.h engine/err.h engine/model.h engine/loss.h \
 engine/activation.h engine/net.h engine/transform.h api/text.h \
 engine/initializer.h engine/trainer.h engine/optimizer.h engine/team.h \
 api/safetensors.h engine/memory.h
api/model_file.h:
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
api/safetensors.h:
engine/memory.h:
