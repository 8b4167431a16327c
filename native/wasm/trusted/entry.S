// SPDX-License-Identifier: Apache-2.0
/*
 * The enclave's door. RDI says why it is entered (enum enter_operation), RDI at EEXIT why it is
 * left (enum exit_reason), RSI and RDX are operands. RSP and RBP come back as they were, everything
 * else is cleared.
 *
 * At EENTER: RAX = CSSA, RBX = TCS, RCX = where EEXIT goes. Offsets behind %gs are struct
 * thread_page's; FS is the linear memory.
 */
#define STACK_HIGH %gs:8
#define EXCEPTION_STACK_HIGH %gs:16
#define SSA_REGISTERS %gs:24
#define XFRM_LOW %gs:40
#define XFRM_HIGH %gs:44
#define CANARY %gs:48
#define STATE %gs:56
#define HOST_RSP %gs:64
#define HOST_RBP %gs:72
#define EXIT_ADDRESS %gs:80
#define SAVED_RSP %gs:88
#define EXCEPTION_RSP %gs:96
#define EXCEPTION_RBP %gs:104
#define EXCEPTION_EXIT %gs:112

#define FRESH 0
#define RUNNING 1
#define CALLING 2
#define DEAD 3

#define EEXIT 4
#define EACCEPT 5
#define RDRAND_ATTEMPTS 32

    .text
    .globl enclave_entry
    .hidden enclave_entry
    .hidden __ehdr_start
    .hidden enclave_main
    .hidden enclave_report
    .hidden enclave_exception
    .hidden enclave_trap
    .type enclave_entry, @function
enclave_entry:
    cld
    test %rax, %rax
    jnz exception
    cmp $1, %rdi               /* ENTER_RESUME */
    je resume
    cmp $0, %rdi               /* ENTER_RUN */
    je start
    cmp $3, %rdi               /* ENTER_REPORT */
    jne refuse

    /* A run or a report: only while nothing has run. */
start:
    cmpq $FRESH, STATE
    jne refuse
    movq $RUNNING, STATE
    mov %rsp, HOST_RSP
    mov %rbp, HOST_RBP
    mov %rcx, EXIT_ADDRESS
    lea __ehdr_start(%rip), %r10
    mov STACK_HIGH, %rsp
    add %r10, %rsp
    xor %ebp, %ebp
    mov %rdi, %r11
    mov %rsi, %rdi
    mov %rdx, %rsi
    call clean_state
    mov $RDRAND_ATTEMPTS, %ecx
1:  rdrand %rax
    jc 2f
    dec %ecx
    jnz 1b
    movq $DEAD, STATE          /* without a canary nothing runs */
    mov $9, %edi
    jmp leave
2:  mov %rax, CANARY
    test %r11, %r11
    jnz report
    call enclave_main
    ud2
report:
    call enclave_report
    movq $FRESH, STATE
    mov %rax, %rsi
    mov $4, %edi               /* EXIT_REPORT */
    jmp leave
    .size enclave_entry, . - enclave_entry

/* The host has answered: back to the caller of enclave_host_call. */
resume:
    cmpq $CALLING, STATE
    jne refuse
    movq $RUNNING, STATE
    /* The host may continue on another stack than the one the call left from. */
    mov %rsp, HOST_RSP
    mov %rbp, HOST_RBP
    mov %rcx, EXIT_ADDRESS
    mov SAVED_RSP, %rsp
    call clean_state
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

/* void enclave_host_call(void): leaves with EXIT_HOST_CALL, returns when the host resumes. */
    .globl enclave_host_call
    .hidden enclave_host_call
    .type enclave_host_call, @function
enclave_host_call:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, SAVED_RSP
    movq $CALLING, STATE
    mov $1, %edi               /* EXIT_HOST_CALL */
    xor %esi, %esi
    jmp leave
    .size enclave_host_call, . - enclave_host_call

/* void enclave_end(uint64_t code): nothing can be entered afterwards. */
    .globl enclave_end
    .hidden enclave_end
    .type enclave_end, @function
