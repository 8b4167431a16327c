// SPDX-License-Identifier: Apache-2.0
/* Ways into the emulator: process start, signals, the vDSO's entry without a trap. */
#include "layout.h"

    .text

/* Start: C runs on a stack of its own, because it rebuilds the process's stack. start() returns
 * the program's stack pointer; the address to jump to is in start_entry. RDX = 0: no function to
 * register with atexit (System V ABI). */
    .globl _start
    .type _start, @function
_start:
    xor %ebp, %ebp
    mov %rsp, %rdi
    lea start_stack_end(%rip), %rsp
    call start
    mov %rax, %rsp
    xor %eax, %eax
    xor %ebx, %ebx
    xor %ecx, %ecx
    xor %edx, %edx
    xor %esi, %esi
    xor %edi, %edi
    jmp *start_entry(%rip)

/*
 * The handler of every signal the emulator takes: RDI number, RSI siginfo, RDX ucontext, RSP the
 * frame. On the emulator's stack the thread block is RSP rounded down, so no segment register is
 * needed to find it. The thread's FS and GS are the enclave's when it is inside. An interrupted RSP in the same
 * block means that the emulator itself was interrupted.
 */
    .macro bases function, words
    push %rdi
    push %rsi
    push %rdx
    lea \words(%r12), %rdi
    call \function
    pop %rdx
    pop %rsi
    pop %rdi
    .endm
    .globl signal_entry
    .type signal_entry, @function
signal_entry:
    mov %rsp, %rbx
    mov %rsp, %r12
    and $-BLOCK_SIZE, %r12
    movabs $AREA_BASE, %rcx
    mov %r12, %rax
    sub %rcx, %rax
    cmp $BLOCKS_SIZE, %rax
    jae .Lstranger
    movb $0, T_SELECTOR(%r12)
    mov UCONTEXT_RSP(%rdx), %rax
    sub %r12, %rax
    cmp $BLOCK_SIZE, %rax
    jb .Lnested
    lea enter_checked_offset(%r12), %rcx
    mov UCONTEXT_RIP(%rdx), %rax
    sub %rcx, %rax
    cmp $enter_checked_size, %rax
    jb .Lentering
    cmpb $0, T_INSIDE(%r12)
    je .Loutside
    bases save_bases, T_ENCLAVE_FS
.Lentering:
    bases load_bases, T_HOST_FS
    jmp .Lhandle
.Loutside:
    bases save_bases, T_HOST_FS
    jmp .Lhandle
.Lstranger: /* a thread that came into being unseen: the handler gives it a block */
    xor %r12d, %r12d
.Lhandle:
    mov %r12, %rcx
    and $-16, %rsp
    call handle_signal
    mov %rax, %r12
    cmpb $0, T_INSIDE(%r12)
    je .Lleave
    bases load_bases, T_ENCLAVE_FS
    movb $1, T_SELECTOR(%r12)
.Lleave:
    lea 8(%rbx), %rsp
    jmp gate_sigreturn
.Lnested: /* a fault in the emulator itself, or one of the signals that its handler leaves open */
    mov %r12, %rcx
    and $-16, %rsp
    call handle_nested
    lea 8(%rbx), %rsp
    jmp gate_sigreturn

/* int copy_guarded(to, from, size): 0, or -EFAULT when either side cannot be accessed.
 * handle_nested moves RIP from copy_guarded_access to copy_guarded_fault. */
    .globl copy_guarded, copy_guarded_access, copy_guarded_fault
    .type copy_guarded, @function
copy_guarded:
    mov %rdx, %rcx
copy_guarded_access:
    rep movsb
    xor %eax, %eax
    ret
copy_guarded_fault:
    mov $-14, %eax
    ret

/* uint64_t read_fs_word(void) */
    .globl read_fs_word, read_fs_word_access, read_fs_word_fault
    .type read_fs_word, @function
read_fs_word:
read_fs_word_access:
    mov %fs:0, %rax
    ret
read_fs_word_fault:
    xor %eax, %eax
    ret

/*
 * EENTER from the vDSO: RBX TCS, RCX the address of the ENCLU instruction (which is the AEP), EAX 2,
 * everything else the enclave's. Enters, or goes to RCX to trap as usual. The stack is that of a C
 * function: words below RSP are free.
 */
    .globl fast_enter
    .type fast_enter, @function
fast_enter:
    push %rcx
    push %rdi
    push %rsi
    push %rdx
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbp
    mov %rbx, %rdi
    mov %rcx, %rsi
    mov %rsp, %rbp
    and $-16, %rsp
    call prepare_fast_enter
    mov %rbp, %rsp
    pop %rbp
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdx
    pop %rsi
    pop %rdi
    pop %rcx
    test %rax, %rax
    jz 1f
    lea enter_offset(%rax), %rax
    jmp *%rax
1:  mov $2, %eax
    jmp *%rcx

    .section .text.vdso, "ax"
    .balign 4096
    .globl vdso_image, vdso_image_end
vdso_image:
    .incbin "vdso.so"
    .balign 4096
vdso_image_end:

    .bss
    .balign 64
start_stack:
    .skip 65536
start_stack_end:

    .section .note.GNU-stack, "", @progbits
