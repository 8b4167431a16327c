// SPDX-License-Identifier: Apache-2.0
/*
 * The tests' enclave, a flat image from address 0. RDI is the operation, RSI an argument, R12 where
 * to write; the result is in RDX and RSI.
 *
 *   page 0     TCS of the first thread      page 1     code
 *   page 2, 3  its two SSA frames           page 4     target, data and report of EREPORT; key request
 *   page 5, 6  thread-local storage of the second and first thread: 0xfeedface, 0xcafe
 *   page 7     TCS of the second thread     page 8, 9  its SSA frames
 */
    .macro tcs ossa, local
    .quad 0, 0
    .quad \ossa
    .long 0, 2 /* CSSA, NSSA */
    .quad entry
    .quad 0
    .quad \local, \local /* FS and GS base */
    .long 0xffffffff, 0xffffffff
    .fill 4024, 1, 0
    .endm
    .macro enclu leaf
    mov $\leaf, %eax
    .byte 0x0f, 0x01, 0xd7
    .endm

    .section .image, "awx"
image:
    tcs 0x2000, 0x6000

    .balign 4096
entry:
    mov %rcx, %r8 /* where to exit to */
    lea image(%rip), %r10
    cmp $(operations_end - operations) / 8, %rdi
    jae done
    lea operations(%rip), %r11
    mov (%r11, %rdi, 8), %r11
    add %r10, %r11
    jmp *%r11
done:
    mov %r8, %rbx
    enclu 4

    .balign 8
operations:
    .quad done, segments, system_call, cpuid_inside, spin, report, undefined, key, exit_information
    .quad skip_two, store, load, divide, breakpoint, bad_leaf, report_unaligned, vector_registers
    .quad any_leaf, put, int_80, port, int_5, counter, jump, leave_registers, wide_registers
    .quad avx, divert, three
operations_end:

segments: /* 1: what FS and GS point at */
    mov %fs:0, %rdx
    mov %gs:8, %rsi
    jmp done
system_call: /* 2 */
    mov $39, %eax
    syscall
    mov $0x51, %edx
    jmp done
cpuid_inside: /* 3 */
    xor %eax, %eax
    cpuid
    mov $0x51, %edx
    jmp done
spin: /* 4: until the host's word at RSI is not 0; keeps all ones in an XMM register */
    pcmpeqd %xmm5, %xmm5
    mov $0x1234, %r9
1:  pause
    cmpl $0, (%rsi)
    je 1b
    movq %xmm5, %rdx
    mov %r9, %rsi
    jmp done
report: /* 5: EREPORT for the TARGETINFO at RSI, to R12; report data is the page's zeros */
    lea 0x4000(%r10), %rdi
    mov $512, %ecx
    rep movsb
    lea 0x4000(%r10), %rbx
    lea 0x4200(%r10), %rcx
    lea 0x4400(%r10), %rdx
    enclu 0
    lea 0x4400(%r10), %rsi
    mov %r12, %rdi
    mov $432, %ecx
    rep movsb
    jmp done
undefined: /* 6 */
    ud2
    mov $0x52, %edx
    jmp done
key: /* 7: EGETKEY for the KEYREQUEST at RSI, to R12; RDX the error, RSI the zero flag */
    lea 0x4000(%r10), %rdi
    mov $512, %ecx
    rep movsb
    lea 0x4000(%r10), %rbx
    lea 0x4200(%r10), %rcx
    enclu 1
    setz %sil
    movzbl %sil, %r9d
    mov %rax, %rdx
    lea 0x4200(%r10), %rsi
    mov %r12, %rdi
    mov $16, %ecx
    rep movsb
    mov %r9, %rsi
    jmp done
exit_information: /* 8: EXITINFO and the offset of RIP of the first SSA frame */
    mov 0x3000 - 184 + 160(%r10), %edx
    mov 0x3000 - 184 + 136(%r10), %rsi
    sub %r10, %rsi
    jmp done
skip_two: /* 9: an exception handler: skips the two bytes at which the first frame stands */
    addq $2, 0x3000 - 184 + 136(%r10)
    jmp done
store: /* 10: RDX to the enclave's offset RSI */
    mov %rdx, (%r10, %rsi)
    jmp done
load: /* 11 */
    mov (%r10, %rsi), %rdx
    jmp done
