// SPDX-License-Identifier: Apache-2.0
/*
 * Records and their arguments: the encoding shared by launch plans, the init channel and the agent
 * (docs/protocol/launch-plan.md, "Encoding"). The input may be hostile: every length is checked
 * before it is used, and a reader that failed stays failed.
 */
#ifndef RUNELET_RECORD_H
#define RUNELET_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_HEADER 8
#define RECORD_STRING_MAX (1u << 20)
#define RECORD_LIST_MAX 65536u

/* A read position in a byte range. `bad` is set by the first read that does not fit. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

/* One record: a reader over its payload. */
struct record {
    uint16_t code;
    uint16_t flags;
    struct reader payload;
};

/* Takes the next record off `from`; false at the end or, with from->bad set, when it does not fit.
 */
bool record_next(struct reader *from, struct record *out);

uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
/* NUL-terminated, inside the buffer; "" after a failure. `size`, if wanted, excludes the NUL. */
const char *read_string(struct reader *r, uint32_t *size);
const uint8_t *read_bytes(struct reader *r, uint32_t *size);
/* A NULL-terminated array in memory from malloc, strings inside the buffer; NULL after a failure.
 */
char **read_list(struct reader *r);
/* True when everything was read and nothing failed. */
bool reader_done(const struct reader *r);

/* A record under construction in a caller's buffer; `bad` when it did not fit. */
struct writer {
    uint8_t *start;
    size_t size;
    size_t used;
    bool bad;
};

void write_begin(struct writer *w, void *buffer, size_t size, uint16_t code, uint16_t flags);
void write_u32(struct writer *w, uint32_t value);
void write_u64(struct writer *w, uint64_t value);
void write_string(struct writer *w, const char *text);
void write_bytes(struct writer *w, const void *data, uint32_t size);
/* Fills in the length and pads; returns the record's whole size, 0 when it did not fit. */
size_t write_end(struct writer *w);

#endif
