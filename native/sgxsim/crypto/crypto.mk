# The simulator's pure parts: no system call, no libc beyond memcpy and memset, no state of their own.
SGXSIM_CRYPTO := $(addprefix sgxsim/crypto/,engine.c sha256.c aes_cmac.c rsa3072.c sigstruct.c \
	measure.c keys.c elf_parse.c)
SGXSIM_CRYPTO_HEADERS := $(wildcard sgxsim/crypto/*.h sgxsim/crypto/tests/*.h)
SGXSIM_CRYPTO_TESTS := $(addprefix $(B)/tests/sgxsim-,sha256 aes_cmac sigstruct keys elf_parse)
# Not under tests/, where everything is run as it is: tests/sgxsim-crypto/ gives it its arguments.
SGXSIM_CRYPTO_DRIVER := $(B)/drivers/sgxsim-crypto
TESTS += $(SGXSIM_CRYPTO_TESTS) $(SGXSIM_CRYPTO_DRIVER)
$(SGXSIM_CRYPTO_TESTS): $(B)/tests/sgxsim-%: sgxsim/crypto/tests/%_test.c $(SGXSIM_CRYPTO) \
		$(SGXSIM_CRYPTO_HEADERS) | $(B)/tests/
	$(HOSTED) -o $@ $(filter %.c,$^)
$(SGXSIM_CRYPTO_DRIVER): sgxsim/crypto/tests/driver.c $(SGXSIM_CRYPTO) $(SGXSIM_CRYPTO_HEADERS) \
		| $(B)/drivers/
	$(HOSTED) -o $@ $(filter %.c,$^)
