# Fuzz targets, for the Makefile to include.
#   fuzz-replay  every file of tests/fuzz/corpus/NAME through its target, with $(CC)
#   fuzz         each target for FUZZ_SECONDS under clang's libFuzzer, ASan and UBSan; what it
#                finds lands in $(BUILD)/fuzz/NAME-*, to be fixed and kept in the corpus
FUZZ := job oip predict tfs invocations safetensors number path csv npy idx onnx import inflater array
FUZZ_SECONDS ?= 60
FUZZ_CC ?= clang
FUZZ_SANITIZE := address,undefined
# -O1 vectorises nothing, which the kernels would hear as a broken promise.
FUZZ_CFLAGS := -O1 -g -fno-sanitize-recover=undefined -Wno-pass-failed

# Decoders are of the api; the path is judged by the files of the server that need no library.
FUZZ_SERVER := server/http_field.c server/http_head.c
FUZZ_SHARED := $(API) $(ENGINE) $(FUZZ_SERVER:%.c=$(BUILD)/%.o)
FUZZ_SANITIZED := $(FUZZ_SHARED:$(BUILD)/%=$(BUILD)/fuzz/%)
FUZZ_REPLAYS := $(FUZZ:%=$(BUILD)/tests/fuzz/replay_%)
FUZZERS := $(FUZZ:%=$(BUILD)/fuzz/fuzz_%)

$(FUZZ_REPLAYS): $(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o \
		$(BUILD)/tests/fuzz/replay.o $(FUZZ_SHARED)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(API_LIBS)

fuzz-replay: $(FUZZ_REPLAYS)
	@set -e; for t in $(FUZZ); do printf 'tests/fuzz/%s: ' $$t; \
	    $(BUILD)/tests/fuzz/replay_$$t tests/fuzz/corpus/$$t/*; done

$(BUILD)/fuzz/%.o: %.c | $(DEPS_FIRST)
	@mkdir -p $(@D)
	$(call say,cc $< for fuzzing)
	$(Q)$(FUZZ_CC) $(LANGUAGE) $(WARNINGS) $(FUZZ_CFLAGS) \
	    -fsanitize=fuzzer-no-link,$(FUZZ_SANITIZE) -pthread -MMD -MP -c -o $@ $<

$(FUZZERS): $(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_SANITIZED)
	$(call say,link $@)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer,$(FUZZ_SANITIZE) -pthread -o $@ $^ $(API_LIBS)

fuzz: $(FUZZERS)
	@set -e; for t in $(FUZZ); do echo "fuzz $$t, $(FUZZ_SECONDS) s"; \
	    mkdir -p $(BUILD)/fuzz/found/$$t; \
	    $(BUILD)/fuzz/fuzz_$$t -max_total_time=$(FUZZ_SECONDS) -timeout=10 -verbosity=0 \
	        -print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/$$t- \
	        $(BUILD)/fuzz/found/$$t tests/fuzz/corpus/$$t; done

.PHONY: fuzz fuzz-replay
