// SPDX-License-Identifier: Apache-2.0
/*
 * int wasm_enter(struct entry *rdi, vdso function rsi, struct sgx_enclave_run *rdx)
 *
 * struct entry: @0 leaf, @8 RDI, @16 RSI, @24 RDX; RDI and RSI are also out. The enclave clears
 * what the C ABI keeps, so it is saved here.
 */
    .text
    .globl wasm_enter
    .hidden wasm_enter
    .type wasm_enter, @function
wasm_enter:
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
    mov 0(%rdi), %rcx
    mov 16(%rdi), %rsi
    mov 24(%rdi), %rdx
    mov 8(%rdi), %rdi
    xor %r8d, %r8d
    xor %r9d, %r9d
    call *%rax
    add $16, %rsp
    pop %rdx
    mov %rdi, 8(%rdx)
    mov %rsi, 16(%rdx)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size wasm_enter, . - wasm_enter

    .section .note.GNU-stack, "", @progbits
