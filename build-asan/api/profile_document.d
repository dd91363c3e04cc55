build-asan/api/profile_document.o: api/profile_document.c api/profile.h \
 api/text.h engine/table.h engine/err.h api/json.h
api/profile.h:
api/text.h:
engine/table.h:
engine/err.h:
api/json.h:
