// SPDX-License-Identifier: Apache-2.0
/* EGETKEY and EREPORT: what each key depends on, which enclave gets which, and the report's MAC. */
#include "../keys.h"
#include "tap.h"

#define PROVISION_AND_LAUNCH (SGX_ATTRIBUTE_PROVISION_KEY | SGX_ATTRIBUTE_EINITTOKEN_KEY)

/* Everything a key may depend on, so that a test can change one thing. */
struct scene {
    struct key_platform platform;
    struct enclave_identity enclave;
    struct keyrequest request;
};

static void depends_on_what_the_table_says(void);
static void key_names_give_different_keys(void);
static void block_is_as_documented(void);
static void refuses_what_is_not_granted(void);
static void refuses_later_versions(void);
static void faults_on_malformed_requests(void);
static void target_can_check_a_report(void);
static void report_is_filled_in(void);
static void paths_agree(void);

int main(void)
{
    depends_on_what_the_table_says();
    key_names_give_different_keys();
    block_is_as_documented();
    refuses_what_is_not_granted();
    refuses_later_versions();
    faults_on_malformed_requests();
    target_can_check_a_report();
    report_is_filled_in();
    paths_agree();
    return done();
}

/* No two fields alike, no field zero, every attribute granted, KSS on. */
static struct scene full_scene(uint16_t keyname, uint16_t policy)
{
    struct scene scene = {0};
    uint64_t seed = 1;
    struct key_platform *platform = &scene.platform;
    fill_with_noise(&seed, platform->root_key, sizeof platform->root_key);
    fill_with_noise(&seed, platform->owner_epoch, sizeof platform->owner_epoch);
    fill_with_noise(&seed, platform->seal_fuses, sizeof platform->seal_fuses);
    memset(platform->cpusvn, 9, sizeof platform->cpusvn);

    struct enclave_identity *enclave = &scene.enclave;
    fill_with_noise(&seed, enclave->mrenclave, sizeof enclave->mrenclave);
    fill_with_noise(&seed, enclave->mrsigner, sizeof enclave->mrsigner);
    fill_with_noise(&seed, enclave->configid, sizeof enclave->configid);
    fill_with_noise(&seed, enclave->isvfamilyid, sizeof enclave->isvfamilyid);
    fill_with_noise(&seed, enclave->isvextprodid, sizeof enclave->isvextprodid);
    enclave->attributes.flags =
        SGX_ATTRIBUTE_INIT | SGX_ATTRIBUTE_MODE64BIT | SGX_ATTRIBUTE_KSS | PROVISION_AND_LAUNCH;
    enclave->attributes.xfrm = 0xe7;
    enclave->miscselect = 3;
    enclave->isvprodid = 0x1234;
    enclave->isvsvn = 20;
    enclave->configsvn = 30;

    struct keyrequest *request = &scene.request;
    request->keyname = keyname;
    request->keypolicy = policy;
    request->isvsvn = 15;
    request->configsvn = 25;
    memset(request->cpusvn, 7, sizeof request->cpusvn);
    request->attribute_mask = (struct sgx_attributes){.flags = SGX_ATTRIBUTE_MODE64BIT, .xfrm = 3};
    request->miscmask = 1;
    fill_with_noise(&seed, request->keyid, sizeof request->keyid);
    return scene;
}

static uint32_t get(const struct scene *scene, uint8_t key[AES128_SIZE])
{
    return egetkey(&scene->platform, &scene->enclave, &scene->request, key);
}

/* One thing a key may depend on: where it is in a scene, which bits to flip. */
struct influence {
    const char *name;
    size_t offset;
    uint8_t flip;
};

