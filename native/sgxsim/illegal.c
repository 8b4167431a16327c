// SPDX-License-Identifier: Apache-2.0
#include "illegal.h"

static int is_prefix(uint8_t byte)
{
    return byte == 0x66 || byte == 0x67 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e ||
           byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 || byte == 0x65 ||
           (byte & 0xf0) == 0x40; /* REX */
}

/* Opcodes 0F xx: RDPMC, SLDT and STR (0F 00 /0, /1), SGDT, SIDT and SMSW (0F 01 /0, /1, /4). */
static int two_bytes(uint8_t opcode, uint8_t operand)
{
    int digit = operand >> 3 & 7;
    int is_register = operand >= 0xc0;
    switch (opcode) {
    case 0x33:
        return 1;
    case 0x00:
        return digit < 2;
    case 0x01:
        return digit == 4 || (digit < 2 && !is_register);
    default:
        return 0;
    }
}

int is_illegal_inside(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && is_prefix(bytes[at]))
        at++;
    if (at == size)
        return 0;
    uint8_t opcode = bytes[at];
    switch (opcode) {
    case 0x0f:
        return at + 2 < size && two_bytes(bytes[at + 1], bytes[at + 2]);
    case 0x6c: /* INS, OUTS */
    case 0x6d:
    case 0x6e:
    case 0x6f:
    case 0xcd: /* INT n */
    case 0xcf: /* IRET */
    case 0xca: /* far RET */
    case 0xcb:
    case 0x8e: /* MOV to a segment register */
    case 0xe4: /* IN, OUT */
    case 0xe5:
    case 0xe6:
    case 0xe7:
    case 0xec:
    case 0xed:
    case 0xee:
    case 0xef:
        return 1;
    case 0xff: /* far CALL and JMP */
        return at + 1 < size && ((bytes[at + 1] >> 3 & 7) == 3 || (bytes[at + 1] >> 3 & 7) == 5);
    default:
        return 0;
    }
}
