# The load generator and what it compares with.  None of it is installed.

BENCH_DIR := $(B)/bench

$(B)/postern-bench: $(call objs,bench) $(SAN_OBJ)
	$(call say,LD,$@)$(link) $(TLS_LIBS) $(JSON_LIBS)

$(BENCH_DIR)/plain-echo: $(B)/bench/peers/plain-echo.o $(SAN_OBJ)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(link)

# Left out where there is no Go; the comparison says so.
$(BENCH_DIR)/go-echo: bench/peers/go-echo.go
	@mkdir -p $(@D)
	$(call say,GO,$@)if command -v go >/dev/null; then \
		GOCACHE=$(abspath $(B))/go-cache GOFLAGS=-trimpath \
		go build -o $@ $<; fi

.PHONY: bench-programs bench bench-quick
bench-programs: $(B)/postern-bench $(BENCH_DIR)/plain-echo $(BENCH_DIR)/go-echo

bench: all bench-programs
	@python3 bench/run.py --build $(B) $(BENCH)

bench-quick: all bench-programs
	@python3 bench/run.py --build $(B) --quick $(BENCH)