#define OF(field, bits) #field, offsetof(struct scene, field), bits
static const struct influence influences[] = {
    {OF(platform.root_key, 1)},
    {OF(platform.owner_epoch, 1)},
    {OF(platform.seal_fuses, 1)},
    {OF(platform.cpusvn, 2)},
    {OF(enclave.attributes.flags, 2)}, /* DEBUG, which no mask leaves out */
    {OF(enclave.attributes.xfrm, 1)},  /* in the mask */
    {OF(enclave.attributes.xfrm, 4)},  /* not in the mask */
    {OF(enclave.miscselect, 1)},       /* in the mask */
    {OF(enclave.miscselect, 2)},       /* not in the mask */
    {OF(enclave.isvprodid, 1)},
    {OF(enclave.isvsvn, 8)},
    {OF(enclave.configsvn, 1)},
    {OF(enclave.mrenclave, 1)},
    {OF(enclave.mrsigner, 1)},
    {OF(enclave.configid, 1)},
    {OF(enclave.isvfamilyid, 1)},
    {OF(enclave.isvextprodid, 1)},
    {OF(request.isvsvn, 1)},
    {OF(request.configsvn, 1)},
    {OF(request.cpusvn, 1)},
    {OF(request.attribute_mask.xfrm, 8)}, /* a bit that the enclave has not: only the mask */
    {OF(request.miscmask, 4)},            /* the same */
    {OF(request.keyid, 1)},
};
#define INFLUENCES (sizeof influences / sizeof influences[0])

/* The SDM's table, typed from it: a letter for each of `influences`, x where the key changes. */
static const struct {
    const char *name;
    uint16_t keyname;
    uint16_t policy;
    const char *changes;
} table[] = {
    {"EINITTOKEN", SGX_KEY_EINITTOKEN, 0, "xxx.xx.x.x...x...x.x..x"},
    {"PROVISION", SGX_KEY_PROVISION, 0, "x...xx.x.x...x...x.xxx."},
    {"PROVISION_SEAL", SGX_KEY_PROVISION_SEAL, 0, "x.x.xx.x.x...x...x.xxx."},
    {"PROVISION_SEAL, KSS", SGX_KEY_PROVISION_SEAL, 0x3c, "x.x.xx.x.....xxxxxxxxx."},
    {"REPORT", SGX_KEY_REPORT, 0, "xxxxxxxxx..xx.x.......x"},
    {"SEAL, no policy", SGX_KEY_SEAL, 0, "xxx.xx.x.x.......x.xxxx"},
    {"SEAL to MRENCLAVE", SGX_KEY_SEAL, 1, "xxx.xx.x.x..x....x.xxxx"},
    {"SEAL to MRSIGNER", SGX_KEY_SEAL, 2, "xxx.xx.x.x...x...x.xxxx"},
    {"SEAL, all policies", SGX_KEY_SEAL, 0x3f, "xxx.xx.x....xxxxxxxxxxx"},
};

static void depends_on_what_the_table_says(void)
{
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        const struct scene before = full_scene(table[row].keyname, table[row].policy);
        uint8_t key[AES128_SIZE], other[AES128_SIZE];
        bool right = strlen(table[row].changes) == INFLUENCES && get(&before, key) == 0;
        for (size_t i = 0; i < INFLUENCES; i++) {
            struct scene after = before;
            ((uint8_t *)&after)[influences[i].offset] ^= influences[i].flip;
            uint32_t error = get(&after, other);
            bool changed = memcmp(key, other, sizeof key) != 0;
            if (error != 0 || changed != (table[row].changes[i] == 'x')) {
                printf("# %s: %s ^ %u: error %u, changed %d\n", table[row].name, influences[i].name,
                       influences[i].flip, error, changed);
                right = false;
            }
        }
        char name[80];
        snprintf(name, sizeof name, "%s depends on what the SDM's table says", table[row].name);
        ok(right, name);
    }
}

static void key_names_give_different_keys(void)
{
    uint8_t keys[5][AES128_SIZE];
    bool different = true;
    for (uint16_t name = 0; name < 5; name++) {
        struct scene scene = full_scene(name, 0);
        different = different && get(&scene, keys[name]) == 0;
        for (uint16_t earlier = 0; earlier < name; earlier++)
            different = different && memcmp(keys[name], keys[earlier], AES128_SIZE) != 0;
    }
    ok(different, "every key name gives its own key");
}

/* docs/reference/simulated-keys.md, typed a second time: seals made today must open tomorrow. */
static void block_is_as_documented(void)
{
    struct scene scene = full_scene(SGX_KEY_SEAL, 0x3f);
    uint8_t block[648] = {0};
    from_hex(block, 40,
             "0400 0000 0f00 1900 3f00 0000 01000000 feffffff 00000000"
             "0500000000000000 0300000000000000");
    from_hex(block + 40, 16, "0400000000000000 0300000000000000");
    memcpy(block + 56, scene.enclave.isvfamilyid, 16);
    memcpy(block + 72, scene.enclave.isvextprodid, 16);
    memcpy(block + 88, scene.platform.owner_epoch, 16);
    memcpy(block + 104, scene.platform.seal_fuses, 16);
    memset(block + 120, 7, 16);
    memcpy(block + 136, scene.enclave.mrenclave, 32);
    memcpy(block + 168, scene.enclave.mrsigner, 32);
    memcpy(block + 200, scene.request.keyid, 32);
    memcpy(block + 232, scene.enclave.configid, 64);
    memset(block + 296, 0xff, 352);
    from_hex(block + 296, 2, "0001");
    from_hex(block + 648 - 20, 20, "003031300d060960864801650304020105000420");

    uint8_t key[AES128_SIZE], expected[AES128_SIZE];
    aes128_cmac(scene.platform.engine, scene.platform.root_key, block, sizeof block, expected);
    ok(get(&scene, key) == 0 && memcmp(key, expected, sizeof key) == 0,
       "a seal key is the CMAC of the documented block");
}

static uint32_t error_of(struct scene scene)
{
    uint8_t key[AES128_SIZE];
    memset(key, 0xa5, sizeof key);
    uint32_t error = get(&scene, key);
    /* A refusal must leave the output as it was; 0 would be read as a success here. */
    for (size_t i = 0; i < sizeof key; i++) {
        if (error != 0 && key[i] != 0xa5)
            return 0;
    }
    return error;
}

static void refuses_what_is_not_granted(void)
{
    struct scene launch = full_scene(SGX_KEY_EINITTOKEN, 0);
    launch.enclave.attributes.flags &= ~SGX_ATTRIBUTE_EINITTOKEN_KEY;
    struct scene provision = full_scene(SGX_KEY_PROVISION, 0);
    provision.enclave.attributes.flags &= ~SGX_ATTRIBUTE_PROVISION_KEY;
    struct scene seal = full_scene(SGX_KEY_PROVISION_SEAL, 0);
    seal.enclave.attributes.flags &= ~SGX_ATTRIBUTE_PROVISION_KEY;
    ok(error_of(launch) == SGX_INVALID_ATTRIBUTE && error_of(provision) == SGX_INVALID_ATTRIBUTE &&
           error_of(seal) == SGX_INVALID_ATTRIBUTE,
       "launch and provision keys need their attribute");

    struct scene unprivileged = full_scene(SGX_KEY_SEAL, 0);
    unprivileged.enclave.attributes.flags &= ~PROVISION_AND_LAUNCH;
    uint8_t key[AES128_SIZE];
    bool sealed = get(&unprivileged, key) == 0;
    unprivileged.request.keyname = SGX_KEY_REPORT;
    ok(sealed && get(&unprivileged, key) == 0, "seal and report keys need none");

    bool all = true;
    for (uint32_t name = 5; name <= UINT16_MAX; name++)
        all = all && error_of(full_scene((uint16_t)name, 0)) == SGX_INVALID_KEYNAME;
    ok(all, "every other key name is SGX_INVALID_KEYNAME");
}

