# The default enclave runtime: the trusted part as an archive that `sgx-tools build-wasm` links with
# a program, and the PAL. See docs/protocol/wasm-enclave.md.
WASM     := $(B)/wasm
WASM_H   := $(wildcard wasm/*/*.h) $(wildcard wasm/*/*/*.h) $(wildcard skeleton/*.h) \
            $(wildcard sgxsim/crypto/*.h) include/enclave_runtime_pal.h

PROGRAMS += $(B)/lib/libenclave-wasm.a $(B)/lib/liberpal-wasm.so

# No debug information, whose paths would differ from machine to machine. The canary is at GS, in
# the thread page: FS is the linear memory. UBSan in trap mode: undefined behaviour ends in an
# exception, not in something an attacker chose.
WASM_TRUSTED_FLAGS := -std=c11 -O2 $(WARN) -ffreestanding -fbuiltin -fPIE -fvisibility=hidden \
    -march=x86-64-v2 -mno-red-zone -fcf-protection=none -fno-asynchronous-unwind-tables \
    -fno-ident -fno-strict-aliasing -fstack-clash-protection -fstack-protector-strong \
    -mstack-protector-guard=tls -mstack-protector-guard-reg=gs -mstack-protector-guard-offset=48 \
    -fno-jump-tables -fsanitize=undefined -fsanitize-undefined-trap-on-error \
    -DWASM_RT_MEMCHECK_SIGNAL_HANDLER=1 -DWASM_RT_SKIP_SIGNAL_RECOVERY=1 \
    -DWASM_RT_USE_STACK_DEPTH_COUNT=0 -I. -Iwasm -Iwasm/trusted

WASM_TRUSTED := $(patsubst wasm/trusted/%.c,%,$(wildcard wasm/trusted/*.c wasm/trusted/*/*.c))
WASM_TRUSTED_OBJ := $(WASM_TRUSTED:%=$(WASM)/trusted/%.o) $(WASM)/trusted/entry.o $(WASM)/trusted/sha256.o

$(WASM)/trusted/entry.o: wasm/trusted/entry.S $(RULES) | $(WASM)/trusted/
	$(CC) -c -o $@ $<
# The simulator's, without its special instructions: an enclave cannot ask what the processor has.
$(WASM)/trusted/sha256.o: sgxsim/crypto/sha256.c $(WASM_H) $(RULES) | $(WASM)/trusted/
	$(CC) $(WASM_TRUSTED_FLAGS) -c -o $@ $<
$(WASM)/trusted/plain_memory.o: WASM_TRUSTED_FLAGS += -fno-builtin -fno-tree-loop-distribute-patterns
$(WASM)/trusted/aes_gcm.o: WASM_TRUSTED_FLAGS += -maes -mpclmul
$(WASM)/trusted/%.o: wasm/trusted/%.c $(WASM_H) $(RULES) | $(WASM)/trusted/wasi/
	$(CC) $(WASM_TRUSTED_FLAGS) -c -o $@ $<
$(B)/lib/libenclave-wasm.a: $(WASM_TRUSTED_OBJ) | $(B)/lib/
	rm -f $@
	ar rcsD $@ $(filter %.o,$^)

WASM_PAL      := $(patsubst wasm/pal/%.c,%,$(wildcard wasm/pal/*.c))
WASM_SHARED   := device enclave_error options output sigstruct_check vdso
WASM_PAL_OBJ  := $(WASM_PAL:%=$(WASM)/pal/%.o) $(WASM)/pal/enter_asm.o \
                 $(WASM_SHARED:%=$(WASM)/skeleton/%.o) $(SKELETON)/sha256.o
WASM_PAL_FLAGS := $(CFLAGS) -fPIC -fvisibility=hidden -fstack-protector-strong -Iinclude -I. -Iwasm \
                  -Iskeleton -DOUTPUT_NAME='"wasm"'

$(WASM)/pal/enter_asm.o: wasm/pal/enter.S $(RULES) | $(WASM)/pal/
	$(CC) -c -o $@ $<
$(WASM)/pal/%.o: wasm/pal/%.c $(WASM_H) $(RULES) | $(WASM)/pal/
	$(CC) $(WASM_PAL_FLAGS) -c -o $@ $<
$(WASM)/skeleton/%.o: skeleton/%.c $(WASM_H) $(RULES) | $(WASM)/skeleton/
	$(CC) $(WASM_PAL_FLAGS) -c -o $@ $<
# Loaded before pivot_root and run after it: nothing may be bound or opened later.
$(B)/lib/liberpal-wasm.so: $(WASM_PAL_OBJ) | $(B)/lib/
	$(CC) -shared -Wl,-z,now,-z,relro,-z,noexecstack,-z,defs,--build-id=none -o $@ $(filter %.o,$^)

# The trusted runtime as a program, with hosts that lie.
WASM_HOSTED_C := $(filter-out wasm/trusted/main.c wasm/trusted/heap.c wasm/trusted/plain_memory.c \
                 wasm/trusted/instructions.c, $(wildcard wasm/trusted/*.c wasm/trusted/wasi/*.c)) \
                 sgxsim/crypto/sha256.c
WASM_HOSTED   := $(HOSTED) -maes -mpclmul -mssse3 -DWASM_RT_MEMCHECK_SIGNAL_HANDLER=1 \
                 -DWASM_RT_SKIP_SIGNAL_RECOVERY=1 -DWASM_RT_USE_STACK_DEPTH_COUNT=0 \
                 -DOUTPUT_NAME='"wasm"' -Iinclude -I. -Iwasm -Iwasm/trusted -Iskeleton

TESTS += $(B)/tests/wasm-lying-host
$(B)/tests/wasm-lying-host: wasm/tests/fuzz_test.c wasm/tests/hosted.c $(WASM_HOSTED_C) $(addprefix wasm/pal/, \
    services.c names.c network.c aesm.c) skeleton/output.c $(WASM_H) wasm/tests/hosted.h | $(B)/tests/
	$(WASM_HOSTED) -o $@ $(filter %.c,$^)

TESTS += $(B)/tests/wasm-crypto
$(B)/tests/wasm-crypto: wasm/tests/crypto_test.c wasm/tests/crypto_stand_ins.c $(addprefix wasm/trusted/, \
    aes_gcm.c heap.c keys.c protected_names.c) sgxsim/crypto/sha256.c $(WASM_H) | $(B)/tests/
	$(WASM_HOSTED) -o $@ $(filter %.c,$^)

TESTS += $(B)/tests/wasm-processor
$(B)/tests/wasm-processor: wasm/tests/processor_test.c wasm/pal/processor.c skeleton/output.c $(WASM_H) | $(B)/tests/
	$(WASM_HOSTED) -o $@ $(filter %.c,$^)
