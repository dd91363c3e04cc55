# Speed, as ratios to what could be had at most: `make bench`.
BENCH := $(patsubst %,$(BUILD)/tests/bench/%,bench_train bench_json floor)

$(BUILD)/tests/bench/bench_train: %: %.o $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(ENGINE_LIBS)
$(BUILD)/tests/bench/bench_json: %: %.o $(API) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(API_LIBS)
$(BUILD)/tests/bench/floor: %: %.o
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lmicrohttpd

bench-deps: deps
	@sh deploy/deps.sh wrk
bench: bench-deps $(BUILD)/descentd $(BENCH)
	@DESCENTD=$(BUILD)/descentd BENCH=$(BUILD)/tests/bench sh tests/bench/bench.sh
.PHONY: bench bench-deps
