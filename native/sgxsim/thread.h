// SPDX-License-Identifier: Apache-2.0
/*
 * Thread blocks: 64 KiB at a fixed place for every thread of the process, aligned to their size.
 *
 *   +0x0000  struct thread
 *   +0x1000  the block's copy of thread_code (gate.S); read and execute only
 *   +0x2000  the signal stack the kernel knows, 56 KiB
 */
#ifndef SGXSIM_THREAD_H
#define SGXSIM_THREAD_H

#include "base.h"
#include "layout.h"
#include <linux/signal.h>

struct enclave;

struct thread {
    /* Read by the kernel at each system call of a thread that has entered an enclave (syscall user
     * dispatch): 1 = a system call raises SIGSYS. */
    uint8_t selector;
    uint8_t inside; /* executing the enclave */
    uint8_t used;   /* the block belongs to a thread; written with the block lock held */
    uint8_t
        prepared; /* prepare_fast_enter's work is still good: no handler of the program ran since */
    uint8_t keeps_bases; /* kernel_keeps_bases(), for the block's code */
    uint8_t bases_known; /* host_fs and host_gs follow every change (segment_bases.c) */
    uint8_t reserved[2];
    uint64_t host_fs, host_gs;       /* segment bases of the host program while inside */
    uint64_t enclave_fs, enclave_gs; /* to load when going on inside */
    uint64_t enter_rip, enter_rcx;   /* for thread_enter */
    uint64_t resume_rip, vfork_rip;  /* where the thunks return */
    uint64_t saved_rdi, saved_rsi;   /* for the block's code and fast_exit */
    stack_t own_stack;
    uint64_t aep;       /* asynchronous exit pointer of the current entry */
    uint8_t *tcs_busy;  /* for thread_enter: the TCS's busy flag, */
    uint32_t *tcs_cssa; /* its CSSA, */
    uint8_t *ssa_gpr;   /* and the GPR area of its first SSA frame */
    uint64_t saved_rdx, saved_r11;
    uint64_t saved_flags; /* LAHF's AH, and OF in AL */
    uint64_t inside_term; /* what this thread adds to inside_sum while inside */
    uint64_t *exit_slot;  /* where exit_stubs.c's code looks for the thread of the current entry */

    int32_t tid;
    uint32_t dispatch_epoch; /* the fork epoch in which syscall user dispatch was switched on */
    struct enclave *enclave; /* the current entry's */
    uint64_t tcs;
    stack_t host_stack; /* what the program gave to sigaltstack */
    uint64_t blocked;   /* synchronous signals the program blocks; the kernel does not know */
    uint64_t pending;   /* of those, the ones that have been sent meanwhile, */
    siginfo_t pending_info[6]; /* in the order of synchronous_number() */

    /* clone of a thread: parent's side in the parent's block, child's in the new one. */
    struct thread *clone_child;
    uint64_t clone_rip, clone_mask;

    /* A vfork child runs on its parent's block, but has its own dispositions in the kernel. */
    int32_t vfork_pid;      /* the child `vfork_ignored` is about */
    uint64_t vfork_ignored; /* synchronous signals it ignores */
    int32_t vfork_parent;   /* process that waits in thread_vfork, or 0 */

    /* fidelity.c */
    int32_t timer;        /* the kernel's number of it, or -1; of this epoch only */
    uint32_t timer_epoch; /* the fork epoch in which it was made */
    uint64_t random;      /* state of the generator, 0 at first */
    uint8_t *aside;       /* the host's extended state that XFRM keeps from the enclave; survives */
    uint8_t is_aside;     /* whether it is there, not in the registers */

    void *scratch; /* argument vectors too long for the stack, kept for reuse */
    uint64_t scratch_size;
};

#define OFFSET_IS(field, offset)                                                                   \
    _Static_assert(offsetof(struct thread, field) == (offset), "offset in layout.h")
OFFSET_IS(selector, T_SELECTOR);
OFFSET_IS(inside, T_INSIDE);
OFFSET_IS(prepared, T_PREPARED);
OFFSET_IS(host_fs, T_HOST_FS);
OFFSET_IS(host_gs, T_HOST_GS);
OFFSET_IS(enclave_fs, T_ENCLAVE_FS);
OFFSET_IS(enclave_gs, T_ENCLAVE_GS);
OFFSET_IS(enter_rip, T_ENTER_RIP);
OFFSET_IS(enter_rcx, T_ENTER_RCX);
OFFSET_IS(resume_rip, T_RESUME_RIP);
OFFSET_IS(vfork_rip, T_VFORK_RIP);
OFFSET_IS(saved_rdi, T_SAVED_RDI);
OFFSET_IS(saved_rsi, T_SAVED_RSI);
OFFSET_IS(own_stack, T_OWN_STACK);
OFFSET_IS(aep, T_AEP);
OFFSET_IS(tcs_busy, T_TCS_BUSY);
OFFSET_IS(tcs_cssa, T_TCS_CSSA);
OFFSET_IS(ssa_gpr, T_SSA_GPR);
OFFSET_IS(keeps_bases, T_KEEPS_BASES);
OFFSET_IS(saved_rdx, T_SAVED_RDX);
OFFSET_IS(saved_r11, T_SAVED_R11);
OFFSET_IS(saved_flags, T_SAVED_FLAGS);
OFFSET_IS(inside_term, T_INSIDE_TERM);
OFFSET_IS(exit_slot, T_EXIT_SLOT);
_Static_assert(sizeof(struct thread) <= PAGE_SIZE, "a thread's data is one page");

/* Labels in the thread code; their addresses in a block are thread_address(thread, label). */
extern const uint8_t thread_code[], thread_code_end[];
extern const uint8_t thread_repeat[], thread_repeated[], thread_vfork[];
extern const uint8_t thread_clone[], thread_clone_parent[], thread_clone_child[];
extern const uint8_t thread_enter[], thread_enter_claimed[], thread_enter_checked[];
extern const uint8_t thread_enter_counted[], thread_enter_saved[], thread_enter_loaded[];
extern const uint8_t thread_enter_end[], thread_enter_released[];

/*
 * The sum of (block address + 1) over the process's threads that are inside an enclave. Blocks are
 * 64 KiB aligned, so the low 16 bits count the threads, and where that is 1 the rest is the block
 * of the only one: code that runs inside finds its own thread without a register or a segment.
 */
extern uint64_t inside_sum;
void thread_goes_inside(struct thread *thread);
void thread_comes_outside(struct thread *thread);

uint64_t thread_address(const struct thread *thread, const uint8_t *label);

/* Whether `rip` is at `label` in any block. */
int is_thread_address(uint64_t rip, const uint8_t *label);

/* A new block; NULL when there is no memory or 8192 threads are alive. Its stack is not set yet.
 * `self` is the caller's block, or NULL. */
struct thread *thread_allocate(struct thread *self);
void thread_free(struct thread *thread);

/* Makes `thread` the calling thread's block and sets its signal stack. */
void thread_adopt(struct thread *thread);

/* The thread's block by its FS base, for entries without a trap; NULL when it is not known. */
struct thread *thread_by_fs(uint64_t fs);
void thread_remember_fs(struct thread *thread);

/* To be called first on every way into the emulator: notices that the process is a forked child. */
void process_check(void);

/* Whether process_check has still to be called in a forked child. */
int is_forked_unseen(void);

/* Whether the process is a vfork child, which only borrows the emulator's memory. */
int is_borrower(void);

/* Counts up in every forked child: what the kernel does not pass on to it must be set again. */
uint32_t fork_epoch(void);

#endif
