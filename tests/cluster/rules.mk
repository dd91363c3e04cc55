# Replicas behind a balancer: a short form of test_cluster.sh in `make test`, the long one in
# `make cluster-test`.
LOAD := $(BUILD)/tests/cluster/load
$(LOAD): %: %.o
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcurl
cluster-test: http-deps deploy-deps $(BUILD)/descentd $(LOAD)
	@DESCENTD=$(CURDIR)/$(BUILD)/descentd LOAD=$(LOAD) KILLS=$(or $(KILLS),100) ROLLS=$(or $(ROLLS),100) \
	  RESTARTS=$(or $(RESTARTS),20) JOBS=$(or $(JOBS),40) RATE=$(or $(RATE),1000) sh tests/cluster/test_cluster.sh
cluster-demo: http-deps deploy-deps $(BUILD)/descentd $(LOAD)
	@DESCENTD=$(CURDIR)/$(BUILD)/descentd LOAD=$(LOAD) sh deploy/cluster-demo.sh
.PHONY: cluster-test cluster-demo
