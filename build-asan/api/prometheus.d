build-asan/api/prometheus.o: api/prometheus.c api/prometheus.h api/text.h \
 api/number.h
api/prometheus.h:
api/text.h:
api/number.h:
