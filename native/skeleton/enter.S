// SPDX-License-Identifier: Apache-2.0
/*
 * Enters the enclave with the ecall ABI of docs/explanation/skeleton.md. Other people's enclaves
 * return with every register but RSP and RBP cleared, so everything the C ABI keeps is saved here.
 *
 * struct ecall: @0 number, @8 TCS, @16 @24 @32 arguments, @40 result.
 */
    .text

/* int skeleton_enter_vdso(struct ecall *rdi, vdso function rsi, struct sgx_enclave_run *rdx) */
    .globl skeleton_enter_vdso
    .hidden skeleton_enter_vdso
    .type skeleton_enter_vdso, @function
skeleton_enter_vdso:
    push %rbp
    mov %rsp, %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdi
    mov %rsi, %rax
    /* __vdso_sgx_enter_enclave takes its seventh argument on the stack. */
    sub $8, %rsp
    push %rdx
    mov 0(%rdi), %r10
    mov 8(%rdi), %r11
    mov 24(%rdi), %rsi
    mov 32(%rdi), %rdx
    mov 16(%rdi), %rdi
    mov $2, %ecx           /* EENTER */
    xor %r8d, %r8d
    xor %r9d, %r9d
    call *%rax
    add $16, %rsp
    pop %rdi
    mov %rdx, 40(%rdi)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size skeleton_enter_vdso, . - skeleton_enter_vdso

/* void skeleton_enter_plain(struct ecall *rdi): where the kernel's vDSO has no entry function. */
    .globl skeleton_enter_plain
    .hidden skeleton_enter_plain
    .type skeleton_enter_plain, @function
skeleton_enter_plain:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdi
    mov 0(%rdi), %r10
    mov 8(%rdi), %rbx
    mov %rbx, %r11
    mov 24(%rdi), %rsi
    mov 32(%rdi), %rdx
    mov 16(%rdi), %rdi
    mov $2, %eax           /* EENTER */
    lea 1f(%rip), %rcx
/* After an interrupt the processor comes here with RAX = 3, ERESUME. */
1:  .byte 0x0f, 0x01, 0xd7 /* enclu */
    pop %rdi
    mov %rdx, 40(%rdi)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size skeleton_enter_plain, . - skeleton_enter_plain

    .section .note.GNU-stack, "", @progbits
