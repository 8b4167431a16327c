// SPDX-License-Identifier: Apache-2.0
#include "thread.h"
#include "fidelity.h"
#include "own_memory.h"
#include "lock.h"
#include "segment_bases.h"
#include <linux/mman.h>

static uint32_t blocks_mapped; /* blocks 0 to n-1 have memory */
static uint32_t collect_at;    /* look for blocks of dead threads when that many are mapped */

/* Direct-mapped cache of FS bases; a wrong entry is impossible because every new thread writes its
 * own over whatever a dead one left there (thread_remember_fs at birth). */
static struct thread *by_fs[1024];

/* One page that a fork wipes; see process_check. */
static volatile uint32_t *not_forked;
static uint32_t epoch;
static int32_t owner_pid;

static struct thread *block(uint32_t index)
{
    return (struct thread *)(AREA_BASE + (uint64_t)index * BLOCK_SIZE);
}

uint64_t thread_address(const struct thread *thread, const uint8_t *label)
{
    return (uint64_t)thread + BLOCK_CODE + (uint64_t)(label - thread_code);
}

int is_thread_address(uint64_t rip, const uint8_t *label)
{
    if (rip - AREA_BASE >= BLOCKS_SIZE)
        return 0;
    return (rip & (BLOCK_SIZE - 1)) == BLOCK_CODE + (uint64_t)(label - thread_code);
}

static int map_block(uint32_t index)
{
    uint64_t start = (uint64_t)block(index);
    long at = call(__NR_mmap, start, BLOCK_SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (is_error(at))
        return (int)at;
    memcpy((void *)(start + BLOCK_CODE), thread_code, (size_t)(thread_code_end - thread_code));
    return (int)call(__NR_mprotect, start + BLOCK_CODE, PAGE_SIZE, PROT_READ | PROT_EXEC);
}

/* Frees the blocks of threads that have ended: the kernel tells nobody when a thread exits. After
 * a fork the caller's own number is another one, and the other blocks are the parent's. */
static void collect(struct thread *self)
{
    if (is_borrower())
        return;
    long pid = call(__NR_getpid);
    if (self != NULL)
        self->tid = (int32_t)call(__NR_gettid);
    for (uint32_t i = 0; i < blocks_mapped; i++) {
        struct thread *thread = block(i);
        if (thread->used && thread->tid != 0 && call(__NR_tgkill, pid, thread->tid, 0) == -ESRCH)
            thread->used = 0;
    }
    collect_at = blocks_mapped + 64;
}

static struct thread *find_free(void)
{
    for (uint32_t i = 0; i < blocks_mapped; i++)
        if (!block(i)->used)
            return block(i);
    return NULL;
}

static struct thread *grow(void)
{
    if (blocks_mapped == BLOCK_COUNT || map_block(blocks_mapped) != 0)
        return NULL;
    return block(blocks_mapped++);
}

struct thread *thread_allocate(struct thread *self)
{
    lock_take(&locks.blocks);
    if (blocks_mapped >= collect_at)
        collect(self);
    struct thread *thread = find_free();
    if (thread == NULL)
        thread = grow();
    if (thread != NULL) {
        uint8_t *aside = thread->aside;
        fidelity_forget(thread);
        memset(thread, 0, sizeof *thread);
        thread->aside = aside;
        thread->used = 1;
        thread->keeps_bases = (uint8_t)kernel_keeps_bases();
        thread->inside_term = (uint64_t)thread + 1;
        thread->own_stack.ss_sp = (uint8_t *)thread + BLOCK_STACK;
        thread->own_stack.ss_size = BLOCK_SIZE - BLOCK_STACK;
        thread->host_stack.ss_flags = SS_DISABLE;
    }
    lock_release(&locks.blocks);
    return thread;
}

void thread_free(struct thread *thread)
{
    __atomic_store_n(&thread->used, 0, __ATOMIC_RELEASE);
}

void thread_adopt(struct thread *thread)
{
    thread->tid = (int32_t)call(__NR_gettid);
    call(__NR_sigaltstack, &thread->own_stack, NULL);
}

uint64_t inside_sum;

void thread_goes_inside(struct thread *thread)
{
    if (thread->exit_slot != NULL)
        *thread->exit_slot = (uint64_t)thread;
    __atomic_add_fetch(&inside_sum, thread->inside_term, __ATOMIC_SEQ_CST);
    thread->inside = 1;
}

void thread_comes_outside(struct thread *thread)
{
    thread->inside = 0;
    __atomic_sub_fetch(&inside_sum, thread->inside_term, __ATOMIC_SEQ_CST);
}

static uint32_t slot(uint64_t fs)
{
    return (uint32_t)((fs >> 6 ^ fs >> 16) % COUNT(by_fs));
}

struct thread *thread_by_fs(uint64_t fs)
{
    struct thread *thread = __atomic_load_n(&by_fs[slot(fs)], __ATOMIC_ACQUIRE);
    return thread != NULL && thread->host_fs == fs && thread->used ? thread : NULL;
}

void thread_remember_fs(struct thread *thread)
{
    __atomic_store_n(&by_fs[slot(thread->host_fs)], thread, __ATOMIC_RELEASE);
}

/* In a forked child that page reads zero: the child owns its copy of the emulator from then on. */
void process_check(void)
{
    if (not_forked == NULL) {
        long page = own_memory(PAGE_SIZE);
        if (is_error(page))
            return;
        call(__NR_madvise, page, PAGE_SIZE, MADV_WIPEONFORK);
        not_forked = (volatile uint32_t *)page;
    }
    if (*not_forked == 0) {
        *not_forked = 1;
        owner_pid = (int32_t)call(__NR_getpid);
        __atomic_add_fetch(&epoch, 1, __ATOMIC_RELAXED);
        memset(&locks, 0, sizeof locks);
        inside_sum = 0; /* whoever was inside stayed in the parent */
    }
}

int is_forked_unseen(void)
{
    return *not_forked == 0;
}

int is_borrower(void)
{
    return call(__NR_getpid) != owner_pid;
}

uint32_t fork_epoch(void)
{
    return epoch;
}
