// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <stddef.h>
#include <string.h>

static bool is_word(const char *word, size_t length, const char *name)
{
    return strlen(name) == length && memcmp(word, name, length) == 0;
}

struct options options_parse(const char *args)
{
    struct options options = {0};
    for (const char *word = args; word != NULL && *word != '\0';) {
        size_t length = strcspn(word, " ");
        options.debug |= is_word(word, length, "debug");
        options.no_sgx_flc |= is_word(word, length, "no-sgx-flc");
        options.kvm |= is_word(word, length, "backend-kvm");
        word += length;
        word += strspn(word, " ");
    }
    return options;
}
