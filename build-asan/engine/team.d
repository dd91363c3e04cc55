build-asan/engine/team.o: engine/team.c engine/team.h engine/err.h \
 engine/memory.h
engine/team.h:
engine/err.h:
engine/memory.h:
