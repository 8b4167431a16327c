// SPDX-License-Identifier: Apache-2.0
#include "traps.h"

#include <stdbool.h>
#include <stddef.h>
#include <wasm-rt.h>

#include "enclave.h"
#include "host.h"
#include "plain_memory.h"

/* GPRSGX as quadwords, and EXINFO before it (SDM volume 3D, 34.9). */
enum {
    REGISTER_RAX = 0,
    REGISTER_RSP = 4,
    REGISTER_RDI = 7,
    REGISTER_RFLAGS = 16,
    REGISTER_RIP = 17
};
enum { EXIT_INFO = 20, EXINFO_ADDRESS = -2 };
#define EXIT_INFO_VALID UINT32_C(0x80000000)
#define EXIT_INFO_VECTOR UINT32_C(0xff)
enum {
    VECTOR_DIVIDE = 0,
    VECTOR_INVALID_OPCODE = 6,
    VECTOR_GENERAL_PROTECTION = 13,
    VECTOR_PAGE_FAULT = 14
};
enum { ENCLU_SIZE = 3, NOT_ACCEPTED = 1 };

/* What guard pages catch: any 32-bit address with any 32-bit offset. */
#define GUARDED UINT64_C(0x200010000)

/* Beyond wasm-rt.h's own numbers. */
enum { TRAP_FAULT = 64, TRAP_CHECK };

static const char *name_of(uint64_t kind);
static uint64_t kind_of(uint32_t vector, uint64_t address);
_Noreturn static void end_with(const char *start, const char *reason, uint32_t code);

void wasm_rt_trap(wasm_rt_trap_t trap)
{
    enclave_trap(trap);
}

void trap_with(const char *reason)
{
    end_with("wasm trap: ", reason, EXIT_TRAP);
}

void enclave_trap(uint64_t kind)
{
    trap_with(name_of(kind));
}

void refuse_to_start(const char *reason, const char *subject)
{
    host_log("enclave: ");
    host_log(reason);
    if (subject != NULL) {
        host_log(": `");
        host_log(subject);
        host_log("`");
    }
    host_log("\n");
    enclave_end(EXIT_NOT_STARTED);
}

void __stack_chk_fail(void)
{
    trap_with("the runtime's stack is damaged");
}

uint64_t enclave_exception(uint64_t *registers)
{
    uint32_t info = (uint32_t)registers[EXIT_INFO];
    /* The host may enter here whenever it likes; only the processor sets VALID. */
    if (!(info & EXIT_INFO_VALID))
        return 1;
    uint32_t vector = info & EXIT_INFO_VECTOR;
    /* No page (#PF), or no SGX2 (#GP): an answer, not an end. */
    if (registers[REGISTER_RIP] == (uint64_t)enclave_accept_leaf &&
        (vector == VECTOR_PAGE_FAULT || vector == VECTOR_GENERAL_PROTECTION)) {
        registers[REGISTER_RIP] += ENCLU_SIZE;
        registers[REGISTER_RAX] = NOT_ACCEPTED;
        return 0;
    }
    uint64_t kind = kind_of(vector, registers[EXINFO_ADDRESS]);
    uint64_t stack = (uint64_t)enclave_base() + enclave_config()->stack_high;
    registers[REGISTER_RIP] = (uint64_t)enclave_trap_entry;
    registers[REGISTER_RDI] = kind;
    registers[REGISTER_RSP] = stack;
    registers[REGISTER_RFLAGS] = 2;
    return 0;
}

static uint64_t kind_of(uint32_t vector, uint64_t address)
{
    const struct enclave_config *config = enclave_config();
    uint64_t offset = address - (uint64_t)enclave_base();
    if (vector == VECTOR_DIVIDE)
        return WASM_RT_TRAP_DIV_BY_ZERO;
    if (vector == VECTOR_INVALID_OPCODE)
        return TRAP_CHECK;
    if (vector != VECTOR_PAGE_FAULT)
        return TRAP_FAULT;
    if (offset - config->memory < GUARDED)
        return WASM_RT_TRAP_OOB;
    if (offset < config->stack_low && config->stack_low - offset <= 16 * PAGE_SIZE)
        return WASM_RT_TRAP_EXHAUSTION;
    return TRAP_FAULT;
}

static const char *name_of(uint64_t kind)
{
    switch (kind) {
    case WASM_RT_TRAP_OOB:
        return "out of bounds memory or table access";
    case WASM_RT_TRAP_INT_OVERFLOW:
        return "integer overflow";
    case WASM_RT_TRAP_DIV_BY_ZERO:
        return "integer divide by zero";
    case WASM_RT_TRAP_INVALID_CONVERSION:
        return "invalid conversion to integer";
    case WASM_RT_TRAP_UNREACHABLE:
        return "unreachable";
    case WASM_RT_TRAP_CALL_INDIRECT:
        return "indirect call of no such function, or of one of another type";
    case WASM_RT_TRAP_UNCAUGHT_EXCEPTION:
        return "uncaught exception";
    case WASM_RT_TRAP_EXHAUSTION:
        return "call stack exhausted";
    case TRAP_CHECK:
        return "a check of the runtime failed";
    default:
        return "access outside the enclave's memory";
    }
}

static void end_with(const char *start, const char *reason, uint32_t code)
{
    host_log(start);
    host_log(reason);
    host_log("\n");
    enclave_end(code);
}
