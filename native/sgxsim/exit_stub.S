// SPDX-License-Identifier: Apache-2.0
/*
 * The code page of a stub (exit_stubs.c), copied to a page near the enclave; the page behind it has
 * what the code reads. Changes RAX and RCX only: see fast_exit in gate.S.
 */
#define DATA(word) (exit_stub_code + 4096 + 8 * (word))(%rip)

    .section .rodata
    .globl exit_stub_code, exit_stub_by_gs, exit_stub_code_end
exit_stub_code:
    jmp *DATA(0)
/* The slot of the page that GS points to. A base that the enclave has set itself may lead anywhere:
 * a fault here counts as "not found". */
exit_stub_by_gs:
    rdgsbase %rax
    mov DATA(1), %rcx
    lea (%rax, %rcx), %rax
    rorx $9, %rax, %rax
    mov DATA(2), %rcx
    mov (%rcx, %rax), %rcx
    jmp *DATA(3)
exit_stub_code_end:

    .section .note.GNU-stack, "", @progbits
