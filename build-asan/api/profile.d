build-asan/api/profile.o: api/profile.c api/profile.h api/text.h \
 engine/table.h engine/err.h api/number.h api/profile_private.h \
 api/intern.h engine/model.h engine/loss.h engine/activation.h \
 engine/net.h engine/transform.h api/utf8.h
api/profile.h:
api/text.h:
engine/table.h:
engine/err.h:
api/number.h:
api/profile_private.h:
api/intern.h:
engine/model.h:
engine/loss.h:
engine/activation.h:
engine/net.h:
engine/transform.h:
api/utf8.h:
