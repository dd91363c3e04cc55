# Imports of the models in the folder DATA; a part of test-data.
CHECK_MODELS := $(BUILD)/tests/models/check_models
$(CHECK_MODELS): %: %.o $(API) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(API_LIBS)
