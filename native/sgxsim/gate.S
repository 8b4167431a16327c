// SPDX-License-Identifier: Apache-2.0
/*
 * The gate page: every system call instruction of the emulator's own. The filter lets calls from
 * here pass, in this process and, because the address is fixed, in every image after an execve.
 */
#include "layout.h"

    .section .gate, "ax"

/* long gate_call(number, a, b, c, d, e, f): System V arguments to the kernel's. */
    .globl gate_call
    .type gate_call, @function
gate_call:
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    mov %r8, %r10
    mov %r9, %r8
    mov 8(%rsp), %r9
    syscall
    ret

/* Where signal handlers return; RSP is at the ucontext. Also reached by a trapped rt_sigreturn. */
    .balign 16
    .globl gate_sigreturn
gate_sigreturn:
    mov $15, %rax
    syscall
    ud2

/*
 * The code page of a thread block, copied there when the block is made (nothing here may refer to
 * anything outside but the block's own struct thread, one page below, relative to RIP).
 */
    .balign 64
#define BLOCK(offset) (thread_code - BLOCK_CODE + (offset))(%rip)
    .globl thread_code
thread_code:

/* Repeats a trapped system call outside the handler, then returns to the program. No register and
 * no word of the program's stack is needed, so a vfork child can pass here on its parent's stack. */
    .globl thread_repeat, thread_repeated
thread_repeat:
    syscall
thread_repeated:
    jmp *BLOCK(T_RESUME_RIP)

/* The same for calls like vfork: the child uses thread_repeat of this block before its parent
 * comes back, so the parent's way back must be kept apart. */
    .globl thread_vfork
thread_vfork:
    syscall
    jmp *BLOCK(T_VFORK_RIP)

/* clone() of a thread, executed in the new thread's block with all signals blocked but the
 * emulator's. The child takes its signal stack before anything else; both then trap into the
 * emulator, which restores mask and RIP. RCX is free: the syscall instruction destroys it. */
    .globl thread_clone, thread_clone_parent, thread_clone_child
thread_clone:
    syscall
    mov %rax, %rcx
    jrcxz 1f
thread_clone_parent:
    ud2
1:  mov %rdi, BLOCK(T_SAVED_RDI)
    mov %rsi, BLOCK(T_SAVED_RSI)
    lea BLOCK(T_OWN_STACK), %rdi
    mov $0, %esi
    mov $131, %eax /* sigaltstack */
    syscall
    mov BLOCK(T_SAVED_RDI), %rdi
    mov BLOCK(T_SAVED_RSI), %rsi
    mov $0, %eax
thread_clone_child:
    ud2

/*
 * The last steps of an EENTER without a trap. Signals are not blocked here; the handler looks at
 * RIP (fast_enter.c). All registers but RAX and RCX are as the enclave must see them, so up to
 * thread_enter_checked it takes the attempt back, and from there on it completes the entry.
 */
    .globl thread_enter, thread_enter_claimed, thread_enter_checked, thread_enter_end
    .globl thread_enter_released
thread_enter:
    mov BLOCK(T_TCS_BUSY), %rcx
    mov $1, %eax
    xchg %al, (%rcx)
thread_enter_claimed:
    test %al, %al
    jnz thread_enter_released
    cmpb $0, BLOCK(T_PREPARED)
    je 1f
    mov BLOCK(T_TCS_CSSA), %rcx
    cmpl $0, (%rcx)
    jne 1f
thread_enter_checked:
    mov BLOCK(T_SSA_GPR), %rcx
    mov %rsp, GPR_U_RSP(%rcx)
    mov %rbp, GPR_U_RBP(%rcx)
    mov BLOCK(T_ENCLAVE_FS), %rcx
    wrfsbase %rcx
    mov BLOCK(T_ENCLAVE_GS), %rcx
    wrgsbase %rcx
    mov BLOCK(T_ENTER_RCX), %rcx
    movw $0x0101, BLOCK(T_SELECTOR) /* selector and inside */
    mov $0, %eax
    jmp *BLOCK(T_ENTER_RIP)
thread_enter_end:
1:  mov BLOCK(T_TCS_BUSY), %rcx
    movb $0, (%rcx)
thread_enter_released:
    mov $2, %eax
    mov BLOCK(T_AEP), %rcx
    jmp *%rcx
    .globl thread_code_end
thread_code_end:

/* Distances for entry.S. */
    .globl enter_offset, enter_checked_offset, enter_checked_size
    .set enter_offset, BLOCK_CODE + thread_enter - thread_code
    .set enter_checked_offset, BLOCK_CODE + thread_enter_checked - thread_code
    .set enter_checked_size, thread_enter_end - thread_enter_checked

    .section .note.GNU-stack, "", @progbits
