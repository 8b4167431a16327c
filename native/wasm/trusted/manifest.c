// SPDX-License-Identifier: Apache-2.0
#include "manifest.h"

#include "enclave.h"
#include "heap.h"
#include "plain_memory.h"
#include "traps.h"

enum { RECORD_HEADER = 8 };

bool manifest_next(struct record *record)
{
    const struct enclave_config *config = enclave_config();
    const uint8_t *start = (const uint8_t *)(config + 1);
    if (record->offset >= config->manifest_size)
        return false;
    uint32_t left = config->manifest_size - record->offset;
    uint16_t tag;
    uint32_t length;
    memcpy(&tag, start + record->offset, sizeof(tag));
    memcpy(&length, start + record->offset + 4, sizeof(length));
    if (left < RECORD_HEADER || length > left - RECORD_HEADER)
        refuse_to_start("the manifest is malformed", NULL);
    record->tag = tag;
    record->length = length;
    record->value = start + record->offset + RECORD_HEADER;
    record->offset += RECORD_HEADER + ((length + 7) & ~UINT32_C(7));
    return true;
}

uint32_t manifest_flags(void)
{
    uint32_t flags = 0;
    for (struct record record = {0}; manifest_next(&record);) {
        if (record.tag == MANIFEST_FLAGS && record.length == sizeof(flags))
            memcpy(&flags, record.value, sizeof(flags));
    }
    return flags;
}

bool manifest_allows_variable(const char *text)
{
    size_t name = 0;
    while (text[name] != '\0' && text[name] != '=')
        name++;
    if (name == 0 || text[name] == '\0')
        return false;
    for (struct record record = {0}; manifest_next(&record);) {
        if (record.tag != MANIFEST_ALLOW || record.length == 0)
            continue;
        size_t length = record.length;
        if (record.value[length - 1] == '*') {
            if (name >= length - 1 && memcmp(text, record.value, length - 1) == 0)
                return true;
        } else if (name == length && memcmp(text, record.value, length) == 0) {
            return true;
        }
    }
    return false;
}

bool manifest_allows_connection(const char *host, size_t host_length, uint16_t port)
{
    for (struct record record = {0}; manifest_next(&record);) {
        uint16_t allowed;
        if (record.tag != MANIFEST_CONNECT || record.length <= sizeof(allowed))
            continue;
        memcpy(&allowed, record.value, sizeof(allowed));
        const uint8_t *name = record.value + sizeof(allowed);
        size_t length = record.length - sizeof(allowed);
        bool any = length == 1 && name[0] == '*';
        if ((allowed == 0 || allowed == port) &&
            (any || (length == host_length && memcmp(name, host, length) == 0)))
            return true;
    }
    return false;
}

char *manifest_string(const uint8_t *bytes, size_t length)
{
    char *text = heap_allocate(length + 1);
    if (text == NULL)
        refuse_to_start("the manifest does not fit in the runtime's memory", NULL);
    memcpy(text, bytes, length);
    return text;
}
