# The PAL that starts Gramine: nothing of Gramine is in it, and nothing is bound later.
PROGRAMS += $(B)/lib/liberpal-gramine.so

$(B)/lib/liberpal-gramine.so: gramine/pal.c include/enclave_runtime_pal.h $(RULES) | $(B)/lib/
	$(CC) $(CFLAGS) -fPIC -fvisibility=hidden -fstack-protector-strong -Iinclude -shared \
	    -Wl,-z,now,-z,relro,-z,noexecstack,-z,defs,--build-id=none -o $@ $<
