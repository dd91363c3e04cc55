# The golden files by their scripts, the curves by torch besides: `make golden`.
golden:
	@sh deploy/deps.sh python3-numpy python3-torch python3-sklearn python3-onnx
	@sh tests/golden/check.sh
.PHONY: golden
