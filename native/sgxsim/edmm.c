// SPDX-License-Identifier: Apache-2.0
/* After sgx_enclave_restrict_permissions, sgx_enclave_modify_types and sgx_encl_remove_pages in
 * arch/x86/kernel/cpu/sgx/ioctl.c of Linux 6.1, with EMODPR's and EMODT's error codes. */
#include "edmm.h"
#include "user_memory.h"
#include <asm/sgx.h>
#include <linux/mman.h>

#define SGX_PAGE_NOT_MODIFIABLE 20

static long restrict_page(struct page *page, uint64_t permissions, uint64_t *error)
{
    if (!page->valid)
        return -EFAULT;
    if (page->type != PAGE_REG)
        return -EINVAL;
    if ((page->state & (PAGE_PENDING | PAGE_MODIFIED)) != 0) {
        *error = SGX_PAGE_NOT_MODIFIABLE;
        return -EFAULT;
    }
    page->permissions &= (uint8_t)permissions;
    page->state |= PAGE_RESTRICTED;
    return 0;
}

long enclave_restrict_permissions(struct enclave *enclave, uint64_t argument)
{
    struct sgx_enclave_restrict_permissions request;
    if (!enclave_runs(enclave))
        return -EINVAL;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    uint64_t permissions = request.permissions;
    if (!range_ok(enclave->size, request.offset, request.length) || (permissions & ~7UL) != 0 ||
        ((permissions & 2) != 0 && (permissions & 1) == 0) || request.result != 0 ||
        request.count != 0)
        return -EINVAL;
    long error = 0;
    uint64_t done = 0, first = request.offset / PAGE_SIZE, code = 0;
    for (; error == 0 && done < request.length; done += error == 0 ? PAGE_SIZE : 0)
        error = restrict_page(page_of(enclave, first + done / PAGE_SIZE), permissions, &code);
    permissions_shrank(enclave);
    apply_permissions(enclave, first, first + done / PAGE_SIZE);
    request.result = code;
    request.count = done;
    return write_user(argument, &request, sizeof request) != 0 ? -EFAULT : error;
}

static long modify_page(struct page *page, uint8_t type, uint64_t *error)
{
    if (!page->valid)
        return -EFAULT;
    if (page->type == PAGE_TRIM || (type == PAGE_TCS && page->type != PAGE_REG))
        return -EINVAL;
    if ((page->state & (PAGE_PENDING | PAGE_MODIFIED)) != 0) {
        *error = SGX_PAGE_NOT_MODIFIABLE;
        return -EFAULT;
    }
    page->type = type;
    page->permissions = 0;
    page->busy = 0;
    page->state = (uint8_t)((page->state & ~PAGE_RESTRICTED) | PAGE_MODIFIED);
    if (type == PAGE_TCS)
        page->max_permissions = 3;
    return 0;
}

long enclave_modify_types(struct enclave *enclave, uint64_t argument)
{
    struct sgx_enclave_modify_types request;
    if (!enclave_runs(enclave))
        return -EINVAL;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    if (!range_ok(enclave->size, request.offset, request.length) ||
        (request.page_type != PAGE_TCS && request.page_type != PAGE_TRIM) || request.result != 0 ||
        request.count != 0)
        return -EINVAL;
    long error = 0;
    uint64_t done = 0, first = request.offset / PAGE_SIZE, code = 0;
    for (; error == 0 && done < request.length; done += error == 0 ? PAGE_SIZE : 0)
        error = modify_page(page_of(enclave, first + done / PAGE_SIZE), (uint8_t)request.page_type,
                            &code);
    permissions_shrank(enclave);
    apply_permissions(enclave, first, first + done / PAGE_SIZE);
    request.result = code;
    request.count = done;
    return write_user(argument, &request, sizeof request) != 0 ? -EFAULT : error;
}

/* Only what the enclave has accepted as trimmed. */
static long remove_page(struct enclave *enclave, uint64_t index)
{
    struct page *page = page_of(enclave, index);
    if (!page->valid)
        return -EFAULT;
    if (page->type != PAGE_TRIM || (page->state & PAGE_MODIFIED) != 0)
        return -EPERM;
    page_put(enclave, index, (struct page){.valid = 0});
    uint8_t *memory = enclave->memory + index * PAGE_SIZE;
    if (call(__NR_madvise, memory, PAGE_SIZE, MADV_REMOVE) != 0)
        memset(memory, 0, PAGE_SIZE);
    return 0;
}

long enclave_remove_pages(struct enclave *enclave, uint64_t argument)
{
    struct sgx_enclave_remove_pages request;
    if (!enclave_runs(enclave))
        return -EINVAL;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    if (!range_ok(enclave->size, request.offset, request.length) || request.count != 0)
        return -EINVAL;
    long error = 0;
    uint64_t done = 0, first = request.offset / PAGE_SIZE;
    for (; error == 0 && done < request.length; done += error == 0 ? PAGE_SIZE : 0)
        error = remove_page(enclave, first + done / PAGE_SIZE);
    permissions_shrank(enclave);
    request.count = done;
    return write_user(argument, &request, sizeof request) != 0 ? -EFAULT : error;
}
