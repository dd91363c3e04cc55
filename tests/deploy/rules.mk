# What deploy/ holds, by the programs that read it: configs.sh and prometheus.sh in `make test`;
# the rest, which needs more packages, in `make deploy-check`.
deploy-deps: deps
	@sh deploy/deps.sh haproxy nginx-light prometheus
deploy-check: deploy-deps $(BUILD)/descentd
	@sh deploy/deps.sh docker-compose systemd
	@command -v npm >/dev/null || sh deploy/deps.sh nodejs npm
	@mkdir -p $(BUILD)/npm
	cd $(BUILD)/npm && npm install --silent --no-save --no-package-lock kubernetes-models js-yaml
	NODE_PATH=$(BUILD)/npm/node_modules node tests/deploy/manifests.cjs deploy/kubernetes
	sh tests/deploy/compose.sh
	DESCENTD=$(BUILD)/descentd sh tests/deploy/configs.sh
	DESCENTD=$(BUILD)/descentd sh tests/deploy/prometheus.sh
# Both compose files brought up for real: needs docker or what speaks like it.
compose-test: deps $(LOAD)
	@LOAD=$(LOAD) sh tests/deploy/compose-run.sh
.PHONY: deploy-deps deploy-check compose-test
