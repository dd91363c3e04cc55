# Exported models under the programs of those who wrote the format: onnx's checker, from
# Debian, and onnxruntime-node, from npm, in $(BUILD)/onnxruntime.
ONNXRUNTIME := $(BUILD)/onnxruntime/node_modules
ONNX_TEST := $(BUILD)/tests/onnx/test_onnxruntime
$(ONNX_TEST): %: %.o $(HTTP_KIT)
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcurl -ljansson -lz -lm

onnx-deps: deps
	@sh deploy/deps.sh python3-onnx nodejs
	@command -v npm >/dev/null || sh deploy/deps.sh npm
# Its CPU library is in the package; the script that it would run fetches others.
$(ONNXRUNTIME): tests/onnx/package.json tests/onnx/package-lock.json | onnx-deps
	@mkdir -p $(@D) && cp $^ $(@D)
	$(call say,npm onnxruntime-node)
	$(Q)npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	@touch $@
test-onnx: onnx-deps $(ONNXRUNTIME) $(BUILD)/descentd $(ONNX_TEST)
	@$(RUN) $(ONNX_TEST)
.PHONY: onnx-deps test-onnx
