# Replicas behind a balancer, and hosts that are cut off: in a short form in `make test`, in the
# long one in `make cluster-test`.
LOAD := $(BUILD)/tests/cluster/load
$(LOAD): %: %.o
	$(call say,link $@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcurl
cluster-deps: http-deps deploy-deps
	@sh deploy/deps.sh iproute2
cluster-test: cluster-deps $(BUILD)/descentd $(LOAD)
	@DESCENTD=$(CURDIR)/$(BUILD)/descentd LOAD=$(LOAD) KILLS=$(or $(KILLS),100) ROLLS=$(or $(ROLLS),100) \
	  RESTARTS=$(or $(RESTARTS),20) JOBS=$(or $(JOBS),40) RATE=$(or $(RATE),1000) sh tests/cluster/test_cluster.sh
	@DESCENTD=$(CURDIR)/$(BUILD)/descentd LOAD=$(LOAD) CUTS=$(or $(CUTS),20) \
	  sh tests/cluster/test_partition.sh
cluster-demo: cluster-deps $(BUILD)/descentd $(LOAD)
	@DESCENTD=$(CURDIR)/$(BUILD)/descentd LOAD=$(LOAD) sh deploy/cluster-demo.sh
.PHONY: cluster-deps cluster-test cluster-demo
