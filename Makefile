# make deps · make · make demo · make test · make bench · make check
ifeq ($(origin CC),default)
CC := gcc
endif
BUILD ?= build
Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)")

LANGUAGE := -std=c11 -D_GNU_SOURCE -I. -I$(BUILD)
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wvla -Werror
OPTIMISE ?= -O2 -g
HARDEN ?= -fstack-protector-strong -fPIE
CFLAGS_ALL = $(LANGUAGE) $(WARNINGS) $(OPTIMISE) $(HARDEN) $(SANITIZE) -pthread -MMD -MP $(CFLAGS)
LDFLAGS_ALL = -pthread -pie -Wl,-z,relro,-z,now $(SANITIZE) $(LDFLAGS)
# The element-wise kernels: vectorised, without errno and traps in the way. Not
# -ffast-math, which would let the compiler delete isfinite. A loop that begins a line of
# the cache is fetched whole: a product is up to a tenth slower by where it happens to lie.
ALIGN_LOOPS := -falign-loops=64 $(if $(findstring gcc,$(CC)),--param=align-threshold=10000)
KERNELS := activation dropout finite loss matrix optimizer panels rng transform
$(KERNELS:%=$(BUILD)/engine/%.o): OPTIMISE += -O3 -fno-math-errno -fno-trapping-math $(ALIGN_LOOPS)
# A product added to a sum is one instruction where there is one.
$(BUILD)/engine/panels.o: OPTIMISE += -ffp-contract=fast

ENGINE_LIBS := -lopenblas -lm
API_LIBS := -ljansson -lz $(ENGINE_LIBS)
SERVER_LIBS := -lmicrohttpd -lsqlite3 -lpq -lnettle $(API_LIBS)

objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)))
ENGINE := $(call objects,engine/*.c)
API := $(call objects,api/*.c)
SERVER := $(filter-out $(BUILD)/server/main.o,$(call objects,server/*.c))
CHECK := $(BUILD)/tests/unit/check.o
unit = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/$(1)/test_*.c))
UNIT := $(call unit,engine) $(call unit,api) $(call unit,server)

all: $(BUILD)/descentd

$(BUILD)/descentd: $(BUILD)/server/main.o $(SERVER) $(API) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(SERVER_LIBS)

# The layers hold by construction: a test links what its layer may use, no more.
$(call unit,engine): %: %.o $(CHECK) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(ENGINE_LIBS)
$(call unit,api): %: %.o $(CHECK) $(API) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(API_LIBS)
$(call unit,server): %: %.o $(CHECK) $(BUILD)/tests/unit/postgres.o $(SERVER) $(API) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(SERVER_LIBS)

# A goal that promises to work on a fresh machine installs before it compiles; so does any
# goal beside deps itself.
DEPS_FIRST := $(if $(filter deps %-deps demo %-demo test test-% cluster-test compose-test deploy-check bench bench-% soak soak-% check,$(MAKECMDGOALS)),deps)
$(BUILD)/%.o: %.c | $(DEPS_FIRST)
	@mkdir -p $(@D)
	$(call say,cc $<)
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<

include $(wildcard tests/*/rules.mk)

PACKAGES := gcc libc6-dev libmicrohttpd-dev libopenblas-pthread-dev libjansson-dev \
  libsqlite3-dev libpq-dev nettle-dev zlib1g-dev libcurl4-openssl-dev ca-certificates curl jq procps
deps:
	@sh deploy/deps.sh $(PACKAGES)

demo: deps $(BUILD)/descentd
	@DESCENTD=$(BUILD)/descentd sh deploy/demo.sh

RUN := DESCENTD=$(BUILD)/descentd ONNXRUNTIME=$(ONNXRUNTIME) sh tests/run.sh
unit: $(UNIT)
	@$(RUN) $(UNIT)
http: $(BUILD)/descentd $(HTTP)
	@$(RUN) $(HTTP)
test: cluster-deps $(ONNXRUNTIME) $(BUILD)/descentd $(UNIT) $(HTTP) $(ONNX_TEST) $(FUZZ_REPLAYS) $(LOAD)
	@$(RUN) tests/layers.sh tests/contract.sh tests/process.sh tests/replay.sh tests/deploy/configs.sh tests/deploy/balancers.sh tests/deploy/prometheus.sh \
	  tests/cluster/test_cluster.sh tests/cluster/test_partition.sh \
	  $(UNIT) $(HTTP) $(ONNX_TEST)
test-data: deps $(BUILD)/descentd $(BUILD)/tests/http/test_data $(CHECK_MODELS)
	@DATA='$(DATA)' TESTS_VERBOSE=1 $(RUN) $(BUILD)/tests/http/test_data $(CHECK_MODELS)

# The image in a real container engine: needs docker.
image-test:
	@sh deploy/image-test.sh

# Formatting, both compilers with warnings as errors, and the tests under ASan and UBSan.
SOURCES = $(shell git ls-files '*.c' '*.h')
check: http-deps bench-deps
	@sh deploy/deps.sh clang clang-format libclang-rt-14-dev
	clang-format --dry-run -Werror $(SOURCES)
	sh tests/layers.sh
	$(MAKE) BUILD=$(BUILD)/clang CC=clang all tests
	$(MAKE) BUILD=$(BUILD)/asan OPTIMISE='-O1 -g' \
	  SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined' unit http
tests: $(BUILD)/descentd $(LOAD) $(UNIT) $(HTTP_ALL) $(ONNX_TEST) $(FUZZ_REPLAYS) $(BENCH) $(CHECK_MODELS) $(SOAK)

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all deps demo unit http test test-data image-test check tests clean
.SECONDARY:
