# descentd: make deps, make, make demo, make test, make bench, make check
CC ?= gcc
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
# -ffast-math, which would let the compiler delete isfinite.
KERNELS := activation loss matrix optimizer transform
$(KERNELS:%=$(BUILD)/engine/%.o): OPTIMISE += -O3 -fno-math-errno -fno-trapping-math

ENGINE_LIBS := -lopenblas -lm
API_LIBS := -ljansson $(ENGINE_LIBS)
SERVER_LIBS := -lmicrohttpd -lsqlite3 -lnettle $(API_LIBS)

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
$(call unit,server): %: %.o $(CHECK) $(SERVER) $(API) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(SERVER_LIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc $<)
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<

unit: $(UNIT)
	@set -e; for t in $(UNIT); do printf '%s: ' $${t#$(BUILD)/}; $$t; done

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all unit clean
.SECONDARY:
