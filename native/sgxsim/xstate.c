// SPDX-License-Identifier: Apache-2.0
/*
 * Standard XSAVE format (SDM vol. 1, 13.4): bytes 0-511 the legacy area with MXCSR at 24; 512-575
 * the header with XSTATE_BV at 512 and XCOMP_BV at 520; then the other features. Linux keeps its
 * struct _fpx_sw_bytes in the legacy area's last 48 bytes (464: magic, extended_size u32).
 */
#include "xstate.h"

#define FEATURES 19 /* up to AMX tile data */
#define LEGACY_SIZE 512
#define LEGACY_STATE 416 /* without the bytes software may use */
#define HEADER_END 576
#define MXCSR_AT 24
#define BV_AT 512
#define SOFTWARE_MAGIC_AT 464
#define EXTENDED_SIZE_AT 468
#define SOFTWARE_MAGIC 0x46505853
#define TRAILER_SIZE 4

#define FCW_INITIAL 0x37f
#define MXCSR_INITIAL 0x1f80
#define PKRU_NUMBER 9

static uint64_t enabled;
static struct {
    uint32_t offset, size;
} feature[FEATURES];

static void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "0"(leaf), "2"(subleaf));
}

void xstate_start(void)
{
    uint32_t out[4], low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    enabled = (uint64_t)high << 32 | low;
    for (uint32_t i = 2; i < FEATURES; i++) {
        if ((enabled >> i & 1) == 0)
            continue;
        cpuid(0xd, i, out);
        feature[i].size = out[0];
        feature[i].offset = out[1];
    }
}

uint64_t xstate_enabled(void)
{
    return enabled;
}

uint32_t xstate_size(uint64_t xfrm)
{
    uint32_t size = HEADER_END;
    for (uint32_t i = 2; i < FEATURES; i++)
        if ((xfrm >> i & 1) != 0 && feature[i].offset + feature[i].size > size)
            size = feature[i].offset + feature[i].size;
    return size;
}

static uint64_t load64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint32_t load32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static void store64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

static void store32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static int is_extended(const uint8_t *frame_state)
{
    return load32(frame_state + SOFTWARE_MAGIC_AT) == SOFTWARE_MAGIC;
}

uint32_t xstate_frame_size(const uint8_t *frame_state)
{
    return is_extended(frame_state) ? load32(frame_state + EXTENDED_SIZE_AT) : LEGACY_SIZE;
}

void xstate_initialize(uint8_t *frame_state)
{
    frame_state[0] = FCW_INITIAL & 0xff;
    frame_state[1] = FCW_INITIAL >> 8;
    store32(frame_state + MXCSR_AT, MXCSR_INITIAL);
    if (is_extended(frame_state))
        store64(frame_state + BV_AT, load64(frame_state + BV_AT) & XSTATE_PKRU);
}

/* Copies feature by feature: the two sides may have room for different sets. */
static void copy_features(uint8_t *to, uint32_t to_size, const uint8_t *from, uint32_t from_size,
                          uint64_t which)
{
    for (uint32_t i = 2; i < FEATURES; i++) {
        uint32_t end = feature[i].offset + feature[i].size;
        if ((which >> i & 1) != 0 && feature[i].size != 0 && end <= to_size && end <= from_size)
            memcpy(to + feature[i].offset, from + feature[i].offset, feature[i].size);
    }
}

void xstate_to_ssa(uint8_t *ssa, uint32_t limit, uint8_t *frame_state, uint64_t xfrm)
{
    memset(ssa, 0, limit < HEADER_END ? limit : HEADER_END);
    if (limit < HEADER_END || !is_extended(frame_state))
        return;
    uint32_t size = xstate_frame_size(frame_state) - TRAILER_SIZE;
    uint64_t live = load64(frame_state + BV_AT);
    memcpy(ssa, frame_state, LEGACY_STATE);
    store64(ssa + BV_AT, live & xfrm);
    copy_features(ssa, limit, frame_state, size, live & xfrm);
    store64(frame_state + BV_AT, live & ~xfrm);
    store32(frame_state + MXCSR_AT, MXCSR_INITIAL);
}

