// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <stdlib.h>
#include <string.h>

/* `word` is `key` or `key=value`: the value, else NULL. */
static const char *value_of(const char *word, size_t length, const char *key, size_t *size)
{
    size_t key_length = strlen(key);
    if (length < key_length || memcmp(word, key, key_length) != 0)
        return NULL;
    *size = length - key_length;
    if (*size == 0)
        return word + key_length;
    if (word[key_length] != '=')
        return NULL;
    *size -= 1;
    return word + key_length + 1;
}

const char *option(const struct options *from, const char *key)
{
    size_t size;
    for (char *const *word = from->argv; word != NULL && *word != NULL; word++) {
        const char *value = value_of(*word, strlen(*word), key, &size);
        if (value != NULL)
            return value;
    }
    static _Thread_local char copy[256];
    for (const char *at = from->args; at != NULL && *at != 0;) {
        size_t length = strcspn(at, " ");
        const char *value = value_of(at, length, key, &size);
        if (value != NULL && size < sizeof(copy)) {
            memcpy(copy, value, size);
            copy[size] = 0;
            return copy;
        }
        at += length + (at[length] == ' ');
    }
    return NULL;
}

bool has_option(const struct options *from, const char *key)
{
    return option(from, key) != NULL;
}

int option_number(const struct options *from, const char *key, int otherwise)
{
    const char *value = option(from, key);
    return value == NULL ? otherwise : (int)strtol(value, NULL, 0);
}
