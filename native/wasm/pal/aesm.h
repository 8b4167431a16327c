// SPDX-License-Identifier: Apache-2.0
/* A client of AESM, for ECDSA quotes: docs/protocol/aesm.md. */
#ifndef WASM_AESM_H
#define WASM_AESM_H

#include <stdint.h>

#include "shared/calls.h"

/* The quoting enclave's TARGETINFO into the data area: 0, or a negated errno number, logged. */
int64_t aesm_quote_target(struct shared *shared);

/* From the REPORT in the data area to the quote there: its size, or a negated errno number. */
int64_t aesm_quote(struct shared *shared);

#endif
