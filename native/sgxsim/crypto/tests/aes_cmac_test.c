// SPDX-License-Identifier: Apache-2.0
/* AES-128-CMAC against RFC 4493, and its two paths against each other. */
#include "../aes_cmac.h"
#include "tap.h"

static const struct crypto_engine portable = {0};

static void rfc4493(struct crypto_engine engine, const char *path);
static void paths_agree(struct crypto_engine native);
static void mac_may_overwrite_the_key(void);

int main(void)
{
    struct crypto_engine native = crypto_engine_detect();
    rfc4493(portable, "portable");
    if (native.aes) {
        rfc4493(native, "AES-NI");
        paths_agree(native);
    } else {
        skip("AES-NI and portable agree", "this processor has no AES-NI");
    }
    mac_may_overwrite_the_key();
    return done();
}

/* RFC 4493, section 4. */
static const char *const rfc_key = "2b7e151628aed2a6abf7158809cf4f3c";
static const char *const rfc_message =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
static const struct {
    size_t size;
    const char *mac;
} rfc_examples[] = {
    {0, "bb1d6929e95937287fa37d129b756746"},
    {16, "070a16b46b4d4144f79bdd9dd04a287c"},
    {40, "dfa66747de9ae63030ca32611497c827"},
    {64, "51f0bebf7e3b9d92fc49741779363cfe"},
};

static void rfc4493(struct crypto_engine engine, const char *path)
{
    uint8_t key[AES128_SIZE], message[64], mac[AES128_SIZE];
    from_hex(key, sizeof key, rfc_key);
    from_hex(message, sizeof message, rfc_message);
    for (size_t i = 0; i < sizeof rfc_examples / sizeof rfc_examples[0]; i++) {
        char name[80];
        aes128_cmac(engine, key, message, rfc_examples[i].size, mac);
        snprintf(name, sizeof name, "RFC 4493 example %zu, %s", i + 1, path);
        ok(is_hex(mac, sizeof mac, rfc_examples[i].mac), name);
    }
}

static void paths_agree(struct crypto_engine native)
{
    uint64_t seed = 4493;
    bool same = true;
    for (int i = 0; i < 500; i++) {
        uint8_t key[AES128_SIZE], message[256], one[AES128_SIZE], other[AES128_SIZE];
        size_t size = noise(&seed) % (sizeof message + 1);
        fill_with_noise(&seed, key, sizeof key);
        fill_with_noise(&seed, message, size);
        aes128_cmac(portable, key, message, size, one);
        aes128_cmac(native, key, message, size, other);
        same = same && memcmp(one, other, sizeof one) == 0;
    }
    ok(same, "AES-NI and portable agree");
}

static void mac_may_overwrite_the_key(void)
{
    uint8_t key[AES128_SIZE];
    from_hex(key, sizeof key, rfc_key);
    aes128_cmac(portable, key, NULL, 0, key);
    ok(is_hex(key, sizeof key, rfc_examples[0].mac), "the MAC may take the key's place");
}
