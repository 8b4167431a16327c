// SPDX-License-Identifier: Apache-2.0
/* AES-GCM, HMAC, names and the runtime's heap against published vectors. Prints TAP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trusted/aes_gcm.h"
#include "trusted/heap.h"
#include "trusted/keys.h"
#include "trusted/protected_names.h"

static int count, failures;

static void check(bool ok, const char *name)
{
    printf("%sok %d - %s\n", ok ? "" : "not ", ++count, name);
    failures += !ok;
}

static size_t from_hex(const char *text, uint8_t *bytes)
{
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++) {
        unsigned value;
        sscanf(text + 2 * i, "%2x", &value);
        bytes[i] = (uint8_t)value;
    }
    return size;
}

/* The test cases of McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B. */
static const struct {
    const char *name, *key, *nonce, *text, *data, *encrypted, *tag;
} vectors[] = {
    {"GCM test case 1", "00000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {"GCM test case 2", "00000000000000000000000000000000", "000000000000000000000000",
     "00000000000000000000000000000000", "", "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {"GCM test case 4", "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b"
     "5"
     "25b16aedf5aa0de657ba637b39",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84a"
     "a"
     "051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
};

static void check_vectors(void)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint8_t key[16], nonce[12], text[64], data[32], wanted[64], tag[16], out[64], made[16];
        struct aes_gcm gcm;
        from_hex(vectors[i].key, key);
        from_hex(vectors[i].nonce, nonce);
        from_hex(vectors[i].tag, tag);
        size_t size = from_hex(vectors[i].text, text), more = from_hex(vectors[i].data, data);
        from_hex(vectors[i].encrypted, wanted);
        aes_gcm_init(&gcm, key);
        aes_gcm_encrypt(&gcm, nonce, data, more / 3, data + more / 3, more - more / 3, text, out,
                        size, made);
        bool ok = memcmp(out, wanted, size) == 0 && memcmp(made, tag, 16) == 0;
        ok &= aes_gcm_decrypt(&gcm, nonce, data, more, NULL, 0, out, out, size, tag) &&
              memcmp(out, text, size) == 0;
        tag[15] ^= 1;
        ok &= !aes_gcm_decrypt(&gcm, nonce, data, more, NULL, 0, wanted, out, size, tag);
        check(ok, vectors[i].name);
    }
}

static void check_hmac(void)
{
    /* RFC 4231, 4.3 */
    uint8_t wanted[32], mac[32];
    from_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", wanted);
    hmac((const uint8_t *)"Jefe", 4, "what do ya want ", 16, "for nothing?", 12, mac);
    check(memcmp(mac, wanted, 32) == 0, "HMAC-SHA-256, RFC 4231 test case 2");
}

/* Names of three lengths: the last digit has 0, 2 or 4 bits to spare. */
static void check_one_spelling(const struct name_keys *keys)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const char *const names[] = {"ab", "abc", "abcd"};
    int accepted = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *path = NULL, spelling[HOST_NAME_MAX + 2], name[PROTECTED_NAME_MAX + 1];
        if (name_encrypt_path(keys, names[i], &path) != 0)
            exit(1);
        size_t length = strlen(path);
        for (const char *digit = alphabet; *digit != '\0'; digit++) {
            memcpy(spelling, path, length + 1);
            spelling[length - 1] = *digit;
            accepted += name_decrypt(keys, "", spelling, name);
            memcpy(spelling, path, length);
            spelling[length] = *digit;
            spelling[length + 1] = '\0';
            accepted += name_decrypt(keys, "", spelling, name);
        }
        heap_free(path);
    }
    check(accepted == 3, "a name has one spelling");
}

static void check_names(void)
{
    static const uint8_t master[16] = "a master key";
    struct name_keys keys;
    char *path = NULL, name[PROTECTED_NAME_MAX + 1], longest[PROTECTED_NAME_MAX + 2];
    name_keys_init(&keys, master);
    bool ok = name_encrypt_path(&keys, "dir/file name", &path) == 0;
    char *slash = ok ? strchr(path, '/') : NULL;
    ok = slash != NULL && strchr(slash + 1, '/') == NULL;
    if (ok) {
        *slash = '\0';
        ok = name_decrypt(&keys, "", path, name) && strcmp(name, "dir") == 0 &&
             name_decrypt(&keys, "dir", slash + 1, name) && strcmp(name, "file name") == 0;
        check(ok, "names come back");
        check(!name_decrypt(&keys, "other", slash + 1, name) &&
                  !name_decrypt(&keys, "", slash + 1, name),
              "a name in another directory is none");
        bool refused = true;
        for (char *at = path; *at != '\0'; at++) {
            char before = *at;
            *at = before == 'A' ? 'B' : 'A';
            refused &= !name_decrypt(&keys, "", path, name);
            *at = before;
        }
        check(refused, "a changed name is none");
    }
    heap_free(path);
    check_one_spelling(&keys);
    memset(longest, 'x', sizeof(longest));
    longest[PROTECTED_NAME_MAX] = '\0';
    ok = name_encrypt_path(&keys, longest, &path) == 0 && strlen(path) <= HOST_NAME_MAX &&
         name_decrypt(&keys, "", path, name) && strcmp(name, longest) == 0;
    heap_free(path);
    longest[PROTECTED_NAME_MAX] = 'x';
    char too_long[PROTECTED_NAME_MAX + 3] = "";
    memcpy(too_long, longest, PROTECTED_NAME_MAX + 1);
    check(ok && name_encrypt_path(&keys, too_long, &path) != 0, "names of 175 bytes, and no more");
}

/* Random sizes, each block filled and looked at again; all of it is one block in the end. */
static void check_heap(void)
{
    enum { SIZE = 1 << 20, BLOCKS = 64 };
    static uint8_t *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    bool ok = true;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        int at = rand() % BLOCKS;
        for (size_t j = 0; j < sizes[at]; j++)
            ok &= blocks[at][j] == (uint8_t)at;
        if (rand() % 3 == 0) {
            heap_free(blocks[at]);
            blocks[at] = NULL;
            sizes[at] = 0;
            continue;
        }
        size_t size = (size_t)rand() % 4000;
        uint8_t *block = heap_resize(blocks[at], size);
        if (block == NULL)
            continue;
        for (size_t j = sizes[at]; j < size; j++)
            ok &= block[j] == 0;
        memset(block, at, size);
        blocks[at] = block;
        sizes[at] = size;
    }
    check(ok, "blocks of the heap keep to themselves, and come zeroed");
    for (int i = 0; i < BLOCKS; i++)
        heap_free(blocks[i]);
    void *most = heap_allocate(SIZE - 16);
    check(most != NULL && heap_allocate(1) == NULL, "what was freed is one block again");
    heap_free(most);
}

int main(void)
{
    static _Alignas(16) uint8_t memory[1 << 20];
    heap_init(memory, sizeof(memory));
    check_vectors();
    check_hmac();
    check_names();
    check_heap();
    printf("1..%d\n", count);
    return failures != 0;
}
