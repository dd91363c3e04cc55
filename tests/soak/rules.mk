# Numbers without end: `make soak-numbers` scans NUMBERS random ones (100 million) as strtof
# does, and prints every float32 there is.
SOAK := $(BUILD)/tests/soak/soak_numbers
NUMBERS ?= 100000000

$(SOAK): %: %.o $(API) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(API_LIBS)

soak-numbers: deps $(SOAK)
	@$(SOAK) $(NUMBERS)
.PHONY: soak-numbers
