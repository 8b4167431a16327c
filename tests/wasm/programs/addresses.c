// SPDX-License-Identifier: Apache-2.0
/* Accesses of every width at addresses that the compiler knows, from 2 GiB on; and of whole ranges.
 */
#include <stdint.h>
#include <string.h>

#define AT(type, address) (*(volatile type *)(address))

int main(int argc, char **argv)
{
    char *start = argv[0];
    if (argc == 2) {
        AT(uint8_t, 0xfffff000u) = 1;
        AT(uint16_t, 0xfffff002u) = 2;
        AT(uint32_t, 0xfffff004u) = 3;
        AT(uint64_t, 0xfffff008u) = 4;
        AT(float, 0x80000010u) = 5;
        AT(double, 0x80000018u) = 6;
        AT(uint32_t, 0x10) = 7;
    }
    if (argc == 3)
        memset((void *)0x90000000u, argc, strlen(start));
    if (argc == 4)
        memmove((void *)0x90000000u, (void *)0xa0000000u, strlen(start));
    if (argc == 5)
        memset((void *)0x90000000u, 0, 64);
    for (char *at = start; argc == 6 && at < start + 100; at++)
        *at = 0;
    return AT(int8_t, 0xfffff000u) + AT(uint8_t, 0xfffff001u) + AT(int16_t, 0xfffff002u) +
           AT(uint16_t, 0xfffff004u) + AT(int32_t, 0xfffff008u) +
           (int)(AT(uint64_t, 0xfffff010u) + AT(int32_t, 0x80000020u)) +
           (int)(AT(float, 0x80000024u) + AT(double, 0x80000028u)) + AT(int32_t, 0x20);
}
