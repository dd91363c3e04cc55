build-asan/engine/lanes.o: engine/lanes.c engine/lanes.h engine/trainer.h \
 engine/loss.h engine/activation.h engine/net.h engine/err.h \
 engine/optimizer.h engine/team.h engine/backward.h engine/forward.h \
 engine/memory.h
engine/lanes.h:
engine/trainer.h:
engine/loss.h:
engine/activation.h:
engine/net.h:
engine/err.h:
engine/optimizer.h:
engine/team.h:
engine/backward.h:
engine/forward.h:
engine/memory.h:
