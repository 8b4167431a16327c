// SPDX-License-Identifier: Apache-2.0
/* From the kernel's execve to the program's first instruction. Called by _start. */
#include "cpuid.h"
#include "dispositions.h"
#include "driver.h"
#include "epc.h"
#include "exec.h"
#include "exit_stubs.h"
#include "fidelity.h"
#include "filter.h"
#include "loader.h"
#include "log.h"
#include "options.h"
#include "platform.h"
#include "process_name.h"
#include "program.h"
#include "segment_bases.h"
#include "self_path.h"
#include "service.h"
#include "start.h"
#include "start_stack.h"
#include "sync_signals.h"
#include "thread.h"
#include "vdso_link.h"
#include "xstate.h"
#include <linux/fcntl.h>

uint64_t start_entry;

static struct program_file program;

/* The first image of a process tree: options, then the program by descriptor, path or PATH. */
static void begin(struct start_vectors *vectors)
{
    struct options options;
    options_read(&options, vectors->argc, vectors->argv);
    const char *name = vectors->argv[options.words];
    if (driver_present() && !options.force)
        give_up(STATUS_SETUP, "start: this machine has a real SGX driver; use it, or say --force");
    virtual_nodes = options.virtual_nodes >= 0 ? options.virtual_nodes : !node_present();
    if (service_wanted() && service_hello() != 0)
        give_up(STATUS_SETUP, "start: there is no platform service at `%s`", service_path);
    int error = options.program_fd >= 0 ? program_from_fd(&program, options.program_fd, name)
                                        : program_search(&program, name, vectors->envp);
    if (error != 0)
        give_up(error == -ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN, "run `%s`: error %d%s",
                name, -error, error == -ENOENT ? " (not found)" : "");
    vectors->dropped = options.words;
}

/* Every further image: what do_exec handed over. The filter is in place. */
static void resume(struct start_vectors *vectors, const struct handover *handover)
{
    options_from_word(handover->options);
    if (handover->service[0] != 0 && !service_set(handover->service))
        give_up(STATUS_SETUP, "start: `%s` is no platform service", handover->service);
    program.fd = (int)handover->fd;
    program.path = vectors->argv[2];
    vectors->dropped = 3;
}

static void set_up_signals(uint64_t ignored, uint64_t blocked)
{
    struct thread *thread = thread_allocate(NULL);
    if (thread == NULL)
        give_up(STATUS_SETUP, "start: no memory for the first thread's block");
    thread->blocked = blocked & SYNC_SIGNALS;
    thread_adopt(thread);
    dispositions_start(ignored);
    cpuid_start();
}

static void set_mask_to(uint64_t blocked)
{
    uint64_t mask = blocked & ~SYNC_SIGNALS;
    call(__NR_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

static uint64_t current_mask(void)
{
    uint64_t mask = 0;
    call(__NR_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask);
    return mask;
}

uint64_t *start(uint64_t *stack)
{
    struct start_vectors vectors;
    start_vectors_read(&vectors, stack);
    struct handover handover = {.blocked = current_mask()};
    process_check();
    segment_bases_start(&vectors);
    xstate_start();
    int is_first = vectors.argc < 3 || !handover_read(&handover, vectors.argv[1]);
    if (is_first)
        begin(&vectors);
    else
        resume(&vectors, &handover);

    platform_start();
    epc_start(epc_mib != 0 ? epc_mib : EPC_DEFAULT_MIB, epc_mib != 0 && !epc_pool);
    exit_stubs_start(fast_exit_allowed && !portable && !fidelity);
    fidelity_start();
    struct loaded_program loaded;
    long error;
    self_path_start(program.fd, program.path);
    const char *fault = load_program(program.fd, &loaded, &error);
    if (fault != NULL)
        give_up(STATUS_CANNOT_RUN, "load `%s`: %s (error %d)", program.path, fault, (int)-error);
    call(__NR_close, program.fd);
    uint64_t vdso = vdso_start(vectors.kernel_vdso);
    set_up_signals(handover.ignored, handover.blocked);
    if (is_first) {
        error = filter_install(virtual_nodes);
        if (error != 0)
            give_up(STATUS_SETUP, "install filter: error %d", (int)-error);
    }
    uint64_t *result = start_stack_build(&vectors, &program, &loaded, vdso);
    process_name(&vectors, &program, &loaded);
    start_entry = loaded.start;
    set_mask_to(handover.blocked);
    return result;
}
