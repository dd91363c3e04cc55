build-asan/api/safetensors.o: api/safetensors.c api/safetensors.h \
 engine/err.h api/json.h api/text.h engine/memory.h
api/safetensors.h:
engine/err.h:
api/json.h:
api/text.h:
engine/memory.h:
