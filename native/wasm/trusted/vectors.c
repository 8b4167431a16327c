// SPDX-License-Identifier: Apache-2.0
#include "vectors.h"

#include <stdbool.h>
#include <stddef.h>

#include "heap.h"
#include "host.h"
#include "manifest.h"
#include "memory.h"
#include "plain_memory.h"
#include "traps.h"

struct strings program_arguments, program_variables;

static void take_arguments(const struct strings *given);
static void take_variables(const struct strings *given);
static bool is_set(const char *text);
static struct strings copy_in(uint32_t count, uint32_t size, size_t offset);
static void append(struct strings *strings, const char *text, size_t length);

void vectors_init(void)
{
    struct host_vectors given = host_vectors();
    if (given.argument_bytes > SHARED_DATA_SIZE / 2 || given.variable_bytes > SHARED_DATA_SIZE / 2)
        refuse_to_start("arguments and variables are too long", NULL);
    memory_allow_growth(given.can_grow != 0);
    size_t behind = (given.argument_bytes + 7) & ~(size_t)7;
    struct strings arguments = copy_in(given.argument_count, given.argument_bytes, 0);
    struct strings variables = copy_in(given.variable_count, given.variable_bytes, behind);
    take_arguments(&arguments);
    take_variables(&variables);
    heap_free(arguments.bytes);
    heap_free(variables.bytes);
}

/* argv[0] is the manifest's name: what the host calls the file is no business of the program's. */
static void take_arguments(const struct strings *given)
{
    bool fixed = false;
    for (struct record record = {0}; manifest_next(&record);) {
        if (record.tag == MANIFEST_NAME || record.tag == MANIFEST_ARGUMENT)
            append(&program_arguments, (const char *)record.value, record.length);
        fixed |= record.tag == MANIFEST_ARGUMENT;
    }
    if (given->count <= 1)
        return;
    const char *text = given->bytes + strlen(given->bytes) + 1;
    if (fixed || !(manifest_flags() & MANIFEST_HOST_ARGUMENTS))
        refuse_to_start("the manifest allows no arguments, and the first is", text);
    for (uint32_t i = 1; i < given->count; i++, text += strlen(text) + 1)
        append(&program_arguments, text, strlen(text));
}

static void take_variables(const struct strings *given)
{
    for (struct record record = {0}; manifest_next(&record);) {
        if (record.tag == MANIFEST_VARIABLE)
            append(&program_variables, (const char *)record.value, record.length);
    }
    const char *text = given->bytes;
    for (uint32_t i = 0; i < given->count; i++, text += strlen(text) + 1) {
        if (manifest_allows_variable(text) && !is_set(text))
            append(&program_variables, text, strlen(text));
    }
}

/* Whether a variable of this name is there already: the manifest's value wins. */
static bool is_set(const char *text)
{
    size_t name = 0;
    while (text[name] != '=')
        name++;
    const char *known = program_variables.bytes;
    for (uint32_t i = 0; i < program_variables.count; i++, known += strlen(known) + 1) {
        if (strlen(known) > name && memcmp(known, text, name + 1) == 0)
            return true;
    }
    return false;
}

/* The host's strings, with exactly as many NULs as it counts. */
static struct strings copy_in(uint32_t count, uint32_t size, size_t offset)
{
    struct strings strings = {heap_allocate((size_t)size + 1), size, count};
    if (strings.bytes == NULL)
        refuse_to_start("arguments and variables do not fit in the runtime's memory", NULL);
    host_get(strings.bytes, offset, size);
    uint32_t found = 0;
    for (uint32_t i = 0; i < size; i++)
        found += strings.bytes[i] == '\0';
    if (found != count || (size > 0 && strings.bytes[size - 1] != '\0'))
        refuse_to_start("the host's arguments or variables are malformed", NULL);
    return strings;
}

static void append(struct strings *strings, const char *text, size_t length)
{
    char *bytes = heap_resize(strings->bytes, strings->size + length + 1);
    if (bytes == NULL)
        refuse_to_start("arguments and variables do not fit in the runtime's memory", NULL);
    memcpy(bytes + strings->size, text, length);
    bytes[strings->size + length] = '\0';
    strings->bytes = bytes;
    strings->size += (uint32_t)length + 1;
    strings->count++;
}
