// SPDX-License-Identifier: Apache-2.0
/*
 * The extended state (x87, SSE, AVX, ...) in signal frames and SSA frames: both have the standard
 * XSAVE format, whose layout the processor reports in CPUID leaf 0xD.
 */
#ifndef SGXSIM_XSTATE_H
#define SGXSIM_XSTATE_H

#include "base.h"

/* Reads the layout from the processor. Once, before CPUID may fault. */
void xstate_start(void);

/* Features the operating system has enabled (XCR0). */
uint64_t xstate_enabled(void);

/* Bytes of an XSAVE area that holds the features of `xfrm`, as ECREATE counts it. */
uint32_t xstate_size(uint64_t xfrm);

/* Bytes of the state in a signal frame, with the kernel's trailing magic word. */
uint32_t xstate_frame_size(const uint8_t *frame_state);

/* The state a signal handler starts with. */
void xstate_initialize(uint8_t *frame_state);

/* Asynchronous exit: copies the features of `xfrm` to the SSA and leaves their initial state.
 * `limit` is the room in the SSA in bytes. */
void xstate_to_ssa(uint8_t *ssa, uint32_t limit, uint8_t *frame_state, uint64_t xfrm);

/* ERESUME: the opposite. -1 when the SSA holds what XRSTOR would refuse. */
int xstate_from_ssa(uint8_t *frame_state, const uint8_t *ssa, uint32_t limit, uint64_t xfrm);

#define XSTATE_PKRU (1UL << 9)

/* Protection keys: whether there are, and the frame's rights. */
int xstate_has_keys(void);
uint32_t xstate_pkru(const uint8_t *frame_state);
void xstate_set_pkru(uint8_t *frame_state, uint32_t rights);

/* The frame's components in use that are not in `xfrm`, but for the keys' rights. */
uint64_t xstate_beyond(const uint8_t *frame_state, uint64_t xfrm);
void xstate_clear_beyond(uint8_t *frame_state, uint64_t xfrm);
/* Moves these components to `store`, of xstate_size(xstate_enabled()) bytes, and leaves their
 * initial state; and back. */
void xstate_set_aside(uint8_t *frame_state, uint8_t *store, uint64_t xfrm);
void xstate_bring_back(uint8_t *frame_state, const uint8_t *store, uint64_t xfrm);

#endif
