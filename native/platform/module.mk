# Starts the platform service on demand.
PROGRAMS += $(B)/lib/platform-launch
$(B)/lib/platform-launch: platform/launch.c | $(B)/lib/
	$(STATIC) -o $@ $<
