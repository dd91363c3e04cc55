# Speed, as ratios to what could be had at most: `make bench`; and large uploads beside
# predictions: `make bench-upload`, with DIVISOR=10 for a tenth of the sizes. A thousand
# watchers of one job: `make bench-watchers`.
BENCH := $(patsubst %,$(BUILD)/tests/bench/%,bench_train bench_json bench_upload bench_watchers floor)

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
WATCHERS_KIT := $(UPLOAD_KIT) $(BUILD)/tests/http/raw.o
$(BUILD)/tests/bench/bench_watchers: %: %.o $(WATCHERS_KIT)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcurl -ljansson -lsqlite3 -lz -lm
$(BUILD)/tests/bench/floor: %: %.o
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lmicrohttpd

bench-deps: deps
	@sh deploy/deps.sh wrk
bench: bench-deps $(BUILD)/descentd $(BENCH)
	@DESCENTD=$(BUILD)/descentd BENCH=$(BUILD)/tests/bench sh tests/bench/bench.sh
bench-upload: deps $(BUILD)/descentd $(BUILD)/tests/bench/bench_upload
	@DESCENTD=$(BUILD)/descentd $(BUILD)/tests/bench/bench_upload $(DIVISOR)
bench-watchers: deps $(BUILD)/descentd $(BUILD)/tests/bench/bench_watchers
	@DESCENTD=$(BUILD)/descentd $(BUILD)/tests/bench/bench_watchers $(WATCHERS)
.PHONY: bench bench-deps bench-upload bench-watchers
