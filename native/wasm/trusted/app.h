// SPDX-License-Identifier: Apache-2.0
/* What the builder generates beside the program: it knows the module's imports. */
#ifndef WASM_APP_H
#define WASM_APP_H

/* Initialises the module and runs its start function, then `_start`. */
void app_run(void);

#endif
