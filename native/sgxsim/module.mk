include sgxsim/crypto/crypto.mk