int xstate_from_ssa(uint8_t *frame_state, const uint8_t *ssa, uint32_t limit, uint64_t xfrm)
{
    if (limit < HEADER_END || !is_extended(frame_state))
        return 0;
    uint64_t live = load64(ssa + BV_AT);
    uint32_t mxcsr = load32(ssa + MXCSR_AT);
    if ((live & ~xfrm) != 0 || load64(ssa + BV_AT + 8) != 0 || (mxcsr & 0xffff0000) != 0)
        return -1;
    uint32_t size = xstate_frame_size(frame_state) - TRAILER_SIZE;
    memcpy(frame_state, ssa, LEGACY_STATE);
    store32(frame_state + MXCSR_AT, mxcsr);
    copy_features(frame_state, size, ssa, limit, live & xfrm);
    store64(frame_state + BV_AT, (load64(frame_state + BV_AT) & ~xfrm) | (live & xfrm));
    return 0;
}

static int has_keys_in(const uint8_t *frame_state)
{
    return xstate_has_keys() && is_extended(frame_state) &&
           feature[PKRU_NUMBER].offset + feature[PKRU_NUMBER].size + TRAILER_SIZE <=
               xstate_frame_size(frame_state);
}

int xstate_has_keys(void)
{
    return (enabled & XSTATE_PKRU) != 0 && feature[PKRU_NUMBER].size != 0;
}

uint32_t xstate_pkru(const uint8_t *frame_state)
{
    if (!has_keys_in(frame_state) || (load64(frame_state + BV_AT) & XSTATE_PKRU) == 0)
        return 0;
    return load32(frame_state + feature[PKRU_NUMBER].offset);
}

void xstate_set_pkru(uint8_t *frame_state, uint32_t rights)
{
    if (!has_keys_in(frame_state))
        return;
    store32(frame_state + feature[PKRU_NUMBER].offset, rights);
    store64(frame_state + BV_AT, load64(frame_state + BV_AT) | XSTATE_PKRU);
}

static uint64_t beyond(uint64_t xfrm)
{
    return enabled & ~xfrm & ~XSTATE_PKRU & ~3UL;
}

static int is_zero(const uint8_t *bytes, uint32_t size)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < size; i++)
        any |= bytes[i];
    return any == 0;
}

/* Zeros are the initial state of all of them. A processor may call them in use all the same (SDM
 * vol. 1, 13.6), and emulated ones do. */
uint64_t xstate_beyond(const uint8_t *frame_state, uint64_t xfrm)
{
    if (!is_extended(frame_state))
        return 0;
    uint32_t size = xstate_frame_size(frame_state) - TRAILER_SIZE;
    uint64_t live = load64(frame_state + BV_AT) & beyond(xfrm);
    for (uint32_t i = 2; i < FEATURES; i++)
        if ((live >> i & 1) != 0 && (feature[i].offset + feature[i].size > size ||
                                     is_zero(frame_state + feature[i].offset, feature[i].size)))
            live &= ~(1UL << i);
    return live;
}

void xstate_clear_beyond(uint8_t *frame_state, uint64_t xfrm)
{
    if (is_extended(frame_state))
        store64(frame_state + BV_AT, load64(frame_state + BV_AT) & ~beyond(xfrm));
}

void xstate_set_aside(uint8_t *frame_state, uint8_t *store, uint64_t xfrm)
{
    uint64_t which = xstate_beyond(frame_state, xfrm);
    memset(store, 0, HEADER_END);
    store64(store + BV_AT, which);
    copy_features(store, xstate_size(enabled), frame_state,
                  xstate_frame_size(frame_state) - TRAILER_SIZE, which);
    xstate_clear_beyond(frame_state, xfrm);
}

void xstate_bring_back(uint8_t *frame_state, const uint8_t *store, uint64_t xfrm)
{
    if (!is_extended(frame_state))
        return;
    uint64_t which = load64(store + BV_AT);
    copy_features(frame_state, xstate_frame_size(frame_state) - TRAILER_SIZE, store,
                  xstate_size(enabled), which);
    store64(frame_state + BV_AT, (load64(frame_state + BV_AT) & ~beyond(xfrm)) | which);
}
