# The engine's way to the kernel. Its Node-API symbols are the engine's.
PROGRAMS += $(B)/lib/kernel.node
$(B)/lib/kernel.node: kernel/addon.c kernel/node_api.h | $(B)/lib/
	$(CC) $(CFLAGS) -shared -fPIC -fvisibility=hidden -Wl,-z,relro,-z,now,-z,noexecstack -s -o $@ $<
