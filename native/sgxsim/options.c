// SPDX-License-Identifier: Apache-2.0
#include "options.h"
#include "calls.h"
#include "epc.h"
#include "exec.h"
#include "fidelity.h"
#include "log.h"
#include "service.h"

#ifndef BUILD_VERSION
#define BUILD_VERSION "unknown"
#endif

int virtual_nodes;
int fast_exit_allowed, portable;
uint32_t epc_mib;

static const char help[] =
    "usage: sgxsim [options] [--] PROGRAM [ARGUMENTS...]\n"
    "       sgxsim [options] --fd M [--] ARGV0 [ARGUMENTS...]\n"
    "Runs an SGX program on a simulated SGX platform. It protects nothing.\n"
    "  --fd M                        the program is the file open as descriptor M\n"
    "  --virtual-nodes on|off|auto   answer stat and access for /dev/sgx_enclave too\n"
    "  --fast-exit on|off            let enclaves exit without a trap (default on)\n"
    "  --epc SIZE                    an EPC of that size (like 128M), and no more pages than it "
    "has\n"
    "  --epc-pool                    enclaves share the memory of the tmpfs at " EPC_POOL "\n"
    "  --service PATH                keys and launch control are the platform service's\n"
    "  --force                       start although there is a real SGX driver\n"
    "  --portable                    use no instruction that older processors lack\n"
    "  --fidelity                    interrupt enclaves at random, refuse what a processor "
    "would refuse\n"
    "  --verbose                     report on standard error what the platform does\n"
    "  --calls                       print the system calls the platform needs\n"
    "  --help, --version\n";

__attribute__((noreturn)) static void print(const char *text)
{
    call(__NR_write, 1, text, strlen(text));
    quit(0);
}

__attribute__((noreturn)) static void print_calls(void)
{
    for (unsigned i = 0; i < COUNT(needed_calls); i++) {
        call(__NR_write, 1, needed_calls[i], strlen(needed_calls[i]));
        call(__NR_write, 1, "\n", 1);
    }
    quit(0);
}

static int read_descriptor(const char *word)
{
    unsigned value = 0;
    const char *at = word;
    for (; *at >= '0' && *at <= '9' && value < 100000000; at++)
        value = value * 10 + (unsigned)(*at - '0');
    if (at == word || *at != 0)
        give_up(STATUS_SETUP, "read option --fd: `%s` is no descriptor", word);
    return (int)value;
}

static uint32_t read_epc(const char *word)
{
    uint32_t mib = epc_read_size(word);
    if (mib == 0)
        give_up(STATUS_SETUP, "read option --epc: `%s` is not a size like 128M or 2G", word);
    return mib;
}

static void read_service(const char *word)
{
    if (!service_set(word))
        give_up(STATUS_SETUP, "read option --service: `%s` is not an absolute path of a socket",
                word);
}

static int read_switch(const char *option, const char *word)
{
    if (strcmp(word, "on") == 0)
        return 1;
    if (strcmp(word, "off") != 0)
        give_up(STATUS_SETUP, "read option %s: `%s` is not on or off", option, word);
    return 0;
}

static int read_nodes(const char *word)
{
    if (strcmp(word, "on") == 0)
        return 1;
    if (strcmp(word, "off") == 0)
        return 0;
    if (strcmp(word, "auto") != 0)
        give_up(STATUS_SETUP, "read option --virtual-nodes: `%s` is not on, off or auto", word);
    return -1;
}

void options_read(struct options *options, int argc, char *const *argv)
{
    *options = (struct options){.program_fd = -1, .virtual_nodes = -1};
    fast_exit_allowed = 1;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--") == 0) {
            i++;
            break;
        }
        if (strcmp(word, "--help") == 0)
            print(help);
        if (strcmp(word, "--version") == 0)
            print("sgxsim " BUILD_VERSION "\n");
        if (strcmp(word, "--calls") == 0)
            print_calls();
        int takes_value = strcmp(word, "--fd") == 0 || strcmp(word, "--virtual-nodes") == 0 ||
                          strcmp(word, "--fast-exit") == 0 || strcmp(word, "--epc") == 0 ||
                          strcmp(word, "--service") == 0;
        if (takes_value && i + 1 == argc)
            give_up(STATUS_SETUP, "read option %s: its value is missing", word);
        if (strcmp(word, "--fd") == 0)
            options->program_fd = read_descriptor(argv[++i]);
        else if (strcmp(word, "--virtual-nodes") == 0)
            options->virtual_nodes = read_nodes(argv[++i]);
        else if (strcmp(word, "--epc") == 0)
            epc_mib = read_epc(argv[++i]);
        else if (strcmp(word, "--service") == 0)
            read_service(argv[++i]);
        else if (strcmp(word, "--fast-exit") == 0)
            fast_exit_allowed = read_switch(word, argv[++i]);
        else if (strcmp(word, "--force") == 0)
            options->force = 1;
        else if (strcmp(word, "--portable") == 0)
            portable = 1;
        else if (strcmp(word, "--epc-pool") == 0)
            epc_pool = 1;
        else if (strcmp(word, "--fidelity") == 0)
            fidelity = 1;
        else if (strcmp(word, "--verbose") == 0)
            verbose = 1;
        else
            give_up(STATUS_SETUP, "read options: there is no option `%s`", word);
    }
    if (i >= argc)
        give_up(STATUS_SETUP, "read options: the program is missing; see sgxsim --help");
    options->words = i;
}

uint64_t option_word(void)
{
    return (verbose ? OPTION_VERBOSE : 0) | (virtual_nodes ? OPTION_VIRTUAL_NODES : 0) |
           (fast_exit_allowed ? OPTION_FAST_EXIT : 0) | (portable ? OPTION_PORTABLE : 0) |
           (fidelity ? OPTION_FIDELITY : 0) | (epc_pool ? OPTION_EPC_POOL : 0) |
           (uint64_t)epc_mib << OPTION_EPC_SHIFT;
}

void options_from_word(uint64_t word)
{
    verbose = (word & OPTION_VERBOSE) != 0;
    virtual_nodes = (word & OPTION_VIRTUAL_NODES) != 0;
    fast_exit_allowed = (word & OPTION_FAST_EXIT) != 0;
    portable = (word & OPTION_PORTABLE) != 0;
    fidelity = (word & OPTION_FIDELITY) != 0;
    epc_pool = (word & OPTION_EPC_POOL) != 0;
    epc_mib = (uint32_t)(word >> OPTION_EPC_SHIFT);
}
