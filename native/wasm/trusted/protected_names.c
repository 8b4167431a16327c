// SPDX-License-Identifier: Apache-2.0
/*
 * Deterministic, so that a name can be found: the tag is a MAC of parent and name, and the counter
 * that the name is encrypted with (the construction of RFC 5297, with HMAC for its S2V). Equal
 * names in different directories look different, and a name moved to another directory is none.
 */
#include "protected_names.h"

#include "heap.h"
#include "keys.h"
#include "plain_memory.h"
#include "wasi/wasi.h"

enum { TAG_SIZE = 16 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void name_keys_init(struct name_keys *keys, const uint8_t master[16])
{
    static const char tag_label[] = "name tag", cipher_label[] = "name cipher";
    uint8_t key[32];
    hmac(master, 16, tag_label, sizeof(tag_label), NULL, 0, keys->tag_key);
    hmac(master, 16, cipher_label, sizeof(cipher_label), NULL, 0, key);
    aes_gcm_init(&keys->cipher, key);
    wipe(key, sizeof(key));
}

/* The parent's NUL parts it from the name: neither has one. */
static void make_tag(const struct name_keys *keys, const char *parent, size_t parent_length,
                     const char *name, size_t length, uint8_t tag[TAG_SIZE])
{
    char text[4096 + 1 + PROTECTED_NAME_MAX];
    uint8_t mac[32];
    memcpy(text, parent, parent_length);
    text[parent_length] = '\0';
    hmac(keys->tag_key, sizeof(keys->tag_key), text, parent_length + 1, name, length, mac);
    memcpy(tag, mac, TAG_SIZE);
}

static size_t encode(const uint8_t *bytes, size_t size, char *text)
{
    size_t length = 0;
    uint32_t bits = 0, count = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | bytes[i];
        for (count += 8; count >= 6; count -= 6)
            text[length++] = digits[bits >> (count - 6) & 63];
        bits &= 63;
    }
    if (count > 0)
        text[length++] = digits[bits << (6 - count) & 63];
    return length;
}

static int value_of(char digit)
{
    for (int i = 0; i < 64; i++) {
        if (digits[i] == digit)
            return i;
    }
    return -1;
}

/*
 * Only what encode() writes: with spare bits of the last digit, or a digit that carries no byte,
 * the host could show one file under several names.
 */
static bool decode(const char *text, uint8_t *bytes, size_t room, size_t *size)
{
    uint32_t bits = 0, count = 0;
    *size = 0;
    for (; *text != '\0'; text++) {
        int value = value_of(*text);
        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            if (*size == room)
                return false;
            bytes[(*size)++] = (uint8_t)(bits >> count);
        }
    }
    return count < 6 && (bits & ((1u << count) - 1)) == 0;
}

static size_t encrypt(const struct name_keys *keys, const char *parent, size_t parent_length,
                      const char *name, size_t length, char *encrypted)
{
    uint8_t bytes[TAG_SIZE + PROTECTED_NAME_MAX];
    make_tag(keys, parent, parent_length, name, length, bytes);
    memcpy(bytes + TAG_SIZE, name, length);
    aes_ctr(&keys->cipher, bytes, bytes + TAG_SIZE, length);
    return encode(bytes, TAG_SIZE + length, encrypted);
}

u32 name_encrypt_path(const struct name_keys *keys, const char *path, char **encrypted)
{
    size_t parts = 1, total = strlen(path);
    for (size_t i = 0; i < total; i++)
        parts += path[i] == '/';
    if (total > 4096)
        return WASI_ENAMETOOLONG;
    char *out = heap_allocate(parts * (HOST_NAME_MAX + 1) + 2);
    if (out == NULL)
        return WASI_ENOMEM;
    *encrypted = out;
    if (total == 0) {
        out[0] = '.';
        return WASI_SUCCESS;
    }
    for (size_t start = 0; start < total;) {
        size_t end = start;
        while (end < total && path[end] != '/')
            end++;
        if (end - start > PROTECTED_NAME_MAX) {
            heap_free(*encrypted);
            return WASI_ENAMETOOLONG;
        }
        out += encrypt(keys, path, start == 0 ? 0 : start - 1, path + start, end - start, out);
        if (end < total)
            *out++ = '/';
        start = end + 1;
    }
    *out = '\0';
    return WASI_SUCCESS;
}

bool name_decrypt(const struct name_keys *keys, const char *parent, const char *encrypted,
                  char name[PROTECTED_NAME_MAX + 1])
{
    uint8_t bytes[TAG_SIZE + PROTECTED_NAME_MAX], tag[TAG_SIZE];
    size_t size;
    if (!decode(encrypted, bytes, sizeof(bytes), &size) || size <= TAG_SIZE ||
        strlen(parent) > 4096)
        return false;
    size_t length = size - TAG_SIZE;
    aes_ctr(&keys->cipher, bytes, bytes + TAG_SIZE, length);
    memcpy(name, bytes + TAG_SIZE, length);
    name[length] = '\0';
    make_tag(keys, parent, strlen(parent), name, length, tag);
    return equal_in_constant_time(tag, bytes, TAG_SIZE);
}
