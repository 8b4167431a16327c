// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t *take(struct reader *r, size_t size)
{
    if (r->bad || (size_t)(r->end - r->at) < size) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += size;
    return at;
}

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

bool record_next(struct reader *from, struct record *out)
{
    if (from->bad || from->at == from->end)
        return false;
    struct reader header = {take(from, RECORD_HEADER), NULL, false};
    if (header.at == NULL)
        return false;
    uint16_t code, flags;
    uint32_t size;
    memcpy(&code, header.at, 2);
    memcpy(&flags, header.at + 2, 2);
    memcpy(&size, header.at + 4, 4);
    const uint8_t *payload = take(from, size);
    const uint8_t *padding = payload == NULL ? NULL : take(from, padded(size) - size);
    if (padding == NULL)
        return false;
    *out = (struct record){code, flags, {payload, payload + size, false}};
    return true;
}

uint32_t read_u32(struct reader *r)
{
    uint32_t value = 0;
    const uint8_t *at = take(r, sizeof(value));
    if (at != NULL)
        memcpy(&value, at, sizeof(value));
    return value;
}

uint64_t read_u64(struct reader *r)
{
    uint64_t value = 0;
    const uint8_t *at = take(r, sizeof(value));
    if (at != NULL)
        memcpy(&value, at, sizeof(value));
    return value;
}

const uint8_t *read_bytes(struct reader *r, uint32_t *size)
{
    *size = read_u32(r);
    const uint8_t *at = take(r, *size);
    if (at == NULL)
        *size = 0;
    return at;
}

const char *read_string(struct reader *r, uint32_t *size)
{
    uint32_t length = read_u32(r);
    if (length > RECORD_STRING_MAX)
        r->bad = true;
    const uint8_t *at = take(r, (size_t)length + 1);
    /* A NUL inside would make C see another string than the one that was checked. */
    if (at != NULL && memchr(at, 0, (size_t)length + 1) != at + length)
        r->bad = true;
    bool ok = at != NULL && !r->bad;
    if (size != NULL)
        *size = ok ? length : 0;
    return ok ? (const char *)at : "";
}

char **read_list(struct reader *r)
{
    uint32_t count = read_u32(r);
    /* Every string takes at least five bytes: a count beyond that is a lie. */
    if (count > RECORD_LIST_MAX || count > (size_t)(r->end - r->at) / 5)
        r->bad = true;
    if (r->bad)
        return NULL;
    char **list = calloc((size_t)count + 1, sizeof(*list));
    if (list == NULL) {
        r->bad = true;
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++)
        list[i] = (char *)(uintptr_t)read_string(r, NULL);
    if (r->bad) {
        free(list);
        return NULL;
    }
    return list;
}

bool reader_done(const struct reader *r)
{
    return !r->bad && r->at == r->end;
}

void write_begin(struct writer *w, void *buffer, size_t size, uint16_t code, uint16_t flags)
{
    *w = (struct writer){buffer, size, RECORD_HEADER, size < RECORD_HEADER};
    if (w->bad)
        return;
    memset(w->start, 0, RECORD_HEADER);
    memcpy(w->start, &code, 2);
    memcpy(w->start + 2, &flags, 2);
}

static void put(struct writer *w, const void *data, size_t size)
{
    if (w->bad || w->size - w->used < size) {
        w->bad = true;
        return;
    }
    if (size > 0)
        memcpy(w->start + w->used, data, size);
    w->used += size;
}

void write_u32(struct writer *w, uint32_t value)
{
    put(w, &value, sizeof(value));
}

void write_u64(struct writer *w, uint64_t value)
{
    put(w, &value, sizeof(value));
}

void write_bytes(struct writer *w, const void *data, uint32_t size)
{
    write_u32(w, size);
    put(w, data, size);
}

void write_string(struct writer *w, const char *text)
{
    size_t length = strlen(text);
    if (length > RECORD_STRING_MAX) {
        w->bad = true;
        return;
    }
    write_u32(w, (uint32_t)length);
    put(w, text, length + 1);
}

size_t write_end(struct writer *w)
{
    static const uint8_t zeros[8];
    if (w->bad)
        return 0;
    uint32_t size = (uint32_t)(w->used - RECORD_HEADER);
    memcpy(w->start + 4, &size, 4);
    put(w, zeros, padded(w->used) - w->used);
    return w->bad ? 0 : w->used;
}
