include sgxsim/crypto/crypto.mk

# The simulated platform: freestanding, static, at a fixed address (layout.h). Undefined behaviour
# traps; general registers only, because part of it runs between a program and its enclave.
SGXSIM_SOURCES := $(addprefix sgxsim/,base.c log.c lock.c user_memory.c own_memory.c thread.c thunks.c clone.c \
	dispositions.c altstack.c mask.c deliver.c handler.c traps.c filter.c nodes.c self_path.c \
	program.c exec.c exec_self.c options.c driver.c loader.c start.c start_stack.c process_name.c \
	vdso_link.c xstate.c platform.c cpuid.c enclave.c epc.c enclave_file.c structures.c illegal.c maps.c device.c build.c edmm.c legacy.c enclu.c \
	accept.c enter.c fast_enter.c fast_exit.c fidelity.c exit_stubs.c exits.c segment_bases.c service.c service_frames.c)
SGXSIM_HEADERS := $(wildcard sgxsim/*.h) $(SGXSIM_CRYPTO_HEADERS)
SGXSIM_BUILD := $(B)/sgxsim
SGXSIM_FLAGS := -std=gnu11 -O2 -g $(MAPPED) $(WARN) -ffreestanding -fpie -fvisibility=hidden \
	-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
	-fsanitize=undefined -fsanitize-undefined-trap-on-error -Wframe-larger-than=20480
SGXSIM_OBJECTS := $(SGXSIM_SOURCES:sgxsim/%.c=$(SGXSIM_BUILD)/%.o) \
	$(SGXSIM_CRYPTO:sgxsim/crypto/%.c=$(SGXSIM_BUILD)/crypto-%.o) \
	$(addprefix $(SGXSIM_BUILD)/,gate.o entry.o exit_stub.o)

PROGRAMS += $(B)/lib/sgxsim
TESTS += $(B)/tests/sgxsim-structures
$(B)/tests/sgxsim-structures: sgxsim/tests/structures_test.c sgxsim/structures.c \
		sgxsim/enclave_file.c sgxsim/illegal.c $(SGXSIM_HEADERS) | $(B)/tests/
	$(HOSTED) -o $@ $(filter %.c,$^)

TESTS += $(B)/tests/sgxsim-service
$(B)/tests/sgxsim-service: sgxsim/tests/service_frames_test.c sgxsim/service_frames.c $(SGXSIM_HEADERS) | $(B)/tests/
	$(HOSTED) -o $@ $(filter %.c,$^)

$(SGXSIM_BUILD)/%.o: sgxsim/%.c $(SGXSIM_HEADERS) $(RULES) | $(SGXSIM_BUILD)/
	$(CC) $(SGXSIM_FLAGS) -mgeneral-regs-only -c -o $@ $<
$(SGXSIM_BUILD)/crypto-%.o: sgxsim/crypto/%.c $(SGXSIM_HEADERS) $(RULES) | $(SGXSIM_BUILD)/
	$(CC) $(SGXSIM_FLAGS) -c -o $@ $<
$(SGXSIM_BUILD)/%.o: sgxsim/%.S sgxsim/layout.h $(RULES) | $(SGXSIM_BUILD)/
	$(CC) -c -Wa,-I$(SGXSIM_BUILD) -o $@ $<
$(SGXSIM_BUILD)/entry.o: $(SGXSIM_BUILD)/vdso.so
$(SGXSIM_BUILD)/vdso.so: sgxsim/vdso/vdso.S sgxsim/vdso/vdso.lds sgxsim/vdso/vdso.map sgxsim/layout.h $(RULES) \
		| $(SGXSIM_BUILD)/
	$(CC) -c -o $(SGXSIM_BUILD)/vdso.o $<
	ld -shared -T sgxsim/vdso/vdso.lds --version-script sgxsim/vdso/vdso.map \
		-soname linux-vdso.so.1 --hash-style=both -Bsymbolic -z noexecstack --build-id=none \
		-o $@ $(SGXSIM_BUILD)/vdso.o
$(B)/lib/sgxsim: $(SGXSIM_OBJECTS) sgxsim/sgxsim.lds sgxsim/layout.h | $(B)/lib/
	$(CC) -E -P -x c sgxsim/sgxsim.lds -o $(SGXSIM_BUILD)/sgxsim.lds
	ld -static -T $(SGXSIM_BUILD)/sgxsim.lds -z max-page-size=4096 -z noexecstack --build-id=none \
		--fatal-warnings -o $(SGXSIM_BUILD)/sgxsim.debug $(SGXSIM_OBJECTS)
	strip -o $@ $(SGXSIM_BUILD)/sgxsim.debug
