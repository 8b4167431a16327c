// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include "instructions.h"
#include "plain_memory.h"

void report_make(const uint8_t targetinfo[TARGETINFO_SIZE], const uint8_t data[REPORT_DATA_SIZE],
                 uint8_t report[REPORT_SIZE])
{
    /* EREPORT wants its operands aligned. */
    static struct {
        _Alignas(512) uint8_t targetinfo[512];
        _Alignas(512) uint8_t report[512];
        _Alignas(128) uint8_t data[64];
    } operands;
    memcpy(operands.targetinfo, targetinfo, TARGETINFO_SIZE);
    memcpy(operands.data, data, REPORT_DATA_SIZE);
    enclu_report(operands.targetinfo, operands.data, operands.report);
    memcpy(report, operands.report, REPORT_SIZE);
}
