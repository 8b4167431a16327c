// SPDX-License-Identifier: Apache-2.0
/*
 * The vDSO that programs find in AT_SYSINFO_EHDR. __vdso_sgx_enter_enclave has the interface of
 * arch/x86/include/uapi/asm/sgx.h (struct sgx_enclave_run) and the stack frame of
 * arch/x86/entry/vdso/vsgx.S; the other functions are the kernel's own, through a table.
 *
 * int __vdso_sgx_enter_enclave(rdi, rsi, rdx, function u32, r8, r9, struct sgx_enclave_run *run)
 * run: tcs u64 | function u32 | exception vector u16, error code u16 | exception address u64
 *      | user handler u64 | user data u64 | 216 reserved bytes, which must be zero
 */
#include "../layout.h"

#define RUN_TCS 0
#define RUN_FUNCTION 8
#define RUN_VECTOR 12
#define RUN_ERROR_CODE 14
#define RUN_ADDRESS 16
#define RUN_HANDLER 24
#define RUN_RESERVED 40
#define RUN_RESERVED_WORDS 27
#define ARGUMENT_RUN 16 /* from RBP */

    .text
    .globl __vdso_sgx_enter_enclave
    .type __vdso_sgx_enter_enclave, @function
__vdso_sgx_enter_enclave:
    push %rbp
    mov %rsp, %rbp
    push %rbx
    mov %ecx, %eax
.Lenter:
    cmp $2, %eax
    jb .Linvalid
    cmp $3, %eax
    ja .Linvalid
    mov ARGUMENT_RUN(%rbp), %rbx
    xor %ecx, %ecx
.Lreserved:
    cmpq $0, RUN_RESERVED(%rbx, %rcx, 8)
    jne .Linvalid
    inc %ecx
    cmp $RUN_RESERVED_WORDS, %ecx
    jb .Lreserved
    mov RUN_TCS(%rbx), %rbx
    lea sgxsim_aep(%rip), %rcx
    cmp $2, %eax
    jne sgxsim_aep
    movabs $(VDSO_TABLE + 8 * VDSO_FAST_ENTER), %rax
    jmp *(%rax)

/* The asynchronous exit pointer: here EAX is 2 or 3 and RCX this address. */
    .globl sgxsim_aep
sgxsim_aep:
    .byte 0x0f, 0x01, 0xd7 /* enclu */
    mov ARGUMENT_RUN(%rbp), %rbx
    movl $4, RUN_FUNCTION(%rbx) /* EEXIT */
.Lexited:
    cmpq $0, RUN_HANDLER(%rbx)
    jne .Lhandler
    xor %eax, %eax
.Lreturn:
    lea -8(%rbp), %rsp
    pop %rbx
    pop %rbp
    cld
    ret
.Linvalid:
    mov $-22, %eax
    jmp .Lreturn

/* Where the emulator goes on after an exception: EAX the leaf, DI vector, SI code, RDX address. */
    .globl sgxsim_exception
sgxsim_exception:
    mov ARGUMENT_RUN(%rbp), %rbx
    mov %eax, RUN_FUNCTION(%rbx)
    mov %di, RUN_VECTOR(%rbx)
    mov %si, RUN_ERROR_CODE(%rbx)
    mov %rdx, RUN_ADDRESS(%rbx)
    jmp .Lexited

/* handler(rdi, rsi, rdx, rsp of the enclave's exit, r8, r9, run): above 0 a leaf to enter with. */
.Lhandler:
    mov %rsp, %rcx
    and $-16, %rsp
    push %rbx
    push %rbx
    mov RUN_HANDLER(%rbx), %rax
    mov (%rsp), %rbx
    cld
    call *%rax
    test %eax, %eax
    jle .Lreturn
    lea -8(%rbp), %rsp
    jmp .Lenter

    .macro forward name, index
    .globl \name
    .type \name, @function
\name:
    movabs $(VDSO_TABLE + 8 * \index), %r11
    jmp *(%r11)
    .endm
    forward __vdso_clock_gettime, VDSO_CLOCK_GETTIME
    forward __vdso_gettimeofday, VDSO_GETTIMEOFDAY
    forward __vdso_time, VDSO_TIME
    forward __vdso_getcpu, VDSO_GETCPU
    forward __vdso_clock_getres, VDSO_CLOCK_GETRES
    forward __vdso_getrandom, VDSO_GETRANDOM

    .section .note.GNU-stack, "", @progbits
