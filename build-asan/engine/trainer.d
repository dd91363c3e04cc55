build-asan/engine/trainer.o: engine/trainer.c engine/trainer.h \
 engine/loss.h engine/activation.h engine/net.h engine/err.h \
 engine/optimizer.h engine/team.h engine/lanes.h engine/memory.h \
 engine/rng.h
engine/trainer.h:
engine/loss.h:
engine/activation.h:
engine/net.h:
engine/err.h:
engine/optimizer.h:
engine/team.h:
engine/lanes.h:
engine/memory.h:
engine/rng.h:
