# Black-box tests of the real binary. All of them but test_data, which needs the folder DATA
# and has a target of its own, run in `make http` and `make test`.
HTTP_KIT := $(patsubst %,$(BUILD)/tests/http/%.o,client daemon dataset fleet foreign job lines packed passengers promise raw reply table upload watch) $(CHECK) $(BUILD)/tests/unit/postgres.o
HTTP_ALL := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/http/test_*.c))
HTTP := $(filter-out %/test_data,$(HTTP_ALL))

$(HTTP_ALL): %: %.o $(HTTP_KIT)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcurl -ljansson -lz -lm

# test_export has a program of another language read our files; the store's tests run on
# both databases.
http-deps: deps
	@sh deploy/deps.sh python3 postgresql

# All of it once more, with PostgreSQL for a store.
http-postgresql: http-deps $(BUILD)/descentd $(HTTP)
	@DESCENTD_TEST_STORE=postgresql DESCENTD=$(BUILD)/descentd \
	  sh tests/postgres.sh run sh tests/run.sh $(HTTP)

# The long version of test_away.
RESTARTS ?= 20
soak-postgresql: http-deps $(BUILD)/descentd $(BUILD)/tests/http/test_away
	@RESTARTS=$(RESTARTS) TESTS_VERBOSE=1 $(RUN) $(BUILD)/tests/http/test_away

# The long version of test_cycles.
CYCLES ?= 500
soak-models: deps $(BUILD)/descentd $(BUILD)/tests/http/test_cycles
	@CYCLES=$(CYCLES) TESTS_VERBOSE=1 $(RUN) $(BUILD)/tests/http/test_cycles

# The long version of test_resume.
KILLS ?= 500
soak: deps $(BUILD)/descentd $(BUILD)/tests/http/test_resume
	@KILLS=$(KILLS) TESTS_VERBOSE=1 $(RUN) $(BUILD)/tests/http/test_resume
# The long version of test_crowd.
CONNECTIONS ?= 10000
soak-connections: deps $(BUILD)/descentd $(BUILD)/tests/http/test_crowd
	@CONNECTIONS=$(CONNECTIONS) TESTS_VERBOSE=1 $(RUN) $(BUILD)/tests/http/test_crowd
.PHONY: soak-connections http-deps http-postgresql soak-postgresql soak-models soak
