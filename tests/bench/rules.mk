# Speed, as ratios to what could be had at most: `make bench`; and large uploads beside
# predictions: `make bench-upload`, with DIVISOR=10 for a tenth of the sizes. A thousand
# watchers of one job: `make bench-watchers`. Replicas behind HAProxy: `make bench-fleet`.
BENCH := $(patsubst %,$(BUILD)/tests/bench/%,bench_train bench_json bench_upload bench_watchers floor)

$(BUILD)/tests/bench/bench_train: %: %.o $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(ENGINE_LIBS)
$(BUILD)/tests/bench/json_peers.o: tests/bench/json_peers.cc | $(if $(DEPS_FIRST),bench-deps)
	@mkdir -p $(@D)
	$(call say,c++ $<)
	$(Q)g++ -std=c++17 -O3 -I. -Wall -Wextra -fPIE -MMD -MP -c -o $@ $<
$(BUILD)/tests/bench/bench_json: %: %.o $(BUILD)/tests/bench/json_peers.o $(API) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(API_LIBS) -lsimdjson -lstdc++
UPLOAD_KIT := $(patsubst %,$(BUILD)/tests/http/%.o,client daemon job reply table) $(CHECK) $(BUILD)/tests/unit/postgres.o
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
	@sh deploy/deps.sh wrk g++ libsimdjson-dev
bench: bench-deps $(BUILD)/descentd $(BENCH)
	@DESCENTD=$(BUILD)/descentd BENCH=$(BUILD)/tests/bench sh tests/bench/bench.sh
bench-upload: deps $(BUILD)/descentd $(BUILD)/tests/bench/bench_upload
	@DESCENTD=$(BUILD)/descentd $(BUILD)/tests/bench/bench_upload $(DIVISOR)
bench-watchers: deps $(BUILD)/descentd $(BUILD)/tests/bench/bench_watchers
	@DESCENTD=$(BUILD)/descentd $(BUILD)/tests/bench/bench_watchers $(WATCHERS)
bench-fleet: bench-deps http-deps deploy-deps $(BUILD)/descentd
	@DESCENTD=$(CURDIR)/$(BUILD)/descentd sh tests/bench/fleet.sh
.PHONY: bench-fleet bench bench-deps bench-upload bench-watchers