static void refuses_later_versions(void)
{
    static const uint16_t names[] = {SGX_KEY_EINITTOKEN, SGX_KEY_PROVISION, SGX_KEY_PROVISION_SEAL,
                                     SGX_KEY_SEAL};
    bool isvsvn = true, cpusvn = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct scene scene = full_scene(names[i], 0);
        scene.request.isvsvn = scene.enclave.isvsvn;
        isvsvn = isvsvn && error_of(scene) == 0;
        scene.request.isvsvn++;
        isvsvn = isvsvn && error_of(scene) == SGX_INVALID_ISVSVN;
        for (size_t component = 0; component < 16; component++) {
            scene = full_scene(names[i], 0);
            scene.request.cpusvn[component] = 9;
            cpusvn = cpusvn && error_of(scene) == 0;
            scene.request.cpusvn[component] = 10;
            cpusvn = cpusvn && error_of(scene) == SGX_INVALID_CPUSVN;
        }
    }
    ok(isvsvn, "an ISVSVN beyond the enclave's is SGX_INVALID_ISVSVN");
    ok(cpusvn, "a CPUSVN beyond the platform's in any component is SGX_INVALID_CPUSVN");

    struct scene scene = full_scene(SGX_KEY_SEAL, 0);
    scene.request.configsvn = scene.enclave.configsvn;
    bool equal = error_of(scene) == 0;
    scene.request.configsvn++;
    bool seal = error_of(scene) == SGX_INVALID_ISVSVN;
    scene.request.keyname = SGX_KEY_PROVISION_SEAL;
    ok(equal && seal && error_of(scene) == SGX_INVALID_ISVSVN,
       "a CONFIGSVN beyond the enclave's is SGX_INVALID_ISVSVN");

    scene = full_scene(SGX_KEY_REPORT, 0);
    scene.request.isvsvn = UINT16_MAX;
    memset(scene.request.cpusvn, 0xff, sizeof scene.request.cpusvn);
    ok(error_of(scene) == 0, "the report key asks for no version");
}

static void faults_on_malformed_requests(void)
{
    bool reserved = true;
    for (size_t offset = 6; offset < sizeof(struct keyrequest); offset++) {
        if (offset >= 8 && offset < 78)
            continue;
        struct scene scene = full_scene(SGX_KEY_SEAL, 0);
        ((uint8_t *)&scene.request)[offset] = 1;
        reserved = reserved && error_of(scene) == SGX_RAISES_GP;
    }
    ok(reserved, "a reserved byte of KEYREQUEST that is not zero raises #GP");

    bool policy = true, kss = true;
    for (unsigned bit = 0; bit < 16; bit++) {
        struct scene scene = full_scene(SGX_KEY_SEAL, (uint16_t)(1u << bit));
        policy = policy && error_of(scene) == (bit < 6 ? 0 : SGX_RAISES_GP);
        scene.enclave.attributes.flags &= ~SGX_ATTRIBUTE_KSS;
        kss = kss && error_of(scene) == SGX_RAISES_GP; /* CONFIGSVN is 25 */
        scene.request.configsvn = 0;
        kss = kss && error_of(scene) == (bit < 2 ? 0 : SGX_RAISES_GP);
    }
    ok(policy, "an unknown policy raises #GP");
    ok(kss, "without KSS, its policies and CONFIGSVN raise #GP");

    struct scene scene = full_scene(99, 0x8000);
    ok(error_of(scene) == SGX_RAISES_GP, "#GP comes before any error code");
}

static struct targetinfo target_of(const struct enclave_identity *enclave)
{
    struct targetinfo target = {
        .attributes = enclave->attributes,
        .miscselect = enclave->miscselect,
        .configsvn = enclave->configsvn,
    };
    memcpy(target.mrenclave, enclave->mrenclave, sizeof target.mrenclave);
    memcpy(target.configid, enclave->configid, sizeof target.configid);
    return target;
}

/* Whether `enclave` finds a report genuine: it asks for its report key and computes the MAC. */
static bool accepts(const struct key_platform *platform, const struct enclave_identity *enclave,
                    const struct report *report)
{
    struct keyrequest request = {.keyname = SGX_KEY_REPORT};
    uint8_t key[AES128_SIZE], mac[AES128_SIZE];
    memcpy(request.keyid, report->keyid, sizeof request.keyid);
    if (egetkey(platform, enclave, &request, key) != 0)
        return false;
    aes128_cmac(platform->engine, key, report, REPORT_BODY_SIZE, mac);
    return memcmp(mac, report->mac, sizeof mac) == 0;
}

static void target_can_check_a_report(void)
{
    struct scene reporter = full_scene(SGX_KEY_SEAL, 0);
    struct scene verifier = full_scene(SGX_KEY_SEAL, 0);
    verifier.enclave.mrenclave[3] ^= 1;
    struct targetinfo target = target_of(&verifier.enclave);
    uint8_t data[REPORT_DATA_SIZE] = "asked by the verifier", keyid[KEYID_SIZE] = {4, 5, 6};
    struct report report;
    ereport(&reporter.platform, &reporter.enclave, &target, data, keyid, &report);
    ok(accepts(&verifier.platform, &verifier.enclave, &report), "the target accepts a report");
    ok(!accepts(&reporter.platform, &reporter.enclave, &report), "no other enclave does");

    struct key_platform elsewhere = verifier.platform;
    elsewhere.root_key[0] ^= 1;
    ok(!accepts(&elsewhere, &verifier.enclave, &report), "no other platform does");

    bool refused = true;
    for (size_t offset = 0; offset < sizeof report; offset++) {
        struct report changed = report;
        ((uint8_t *)&changed)[offset] ^= 1;
        refused = refused && !accepts(&verifier.platform, &verifier.enclave, &changed);
    }
    ok(refused, "a report with any byte changed is refused");
}

static void report_is_filled_in(void)
{
    struct scene scene = full_scene(SGX_KEY_SEAL, 0);
    struct targetinfo target = target_of(&scene.enclave);
    uint8_t data[REPORT_DATA_SIZE], keyid[KEYID_SIZE];
    uint64_t seed = 99;
    fill_with_noise(&seed, data, sizeof data);
    fill_with_noise(&seed, keyid, sizeof keyid);
    struct report report;
    ereport(&scene.platform, &scene.enclave, &target, data, keyid, &report);

    uint8_t expected[416] = {0};
    memset(expected, 9, 16);
    from_hex(expected + 16, 4, "03000000");
    memcpy(expected + 32, scene.enclave.isvextprodid, 16);
    from_hex(expected + 48, 16, "b500000000000000 e700000000000000");
    memcpy(expected + 64, scene.enclave.mrenclave, 32);
    memcpy(expected + 128, scene.enclave.mrsigner, 32);
    memcpy(expected + 192, scene.enclave.configid, 64);
    from_hex(expected + 256, 6, "3412 1400 1e00");
    memcpy(expected + 304, scene.enclave.isvfamilyid, 16);
    memcpy(expected + 320, data, 64);
    memcpy(expected + 384, keyid, 32);
    ok(memcmp(&report, expected, sizeof expected) == 0, "a report is laid out as the SDM says");
}

static void paths_agree(void)
{
    struct scene scene = full_scene(SGX_KEY_SEAL, 3);
    uint8_t one[AES128_SIZE], other[AES128_SIZE];
    bool made = get(&scene, one) == 0;
    scene.platform.engine = crypto_engine_detect();
    if (!scene.platform.engine.aes) {
        skip("keys are the same with AES-NI", "this processor has no AES-NI");
        return;
    }
    ok(made && get(&scene, other) == 0 && memcmp(one, other, sizeof one) == 0,
       "keys are the same with AES-NI");
}
