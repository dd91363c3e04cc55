# Black-box tests of the real binary. `make http` runs all of them but test_data, which
# needs the folder DATA and has a target of its own, test-data.
HTTP_KIT := $(patsubst %,$(BUILD)/tests/http/%.o,client daemon dataset job raw reply table) $(CHECK)
HTTP_ALL := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/http/test_*.c))
HTTP := $(filter-out %/test_data,$(HTTP_ALL))

$(HTTP_ALL): %: %.o $(HTTP_KIT)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcurl -ljansson -lz -lm

http: $(BUILD)/descentd $(HTTP)
	@set -e; for t in $(HTTP); do printf '%s: ' $${t#$(BUILD)/}; \
	DESCENTD=$(BUILD)/descentd $$t; done

test-data: $(BUILD)/descentd $(BUILD)/tests/http/test_data
	@DESCENTD=$(BUILD)/descentd DATA='$(DATA)' $(BUILD)/tests/http/test_data

.PHONY: http test-data
