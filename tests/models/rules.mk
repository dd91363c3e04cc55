# Imports of the models in the folder DATA; a part of test-data. Links the api's reader of
# tensors, in which ONNX's cases have their inputs and outputs.
CHECK_MODELS := $(BUILD)/tests/models/check_models
$(CHECK_MODELS): %: %.o $(HTTP_KIT) $(API) $(ENGINE)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcurl $(API_LIBS)
