# The builder has the compiler and the headers; the image has neither.
FROM debian:bookworm-slim AS builder
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        gcc libc6-dev make pkg-config libmicrohttpd-dev libopenblas-pthread-dev \
        libjansson-dev libsqlite3-dev libpq-dev nettle-dev zlib1g-dev
WORKDIR /src
COPY Makefile ./
COPY engine engine
COPY api api
COPY server server
RUN make -j"$(nproc)" && strip --strip-debug build/descentd

FROM debian:bookworm-slim
# What is installed and what is cleared away again must be one layer, or it stays in the image.
# libopenblas.so.0 holds BLAS and LAPACK whole; the two libraries beside it are for programs
# that link the generic names, and nothing here does.
# /data is for any uid: the mode that /tmp has, since the uid is not known before `docker run`.
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        libmicrohttpd12 libopenblas0-pthread libjansson4 libsqlite3-0 libpq5 libnettle8 zlib1g \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old \
        /var/cache/ldconfig/* /var/lib/dpkg/*-old /var/log/* \
 && find /usr/share/doc -depth -type f ! -name copyright -delete \
 && rm /usr/lib/*/openblas-pthread/liblapack.so.3 /usr/lib/*/openblas-pthread/libblas.so.3 \
 && install -d -m 1777 /data
COPY --from=builder /src/build/descentd /usr/local/bin/descentd
# Set here and not as a flag of CMD: the health check, and whatever else is run in the
# container, reads the same variable.
ENV DESCENTD_LISTEN=0.0.0.0:8080
# The store is ./descentd.db if nothing else is said, so /data/descentd.db; a variable with that
# would be in the way of DESCENTD_STORE_FILE. SQLite's temporary files fall back to here, too.
WORKDIR /data
VOLUME /data
EXPOSE 8080
# No name in /etc/passwd, and none needed: --user may give any other number.
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["descentd", "health"]
ENTRYPOINT ["descentd"]
CMD ["serve"]
