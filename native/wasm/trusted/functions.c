// SPDX-License-Identifier: Apache-2.0
/* Function types of wasm2c's code: equal types have equal numbers (wasm-rt.h). */
#include <stdarg.h>
#include <wasm-rt.h>

#include "heap.h"
#include "plain_memory.h"
#include "traps.h"

enum { TYPES_MAX = 4096, VALUES_MAX = 1024 };

struct type {
    uint32_t params, results;
    uint8_t *values;
};

static struct type *types;
static uint32_t type_count;

bool wasm_rt_is_initialized(void)
{
    return true;
}

uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...)
{
    uint32_t count = params + results;
    if (types == NULL)
        types = heap_allocate(TYPES_MAX * sizeof(struct type));
    if (params > VALUES_MAX || results > VALUES_MAX || types == NULL || type_count == TYPES_MAX)
        trap_with("the module has too many function types");
    uint8_t *values = heap_allocate(count);
    if (values == NULL)
        trap_with("the module's function types do not fit in the runtime's memory");
    va_list list;
    va_start(list, results);
    for (uint32_t i = 0; i < count; i++)
        values[i] = (uint8_t)va_arg(list, int);
    va_end(list);
    for (uint32_t i = 0; i < type_count; i++) {
        if (types[i].params == params && types[i].results == results &&
            memcmp(types[i].values, values, count) == 0) {
            heap_free(values);
            return i + 1; /* 0 is the null reference's */
        }
    }
    types[type_count++] = (struct type){params, results, values};
    return type_count;
}
