# Black-box tests of the real binary. All of them but test_data, which needs the folder DATA
# and has a target of its own, run in `make http` and `make test`.
HTTP_KIT := $(patsubst %,$(BUILD)/tests/http/%.o,client daemon dataset fleet foreign job lines mixed npy packed passengers promise raw relay reply result table terse upload watch) $(CHECK) $(BUILD)/tests/unit/postgres.o
HTTP_ALL := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/http/test_*.c))
HTTP := $(filter-out %/test_data,$(HTTP_ALL))

$(HTTP_ALL): %: %.o $(HTTP_KIT)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcurl -ljansson -lz -lm

# The release after this one, for test_newer: its schema has one more step.
NEWER := $(BUILD)/tests/http/descentd-newer
$(BUILD)/tests/http/schema_newer.o: CFLAGS_ALL += -DSCHEMA_NEXT='"ALTER TABLE jobs ADD COLUMN colour BIGINT NOT NULL DEFAULT 0; CREATE TABLE colours (name TEXT PRIMARY KEY); CREATE INDEX jobs_by_colour ON jobs (colour);"'
$(BUILD)/tests/http/schema_newer.o: server/schema.c
	@mkdir -p $(@D)
	$(call say,cc $< newer)
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<
$(NEWER): $(BUILD)/server/main.o $(BUILD)/tests/http/schema_newer.o $(filter-out %/schema.o,$(SERVER)) $(API) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(SERVER_LIBS)
$(BUILD)/tests/http/test_newer: | $(NEWER)

# The allocator of test_starved, which refuses a block.
STARVE := $(BUILD)/tests/http/starve.so
$(STARVE): tests/http/starve.c tests/http/starve.h | $(DEPS_FIRST)
	@mkdir -p $(@D)
	$(call say,link $@)
	$(Q)$(CC) $(LANGUAGE) -O1 -g -Wall -Wextra -Werror -shared -fPIC -o $@ $<
$(BUILD)/tests/http/test_starved: | $(STARVE)

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
