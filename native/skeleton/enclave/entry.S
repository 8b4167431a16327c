// SPDX-License-Identifier: Apache-2.0
/*
 * TCS, entry and exit of the sample enclave, page note and metadata.
 *
 * Ecall ABI: R10 number, R11 the TCS (ignored: RIP says where the enclave is), RDI RSI RDX
 * arguments; result in RDX. RSP, RBP and R12-R15 come back as they were.
 */
    .section .tcs, "a"
    .globl encl_tcs
    .balign 4096
encl_tcs:
    .quad 0                /* @0  STATE, the processor's */
    .quad 0                /* @8  FLAGS: no debug opt-in */
    .quad 0                /* @16 OSSA, the loader's: the page behind the image */
    .long 0                /* @24 CSSA, the processor's */
    .long 1                /* @28 NSSA: no entry while an exception is pending */
    .quad encl_entry       /* @32 OENTRY, from the image's start */
    .quad 0                /* @40 AEP, the processor's */
    .quad 0                /* @48 OFSBASE */
    .quad 0                /* @56 OGSBASE */
    .long 0xffffffff       /* @64 FSLIMIT */
    .long 0xffffffff       /* @68 GSLIMIT */
    .fill 4024, 1, 0

    .text
    .globl encl_entry
/* EENTER: RAX = CSSA, RBX = TCS, RCX = where EEXIT goes; RSP and the flags are the host's. */
encl_entry:
    lea encl_stack_end(%rip), %rax
    xchg %rsp, %rax
    push %rax              /* the host's stack */
    push %rcx              /* EEXIT's target */
    /* The host may have set DF or AC, under which compiled code copies backwards or faults. */
    push $2
    popfq
    mov %r10, %rcx
    call encl_call

    /*
     * The C code is compiled without vector registers and keeps RBP and R12-R15, so that these
     * hold what the host put there. Everything else may hold the enclave's data.
     */
    mov %rax, %rdx
    pop %rbx
    pop %rsp
    xor %ecx, %ecx
    xor %esi, %esi
    xor %edi, %edi
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    xor %r11d, %r11d       /* also clears the status flags that depended on enclave data */
    mov $4, %eax           /* EEXIT */
    .byte 0x0f, 0x01, 0xd7 /* enclu */
    ud2

    .data
    .balign 16
    .space 8192
encl_stack_end:

    .section .pagenote, "aw"
    .ascii "ENCLPERM"
    .long 1                /* version */
    .long 0
    .quad encl_code_start
    .quad encl_code_end
    .quad encl_data_start
    .quad encl_data_end
    .fill 16, 1, 0

    .section .metadata, "a"
    .globl encl_metadata
encl_metadata:
    .quad 0                /* @0 MAX_MMAP_SIZE */
    .byte 0                /* @8 NULL_DEREF_PROTECTION */
    .quad 0                /* @9 MMAP_MIN_ADDR */

    .section .note.GNU-stack, "", @progbits
