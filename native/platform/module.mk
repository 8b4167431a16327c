# Starts the platform service on demand.
PROGRAMS += $(B)/lib/platform-launch
$(B)/lib/platform-launch: platform/launch.c | $(B)/lib/
	$(STATIC) -o $@ $<

# Unit tests: it and the engine that it executes are one hosted program.
TESTS += $(B)/tests/platform-launch
$(B)/tests/platform-launch: platform/tests/launch_test.c platform/launch.c pal/tests/tap.h | $(B)/tests/
	$(HOSTED) -o $@ $<
