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
 * EEXIT without a trap: RBX is where to go on outside; RAX and RCX are free because EEXIT sets
 * them; everything else, the status flags too, is the enclave's and stays. So is the stack. First
 * the thread must be found: by the slot of its GS base (a stub of exit_stubs.c has looked: RCX is
 * the block or 0), or because it is the only one inside (thread.h). Where both fail the instruction
 * is executed and traps. Signals are not blocked; the handler completes the exit (fast_exit.c).
 */
    .balign 64
    .globl fast_exit, fast_exit_found, fast_exit_saved, fast_exit_outside, fast_exit_released
    .globl fast_exit_uncounted, fast_exit_trap, fast_exit_enclu, fast_exit_end
fast_exit:
    mov inside_sum(%rip), %rax
    lea -1(%rax), %rax
    movzwl %ax, %ecx
    jrcxz 1f
    jmp 2f
1:  mov %rax, %rcx
fast_exit_found:
    jrcxz 5f
    jmp 6f
5:  jmp 2f
6:  mov %rdi, T_SAVED_RDI(%rcx)
    mov %rsi, T_SAVED_RSI(%rcx)
    mov %rdx, T_SAVED_RDX(%rcx)
    mov %r11, T_SAVED_R11(%rcx)
    lahf
    seto %al
    mov %rax, T_SAVED_FLAGS(%rcx)
fast_exit_saved:
    mov %rcx, %rdx
    cmpb $0, T_KEEPS_BASES(%rdx)
    je 3f
    mov T_HOST_FS(%rdx), %rcx
    wrfsbase %rcx
    mov T_HOST_GS(%rdx), %rcx
    wrgsbase %rcx
    jmp 4f
3:  mov $0x1002, %edi
    mov T_HOST_FS(%rdx), %rsi
    mov $158, %eax /* arch_prctl */
    syscall
    mov $0x1001, %edi
    mov T_HOST_GS(%rdx), %rsi
    mov $158, %eax
    syscall
4:  movw $0, T_SELECTOR(%rdx) /* selector and inside */
fast_exit_outside:
    mov T_TCS_BUSY(%rdx), %rsi
    movb $0, (%rsi)
fast_exit_released:
    mov T_INSIDE_TERM(%rdx), %rsi
    lock sub %rsi, inside_sum(%rip)
fast_exit_uncounted:
    mov T_SAVED_FLAGS(%rdx), %rax
    add $0x7f, %al /* sets OF where it was */
    sahf
    mov T_AEP(%rdx), %rcx
    mov T_SAVED_RDI(%rdx), %rdi
    mov T_SAVED_RSI(%rdx), %rsi
    mov T_SAVED_R11(%rdx), %r11
    mov T_SAVED_RDX(%rdx), %rdx
    mov $4, %eax
    jmp *%rbx
fast_exit_trap:
2:  mov $4, %eax
fast_exit_enclu:
    .byte 0x0f, 0x01, 0xd7 /* enclu */
    ud2
fast_exit_end:

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

    .macro set_base code, field
    mov $\code, %edi
    mov BLOCK(\field), %rsi
    mov $158, %eax /* arch_prctl */
    syscall
    .endm

/*
 * The last steps of an EENTER without a trap. Signals are not blocked here; the handler looks at
 * RIP (fast_enter.c). All registers but RAX and RCX are as the enclave must see them, so up to
 * thread_enter_checked it takes the attempt back, and from there on it completes the entry.
 */
    .globl thread_enter, thread_enter_claimed, thread_enter_checked, thread_enter_end
    .globl thread_enter_counted, thread_enter_saved, thread_enter_loaded, thread_enter_released
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
    mov BLOCK(T_INSIDE_TERM), %rcx
    movabs $inside_sum, %rax
    lock add %rcx, (%rax)
thread_enter_counted:
    mov BLOCK(T_EXIT_SLOT), %rax
    lea BLOCK(0), %rcx
    mov %rcx, (%rax)
    mov BLOCK(T_SSA_GPR), %rcx
    mov %rsp, GPR_U_RSP(%rcx)
    mov %rbp, GPR_U_RBP(%rcx)
    cmpb $0, BLOCK(T_KEEPS_BASES)
    je 2f
    mov BLOCK(T_ENCLAVE_FS), %rcx
    wrfsbase %rcx
    mov BLOCK(T_ENCLAVE_GS), %rcx
    wrgsbase %rcx
    jmp thread_enter_loaded
2:  mov %rdi, BLOCK(T_SAVED_RDI)
    mov %rsi, BLOCK(T_SAVED_RSI)
    mov %r11, BLOCK(T_SAVED_R11)
thread_enter_saved:
    set_base 0x1002, T_ENCLAVE_FS
    set_base 0x1001, T_ENCLAVE_GS
    mov BLOCK(T_SAVED_RDI), %rdi
    mov BLOCK(T_SAVED_RSI), %rsi
    mov BLOCK(T_SAVED_R11), %r11
thread_enter_loaded:
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