divide: /* 12: two bytes that divide by zero */
    xor %ecx, %ecx
    xor %edx, %edx
    div %ecx
    mov $0x53, %edx
    jmp done
breakpoint: /* 13 */
    int3
    nop
    mov $0x54, %edx
    jmp done
bad_leaf: /* 14 */
    enclu 0x77
    jmp done
report_unaligned: /* 15 */
    lea 0x4010(%r10), %rbx
    lea 0x4200(%r10), %rcx
    lea 0x4400(%r10), %rdx
    enclu 0
    jmp done
any_leaf: /* 17: RSI: RAX, RBX, RCX, RDX; behind them then RAX and RFLAGS */
    mov %rsi, %r9
    mov (%r9), %rax
    mov 8(%r9), %rbx
    mov 16(%r9), %rcx
    mov 24(%r9), %rdx
    .byte 0x0f, 0x01, 0xd7
    mov %rax, 32(%r9)
    pushfq
    popq 40(%r9)
    jmp done
put: /* 18: 64 bytes behind the word at RSI, to the enclave's offset that it says */
    mov (%rsi), %rdi
    add %r10, %rdi
    add $8, %rsi
    mov $64, %ecx
    rep movsb
    jmp done
int_80: /* 19 to 22: legal outside, or #GP there; all are two bytes but port's one */
    mov $20, %eax /* getpid of the 32-bit interface */
    int $0x80
    mov $0x51, %edx
    jmp done
port: /* 20 */
    in %dx, %al
    nop
    mov $0x51, %edx
    jmp done
int_5: /* 21 */
    int $5
    mov $0x51, %edx
    jmp done
counter: /* 22 */
    xor %ecx, %ecx
    rdpmc
    mov $0x51, %edx
    jmp done
jump: /* 23: out of the enclave without EEXIT */
    jmp *%rsi
leave_registers: /* 24: what EEXIT passes on */
    mov $1, %esi
    mov $2, %r9d
    mov $3, %r11d
    mov $4, %edi
    mov $5, %r10d
    mov $0x7fffffff, %edx
    inc %edx /* OF, SF; AF, PF */
    stc
    jmp done
wide_registers: /* 25: ZMM31 and K7 stay over interruptions until the host's word at RSI is not 0 */
    mov $0x5a5a, %eax
    vpbroadcastd %eax, %zmm31
    kmovq %rax, %k7
1:  pause
    cmpl $0, (%rsi)
    je 1b
    vextracti32x4 $3, %zmm31, %xmm1
    movq %xmm1, %rdx
    kmovq %k7, %rsi
    jmp done
avx: /* 26: the upper half of YMM6 */
    vpcmpeqd %ymm6, %ymm6, %ymm6
    mov $0x55, %edx
    jmp done
divert: /* 27: the first phase of an exception: the interrupted code goes on in `second` */
    mov 0x3000 - 184 + 136(%r10), %rdx
    mov %rdx, 0x4800(%r10)
    lea second(%rip), %rdx
    mov %rdx, 0x3000 - 184 + 136(%r10)
    jmp done
second: /* all registers and flags are the interrupted code's; it goes on two bytes further */
    mov %rax, image + 0x4808(%rip)
    mov image + 0x4810(%rip), %rax
    lea 1(%rax), %rax
    mov %rax, image + 0x4810(%rip)
    mov image + 0x4800(%rip), %rax
    lea 2(%rax), %rax
    mov %rax, image + 0x4818(%rip)
    mov image + 0x4808(%rip), %rax
    jmp *image + 0x4818(%rip)
three: /* 28: three exceptions in a row; RDX how often `second` has run */
    movq $0, 0x4810(%r10)
    mov $0x1234, %esi
    ud2
    xor %ecx, %ecx
    xor %edx, %edx
    mov $1, %eax
    div %ecx
    mov $39, %eax
    syscall
    mov 0x4810(%r10), %rdx
    jmp done
vector_registers: /* 16: what the host has in XMM5 */
    movq %xmm5, %rdx
    jmp done

    .org 0x5000
    .quad 0xfeedface, 0xcafe
    .org 0x6000
    .quad 0xfeedface, 0xcafe
    .org 0x7000
    tcs 0x8000, 0x5000
    .org 0xa000
    .section .note.GNU-stack, "", @progbits
