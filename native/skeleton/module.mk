# The sample enclave runtime: its enclave, and one PAL for each version of the PAL API.
# encl.ss is made from encl.bin by scripts/sign-skeleton.ts.
SKELETON     := $(B)/skeleton
SKELETON_PAL := device image layout launch measure sigstruct_check enclave_error enter vdso \
                enclave output options runtime processes
SKELETON_OBJ := $(SKELETON_PAL:%=$(SKELETON)/%.o) $(SKELETON)/enter_asm.o $(SKELETON)/sha256.o
SKELETON_H   := $(wildcard skeleton/*.h) $(wildcard sgxsim/crypto/*.h) include/enclave_runtime_pal.h

PROGRAMS += $(B)/lib/encl.bin $(B)/lib/liberpal-skeleton-v1.so $(B)/lib/liberpal-skeleton-v2.so \
            $(B)/lib/liberpal-skeleton-v3.so

# General registers only: what the host left in vector registers stays there untouched, and nothing
# of the enclave's can get into them. No stack protector: its canary would be at FS, in the TCS page.
# UBSan in trap mode: undefined behaviour ends in an exception, not in something an attacker chose.
ENCLAVE_FLAGS := -std=c11 -O2 -g $(WARN) -ffreestanding -nostdlib -fpie -fvisibility=hidden \
                 -mgeneral-regs-only -mno-red-zone -fno-stack-protector -fcf-protection=none \
                 -fno-jump-tables -fno-asynchronous-unwind-tables \
                 -fsanitize=undefined -fsanitize-undefined-trap-on-error

$(SKELETON)/encl.elf: skeleton/enclave/enclave.c skeleton/enclave/entry.S skeleton/enclave/encl.lds $(RULES) | $(SKELETON)/
	$(CC) $(ENCLAVE_FLAGS) -static -no-pie -Wl,-T,skeleton/enclave/encl.lds,--build-id=none \
	    -Wl,-z,noexecstack,-z,max-page-size=4096,--orphan-handling=error,--no-warn-rwx-segments \
	    -o $@ skeleton/enclave/enclave.c skeleton/enclave/entry.S
$(B)/lib/encl.bin: $(SKELETON)/encl.elf | $(B)/lib/
	objcopy -O binary --gap-fill 0 $< $@

SKELETON_CFLAGS := $(CFLAGS) -fPIC -fvisibility=hidden -fstack-protector-strong -Iinclude -I.

$(SKELETON)/enter_asm.o: skeleton/enter.S $(RULES) | $(SKELETON)/
	$(CC) -c -o $@ $<
$(SKELETON)/%.o: skeleton/%.c $(SKELETON_H) $(RULES) | $(SKELETON)/
	$(CC) $(SKELETON_CFLAGS) -c -o $@ $<
# The simulator's, without its special instructions: a PAL may run where CPUID faults.
$(SKELETON)/sha256.o: sgxsim/crypto/sha256.c $(SKELETON_H) $(RULES) | $(SKELETON)/
	$(CC) $(SKELETON_CFLAGS) -c -o $@ $<
# Loaded before pivot_root and run after it: nothing may be bound or opened later.
$(B)/lib/liberpal-skeleton-%.so: $(SKELETON)/pal_%.o $(SKELETON_OBJ) | $(B)/lib/
	$(CC) -shared -Wl,-z,now,-z,relro,-z,noexecstack,-z,defs,--build-id=none -o $@ $(filter %.o,$^)
.PRECIOUS: $(SKELETON)/%.o

TESTS += $(B)/tests/skeleton-formats
$(B)/tests/skeleton-formats: skeleton/tests/formats_test.c $(addprefix skeleton/,image.c layout.c \
    measure.c options.c output.c processes.c sigstruct_check.c) sgxsim/crypto/sha256.c $(SKELETON_H) | $(B)/tests/
	$(HOSTED) -Iinclude -I. -o $@ $(filter %.c,$^)
