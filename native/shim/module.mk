SHIM_MONITOR := $(addprefix shim/,monitor.c control.c watch.c terminal.c events.c) \
	front/packet.c front/program.c runelet/record.c
SHIM_HEADERS := shim/monitor.h front/planner.h runelet/record.h
PROGRAMS += $(B)/lib/shim-monitor
$(B)/lib/shim-monitor: shim/main.c $(SHIM_MONITOR) $(SHIM_HEADERS) | $(B)/lib/
	$(STATIC) -o $@ $(filter %.c,$^)

# Unit tests: the monitor as a server sees it, from the other end of its sockets.
TESTS += $(B)/tests/shim-monitor
$(B)/tests/shim-monitor: shim/tests/monitor_test.c $(SHIM_MONITOR) $(SHIM_HEADERS) pal/tests/tap.h | $(B)/tests/
	$(HOSTED) -o $@ $(filter %.c,$^)
