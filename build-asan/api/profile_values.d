build-asan/api/profile_values.o: api/profile_values.c \
 api/profile_private.h api/intern.h engine/err.h engine/model.h \
 engine/loss.h engine/activation.h engine/net.h engine/transform.h \
 api/profile.h api/text.h engine/table.h api/number.h
api/profile_private.h:
api/intern.h:
engine/err.h:
engine/model.h:
engine/loss.h:
engine/activation.h:
engine/net.h:
engine/transform.h:
api/profile.h:
api/text.h:
engine/table.h:
api/number.h:
