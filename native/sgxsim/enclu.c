// SPDX-License-Identifier: Apache-2.0
#include "enclu.h"
#include "crypto/keys.h"
#include "deliver.h"
#include "enclave.h"
#include "enter.h"
#include "exits.h"
#include "fidelity.h"
#include "lock.h"
#include "platform.h"
#include "service.h"

#define FLAG_ZF 0x40UL
#define FLAGS_CLEARED 0x8d5UL /* CF PF AF ZF SF OF: leaves with an error code set ZF by it */

void enclu_outside(struct thread *thread, struct context *context)
{
    uint32_t leaf = (uint32_t)context->reg[RAX];
    if (leaf == LEAF_EENTER || leaf == LEAF_ERESUME)
        enter_enclave(thread, context, leaf == LEAF_ERESUME);
    else
        deliver_fault(thread, SIGSEGV, SI_KERNEL, VECTOR_GP, 0, 0, context);
}

static void leave(struct thread *thread, struct context *context)
{
    context->reg[RIP] = context->reg[RBX];
    context->reg[RCX] = thread->aep;
    fidelity_comes_outside(thread, context);
    thread_comes_outside(thread);
    __atomic_store_n(&page_at(thread->enclave, thread->tcs)->busy, 0, __ATOMIC_RELEASE);
}

/* An operand of `size` bytes, aligned, in pages of the enclave that its code could access for
 * `need`; no operand crosses a page. */
static struct leaf_result check_operand(const struct enclave *enclave, uint64_t address,
                                        uint64_t alignment, uint64_t size, int need)
{
    if ((address & (alignment - 1)) != 0 || !contains_range(enclave, address, size))
        return (struct leaf_result){.end = LEAF_GP};
    for (uint64_t at = page_down(address); at < address + size; at += PAGE_SIZE)
        if ((effective_permissions(enclave, index_of(enclave, at)) & need) != need)
            return (struct leaf_result){
                .end = LEAF_PF, .address = at, .error = (need & 2) != 0 ? 0x8007 : 0x8005};
    return (struct leaf_result){.end = LEAF_DONE};
}

/* Not 0 when there is no report, for which EREPORT has no error code. The identity is copied: other
 * processes could change it. */
static uint32_t make_report(const struct enclave_header *file, const struct targetinfo *target,
                            const uint8_t data[REPORT_DATA_SIZE], struct report *made)
{
    const struct enclave_identity identity = file->identity;
    if (service_wanted())
        return service_report(&identity, file->ticket, target, data, made);
    ereport(platform(), &identity, target, data, report_key_id(), made);
    return 0;
}

/* 0, the error code, or SGX_RAISES_GP, also where nobody answers. */
static uint32_t derive_key(const struct enclave_header *file, const struct keyrequest *request,
                           uint8_t key[AES128_SIZE])
{
    const struct enclave_identity identity = file->identity;
    if (!service_wanted())
        return egetkey(platform(), &identity, request, key);
    uint32_t status = service_get_key(&identity, file->ticket, request, key);
    return status == SERVICE_SILENT || status == SERVICE_STATUS_GP ? SGX_RAISES_GP : status;
}

static struct leaf_result report(const struct enclave *enclave, uint64_t target_at,
                                 uint64_t data_at, uint64_t output_at)
{
    struct leaf_result result =
        check_operand(enclave, target_at, 512, sizeof(struct targetinfo), 1);
    if (result.end == LEAF_DONE)
        result = check_operand(enclave, data_at, 128, REPORT_DATA_SIZE, 1);
    if (result.end == LEAF_DONE)
        result = check_operand(enclave, output_at, 512, sizeof(struct report), 3);
    if (result.end != LEAF_DONE)
        return result;
    struct targetinfo target;
    uint8_t data[REPORT_DATA_SIZE];
    struct report made;
    memcpy(&target, memory_at(enclave, target_at), sizeof target);
    memcpy(data, memory_at(enclave, data_at), sizeof data);
    if (make_report(enclave->file, &target, data, &made) != 0)
        return (struct leaf_result){.end = LEAF_GP};
    memcpy(memory_at(enclave, output_at), &made, sizeof made);
    return result;
}

static struct leaf_result get_key(const struct enclave *enclave, uint64_t request_at,
                                  uint64_t output_at)
{
    struct leaf_result result =
        check_operand(enclave, request_at, 512, sizeof(struct keyrequest), 1);
    if (result.end == LEAF_DONE)
        result = check_operand(enclave, output_at, 16, AES128_SIZE, 3);
    if (result.end != LEAF_DONE)
        return result;
    struct keyrequest request;
    uint8_t key[AES128_SIZE];
    memcpy(&request, memory_at(enclave, request_at), sizeof request);
    uint32_t error = derive_key(enclave->file, &request, key);
    if (error == SGX_RAISES_GP)
        return (struct leaf_result){.end = LEAF_GP};
    if (error == 0)
        memcpy(memory_at(enclave, output_at), key, sizeof key);
    return (struct leaf_result){.end = LEAF_DONE, .sets_rax = 1, .rax = error};
}

static struct leaf_result execute(struct enclave *enclave, const uint64_t *reg)
{
    uint64_t b = reg[RBX], c = reg[RCX], d = reg[RDX];
    switch ((uint32_t)reg[RAX]) {
    case LEAF_EREPORT:
        return report(enclave, b, c, d);
    case LEAF_EGETKEY:
        return get_key(enclave, b, c);
    case LEAF_EACCEPT:
        return leaf_accept(enclave, b, c);
    case LEAF_EMODPE:
        return leaf_extend_permissions(enclave, b, c);
    case LEAF_EACCEPTCOPY:
        return leaf_accept_copy(enclave, b, c, d);
    default:
        return (struct leaf_result){.end = LEAF_GP};
    }
}

void enclu_inside(struct thread *thread, struct context *context)
{
    uint64_t *reg = context->reg;
    if ((uint32_t)reg[RAX] == LEAF_EEXIT)
        return leave(thread, context);
    lock_take(&locks.enclaves);
    struct leaf_result result = execute(thread->enclave, reg);
    lock_release(&locks.enclaves);
    if (result.end == LEAF_DONE) {
        if (result.sets_rax) {
            reg[RAX] = result.rax;
            reg[EFLAGS] = (reg[EFLAGS] & ~FLAGS_CLEARED) | (result.rax != 0 ? FLAG_ZF : 0);
        }
        reg[RIP] += ENCLU_LENGTH;
        return;
    }
    struct exit_cause cause = {
        .signal = SIGSEGV,
        .code = SI_KERNEL,
        .vector = result.end == LEAF_PF ? VECTOR_PF : VECTOR_GP,
        .rip = reg[RIP],
        .address = result.address,
        .error = result.error,
    };
    exit_with_exception(thread, context, &cause);
}
