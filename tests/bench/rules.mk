# Speed, as ratios to what could be had at most: `make bench`; and large uploads beside
# predictions: `make bench-upload`, with DIVISOR=10 for a tenth of the sizes.
BENCH := $(patsubst %,$(BUILD)/tests/bench/%,bench_train bench_json bench_upload floor)

$(BUILD)/tests/bench/bench_train: %: %.o $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(ENGINE_LIBS)
$(BUILD)/tests/bench/bench_json: %: %.o $(API) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(API_LIBS)
UPLOAD_KIT := $(patsubst %,$(BUILD)/tests/http/%.o,client daemon job reply table) $(CHECK)
$(BUILD)/tests/bench/bench_upload: %: %.o $(UPLOAD_KIT)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcurl -ljansson -lz -lm
$(BUILD)/tests/bench/floor: %: %.o
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lmicrohttpd

bench-deps: deps
	@sh deploy/deps.sh wrk
bench: bench-deps $(BUILD)/descentd $(BENCH)
	@DESCENTD=$(BUILD)/descentd BENCH=$(BUILD)/tests/bench sh tests/bench/bench.sh
bench-upload: deps $(BUILD)/descentd $(BUILD)/tests/bench/bench_upload
	@DESCENTD=$(BUILD)/descentd $(BUILD)/tests/bench/bench_upload $(DIVISOR)
.PHONY: bench bench-deps bench-upload