enclave_end:
    movq $DEAD, STATE
    mov %rdi, %rsi
    mov $2, %edi               /* EXIT_ENDED */
leave:
    mov HOST_RSP, %rsp
    mov HOST_RBP, %rbp
    mov EXIT_ADDRESS, %rbx
leave_to_rbx:
    mov XFRM_LOW, %eax
    mov XFRM_HIGH, %edx
    xrstor clean_xstate(%rip)
    xor %ecx, %ecx
    xor %edx, %edx
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    xor %r11d, %r11d
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r14d, %r14d
    xor %r15d, %r15d           /* also clears the status flags that depended on secrets */
    mov $EEXIT, %eax
    .byte 0x0f, 0x01, 0xd7     /* enclu */
    ud2
    .size enclave_end, . - enclave_end

/* An entry that must not be: nothing has changed, and the state stays what it is. */
refuse:
    mov $9, %edi
    xor %esi, %esi
    mov %rcx, %rbx
    jmp leave_to_rbx

/*
 * Something in the enclave has faulted. Only while it ran its own code: a fault that the host
 * contrives between two states (SmashEx, CVE-2021-0186) finds no stack here to corrupt, and is
 * refused.
 */
exception:
    cmp $1, %rax               /* CSSA: one exception, not one within another */
    jne refuse
    cmp $2, %rdi               /* ENTER_EXCEPTION */
    jne refuse
    cmpq $RUNNING, STATE
    jne refuse
    mov %rsp, EXCEPTION_RSP
    mov %rbp, EXCEPTION_RBP
    mov %rcx, EXCEPTION_EXIT
    lea __ehdr_start(%rip), %r10
    mov EXCEPTION_STACK_HIGH, %rsp
    add %r10, %rsp
    xor %ebp, %ebp
    mov SSA_REGISTERS, %rdi
    add %r10, %rdi
    call clean_state
    call enclave_exception
    mov %rax, %rsi             /* 0: ERESUME goes on in enclave_trap_entry */
    mov $3, %edi               /* EXIT_EXCEPTION */
    mov EXCEPTION_RSP, %rsp
    mov EXCEPTION_RBP, %rbp
    mov EXCEPTION_EXIT, %rbx
    jmp leave_to_rbx

/* Where ERESUME goes on after a fault: on an empty stack, RDI the kind of trap. */
    .globl enclave_trap_entry
    .hidden enclave_trap_entry
    .type enclave_trap_entry, @function
enclave_trap_entry:
    xor %ebp, %ebp
    call clean_state
    call enclave_trap
    ud2
    .size enclave_trap_entry, . - enclave_trap_entry

/*
 * uint64_t enclave_accept(const void *secinfo, void *page): EACCEPT's error code. It faults where the
 * host has added no page: enclave_exception() then goes on behind it, with another code.
 */
    .globl enclave_accept
    .hidden enclave_accept
    .globl enclave_accept_leaf
    .hidden enclave_accept_leaf
    .type enclave_accept, @function
enclave_accept:
    push %rbx
    mov %rdi, %rbx
    mov %rsi, %rcx
    mov $EACCEPT, %eax
enclave_accept_leaf:
    .byte 0x0f, 0x01, 0xd7     /* enclu */
    pop %rbx
    ret
    .size enclave_accept, . - enclave_accept

/* Flags, x87, MXCSR and vector registers as at a program's start. Keeps RDI, RSI and R11. */
clean_state:
    pushq $2
    popfq
    mov XFRM_LOW, %eax
    mov XFRM_HIGH, %edx
    xrstor clean_xstate(%rip)
    ret

    .section .rodata
    .balign 64
/* An XSAVE area whose XSTATE_BV is 0: XRSTOR gives every component its initial value. */
clean_xstate:
    .fill 24, 1, 0
    .long 0x1f80               /* MXCSR: all exceptions masked */
    .fill 548, 1, 0

    .section .note.GNU-stack, "", @progbits
