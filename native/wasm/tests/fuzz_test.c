// SPDX-License-Identifier: Apache-2.0
/*
 * A host that lies: thousands of programs that make WASI and enclave calls at random, whose host
 * answers with nonsense, or does what it is asked for and then changes the answer. Whatever it
 * says, a program ends by itself, by an error or by a trap, and never touches memory that is not
 * its own: the sanitizers and the pages around linear memory say so. Prints TAP.
 *
 * fuzz_test SEED [COUNT] repeats some.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wasm-rt.h>

#include "hosted.h"
#include "pal/services.h"
#include "trusted/descriptors.h"
#include "trusted/enclave_calls.h"
#include "trusted/memory.h"
#include "trusted/vectors.h"
#include "trusted/wasi/wasi.h"

enum { SEEDS = 2000, STEPS = 80, BATCH = 250, NOISE_SIZE = 4096, REPORT_FD = 777 };
enum { NOT_STARTED = 3, STARTED_LEAST = BATCH / 2 };

static char folder[] = "/tmp/wasm-fuzz-XXXXXX";
static uint8_t manifest[HOSTED_MANIFEST_MAX];
static uint32_t manifest_size;
static uint32_t dishonesty; /* of 16 answers, how many are changed */
static bool started;        /* the program has come as far as to call */

static uint64_t below(uint64_t limit)
{
    return hosted_random() % limit;
}

static void record(uint16_t tag, const void *value, uint32_t size)
{
    memcpy(manifest + manifest_size, &tag, 2);
    memcpy(manifest + manifest_size + 4, &size, 4);
    memcpy(manifest + manifest_size + 8, value, size);
    manifest_size += 8 + ((size + 7) & ~7u);
}

static void directory(uint8_t mode, const char *name)
{
    uint8_t value[256];
    struct manifest_preopen header = {.mode = mode,
                                      .flags = PREOPEN_WRITE,
                                      .name_length = (uint16_t)strlen(name),
                                      .path_length = (uint16_t)strlen(folder)};
    memcpy(value, &header, sizeof(header));
    memcpy(value + sizeof(header), name, header.name_length);
    memcpy(value + sizeof(header) + header.name_length, folder, header.path_length);
    record(MANIFEST_PREOPEN, value, (uint32_t)(sizeof(header) + strlen(name) + strlen(folder)));
}

static void make_manifest(void)
{
    const uint32_t flags = MANIFEST_HOST_ARGUMENTS;
    uint8_t trusted[36] = {0};
    struct manifest_listen listen = {.port = 1, .family = 4};
    memcpy(trusted + 32, "file", 4);
    record(MANIFEST_FLAGS, &flags, sizeof(flags));
    record(MANIFEST_NAME, "fuzz", 4);
    record(MANIFEST_ALLOW, "*", 1);
    directory(PREOPEN_PLAIN, "/plain");
    directory(PREOPEN_TRUSTED, "/trusted");
    record(MANIFEST_TRUSTED_FILE, trusted, sizeof(trusted));
    directory(PREOPEN_PROTECTED, "/protected");
    record(MANIFEST_LISTEN, &listen, sizeof(listen));
    record(MANIFEST_CONNECT, "\0\0*", 3);
}

/* Bytes that hurt: small numbers, ends of ranges, names, or anything. */
static void make_noise(uint8_t *to, size_t size)
{
    uint64_t kind = below(4);
    for (size_t i = 0; i < size; i++) {
        uint64_t value = hosted_random();
        to[i] = kind == 0 ? (uint8_t)value : kind == 1 ? 0xff : kind == 2 ? (value & 1) : 0;
    }
}

static int64_t nonsense(void)
{
    switch (below(8)) {
    case 0:
        return (int64_t)hosted_random();
    case 1:
        return INT64_MAX;
    case 2:
        return INT64_MIN;
    case 3:
        return -(int64_t)below(5000);
    case 4:
        return (int64_t)(SHARED_DATA_SIZE + below(3)) - 1;
    case 5:
        return (int64_t)below(1 << 17);
    default:
        return (int64_t)below(40);
    }
}

/* What would wait, leave the folder, or end the process. */
static bool is_harmless(const struct shared *shared)
{
    switch (shared->operation) {
    case HOST_READ:
    case HOST_POLL:
    case HOST_RAISE:
    case HOST_ACCEPT:
    case HOST_RECEIVE:
    case HOST_LISTEN:
    case HOST_CONNECT:
    case HOST_QUOTE_TARGET:
    case HOST_QUOTE:
        return false;
    default:
        return true;
    }
}

static void lying_host(struct shared *shared)
{
    if (shared->operation == HOST_LOG) {
        shared->result = 0;
        return;
    }
    /* Most programs may start, to be lied to afterwards. */
    if (!started && !is_harmless(shared) && below(8) != 0) {
        shared->result = (int64_t)below(40);
        return;
    }
    bool lies = below(16) < dishonesty && (started || below(4) == 0);
    if (is_harmless(shared))
        serve(shared);
    else
        lies = true;
    if (!lies)
        return;
    if (below(3) != 0 || !is_harmless(shared))
        shared->result = nonsense();
    shared->extra = hosted_random();
    if (below(2) == 0) {
        size_t at = below(3) == 0 ? below(SHARED_DATA_SIZE - NOISE_SIZE) : 0;
        make_noise(shared->data + at, 1 + below(NOISE_SIZE));
    } else {
        shared->data[below(64)] ^= (uint8_t)(1 << below(8));
    }
}

static u32 fd(void)
{
    return below(20) == 0 ? (u32)hosted_random() : (u32)below(12);
}

/* A place in linear memory, mostly. */
static u32 at(void)
{
    switch (below(24)) {
    case 0:
        return (u32)hosted_random();
    case 1:
        return HOSTED_MEMORY - (u32)below(64);
    default:
        return 4096 + (u32)below(8192) * 8;
    }
}

static u32 size(void)
{
    return below(24) == 0 ? (u32)hosted_random() : (u32)below(3000);
}

static u64 wide(void)
{
    return below(6) == 0 ? hosted_random() : below(5000);
}

/* A path at a fixed place; its length in *length. */
static u32 path(u32 *length)
{
    static const char *const paths[] = {"file", "file", "file", "file",   "a",
                                        "b",    "a/b",  "../x", "/x",     "a//./c",
                                        "d/",   ".",    "..",   "a/../b", ""};
    const char *text = paths[below(sizeof(paths) / sizeof(paths[0]))];
    u32 place = 1024 + (u32)below(64) * 16;
    *length = below(30) == 0 ? (u32)hosted_random() : (u32)strlen(text);
    memcpy(guest(place, strlen(text)), text, strlen(text));
    return place;
}

/* Two or three iovecs; sometimes they overlap, or lie outside. */
static u32 iovecs(u32 *count)
{
    u32 place = 2048 + (u32)below(16) * 64;
    *count = below(30) == 0 ? (u32)hosted_random() : (u32)below(4);
    for (u32 i = 0; i < 4; i++) {
        guest_put32(place + 8 * i, at());
        guest_put32(place + 8 * i + 4, size());
    }
    return place;
}

static void step(void)
{
    u32 length, length2, count;
    u32 name = path(&length), name2 = path(&length2), parts = iovecs(&count);
    switch (below(52)) {
    case 0:
        WASI(args_get)(NULL, at(), at());
        break;
    case 1:
        WASI(args_sizes_get)(NULL, at(), at());
        break;
    case 2:
        WASI(environ_get)(NULL, at(), at());
        break;
    case 3:
        WASI(environ_sizes_get)(NULL, at(), at());
        break;
    case 4:
        WASI(clock_res_get)(NULL, (u32)below(6), at());
        break;
    case 5:
        WASI(clock_time_get)(NULL, (u32)below(6), 0, at());
        break;
    case 6:
        WASI(fd_advise)(NULL, fd(), wide(), wide(), (u32)below(8));
        break;
    case 7:
        WASI(fd_allocate)(NULL, fd(), wide(), wide());
        break;
    case 8:
        WASI(fd_close)(NULL, fd());
        break;
    case 9:
        WASI(fd_datasync)(NULL, fd());
        break;
    case 10:
        WASI(fd_fdstat_get)(NULL, fd(), at());
        break;
    case 11:
        WASI(fd_fdstat_set_flags)(NULL, fd(), (u32)below(40));
        break;
    case 12:
        WASI(fd_fdstat_set_rights)(NULL, fd(), ~hosted_random() >> below(64), hosted_random());
        break;
    case 13:
        WASI(fd_filestat_get)(NULL, fd(), at());
        break;
    case 14:
        WASI(fd_filestat_set_size)(NULL, fd(), wide());
        break;
    case 15:
        WASI(fd_filestat_set_times)(NULL, fd(), wide(), wide(), (u32)below(20));
        break;
    case 16:
        WASI(fd_pread)(NULL, fd(), parts, count, wide(), at());
        break;
    case 17:
        WASI(fd_prestat_get)(NULL, fd(), at());
        break;
    case 18:
        WASI(fd_prestat_dir_name)(NULL, fd(), at(), size());
        break;
    case 19:
        WASI(fd_pwrite)(NULL, fd(), parts, count, wide(), at());
        break;
    case 20:
    case 21:
        WASI(fd_read)(NULL, fd(), parts, count, at());
        break;
    case 22:
    case 23:
        WASI(fd_readdir)(NULL, fd(), at(), size(), wide(), at());
        break;
    case 24:
        WASI(fd_renumber)(NULL, fd(), fd());
        break;
    case 25:
        WASI(fd_seek)(NULL, fd(), wide(), (u32)below(4), at());
        break;
    case 26:
        WASI(fd_sync)(NULL, fd());
        break;
    case 27:
        WASI(fd_tell)(NULL, fd(), at());
        break;
    case 28:
    case 29:
        WASI(fd_write)(NULL, fd(), parts, count, at());
        break;
    case 30:
        WASI(path_create_directory)(NULL, fd(), name, length);
        break;
    case 31:
        WASI(path_filestat_get)(NULL, fd(), (u32)below(2), name, length, at());
        break;
    case 32:
        WASI(path_filestat_set_times)(NULL, fd(), 0, name, length, 1, 2, (u32)below(20));
        break;
    case 33:
        WASI(path_link)(NULL, fd(), 0, name, length, fd(), name2, length2);
        break;
    case 34:
    case 35:
    case 36:
        WASI(path_open)
        (NULL, fd(), (u32)below(2), name, length, (u32)below(16),
         below(2) == 0 ? ~UINT64_C(0) : ~RIGHTS_CHANGING, ~UINT64_C(0), (u32)below(32), at());
        break;
    case 37:
        WASI(path_readlink)(NULL, fd(), name, length, at(), size(), at());
        break;
    case 38:
        WASI(path_remove_directory)(NULL, fd(), name, length);
        break;
    case 39:
        WASI(path_rename)(NULL, fd(), name, length, fd(), name2, length2);
        break;
    case 40:
        WASI(path_symlink)(NULL, name, length, fd(), name2, length2);
        break;
    case 41:
        WASI(path_unlink_file)(NULL, fd(), name, length);
        break;
    case 42:
        WASI(poll_oneoff)(NULL, at(), at(), (u32)below(40), at());
        break;
    case 43:
        WASI(random_get)(NULL, at(), size());
        break;
    case 44:
        WASI(sock_accept)(NULL, fd(), (u32)below(8), at());
        break;
    case 45:
        WASI(sock_recv)(NULL, fd(), parts, count, (u32)below(4), at(), at());
        break;
    case 46:
        WASI(sock_send)(NULL, fd(), parts, count, (u32)below(2), at());
        WASI(sock_shutdown)(NULL, fd(), (u32)below(5));
        break;
    case 47:
        ENCLAVE(seal)(NULL, (u32)below(4), at(), size(), at(), size(), at(), size(), at());
        break;
    case 48:
        ENCLAVE(unseal)(NULL, at(), size(), at(), size(), at(), size(), at());
        break;
    case 49:
        ENCLAVE(quote)(NULL, at(), at(), size(), at());
        break;
    case 50:
        ENCLAVE(sock_connect)(NULL, at(), size(), (u32)below(70000), at());
        break;
    default:
        ENCLAVE(report)(NULL, at(), at(), at());
        ENCLAVE(identity)(NULL, at());
        WASI(sched_yield)(NULL);
        WASI(proc_raise)(NULL, (u32)below(40));
    }
}

/* The trusted file, of which programs before may have made anything; not the one that is wanted. */
static void make_file(void)
{
    char name[64];
    snprintf(name, sizeof(name), "%s/file", folder);
    int file = open(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (file < 0)
        return;
    if (write(file, "other", 5) != 5)
        abort();
    close(file);
}

/* One program, from its start on: the host lies there too. Whether it came as far as to call. */
static bool run(uint64_t seed)
{
    wasm_rt_memory_t memory;
    hosted_seed(seed);
    dishonesty = (uint32_t)below(5) * 4;
    hosted_heap_left = below(8) == 0 ? below(1 << 20) : 4 << 20;
    hosted_host = lying_host;
    memset(&hosted_shared, 0, sizeof(hosted_shared));
    if (below(8) == 0) {
        make_noise(hosted_shared.data, 64);
        hosted_shared.argument_count = (uint32_t)below(70);
        hosted_shared.argument_bytes = (uint32_t)below(70);
        hosted_shared.variable_count = (uint32_t)nonsense();
        hosted_shared.variable_bytes = (uint32_t)below(3) * (uint32_t)below(1 << 18);
    } else {
        memcpy(hosted_shared.data, "fuzz\0one\0\0\0\0\0\0\0\0A=b", 20);
        hosted_shared.argument_count = 2;
        hosted_shared.argument_bytes = 9;
        hosted_shared.variable_count = 1;
        hosted_shared.variable_bytes = 4;
    }
    make_file();
    if (setjmp(hosted_end) != 0)
        return started;
    wasm_rt_allocate_memory(&memory, HOSTED_MEMORY >> 16, HOSTED_MEMORY >> 16);
    vectors_init();
    descriptors_init();
    started = true;
    for (int i = 0; i < STEPS; i++)
        step();
    return started;
}

/* A child for each seed: the runtime is made for one run. -1 if one ended as none may. */
static int run_seeds(uint64_t first, uint64_t count)
{
    int begun = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        pid_t pid = fork();
        if (pid == 0) {
            const struct rlimit limit = {1 << 20, 1 << 20};
            int null = open("/dev/null", O_RDWR);
            /* The streams are the program's: what a sanitizer finds is said elsewhere. */
            __sanitizer_set_report_fd((void *)(intptr_t)fcntl(2, F_DUPFD_CLOEXEC, REPORT_FD));
            for (int i = 0; i < 3; i++)
                dup2(null, i);
            close(null);
            setrlimit(RLIMIT_FSIZE, &limit);
            signal(SIGXFSZ, SIG_IGN);
            signal(SIGPIPE, SIG_IGN);
            alarm(60);
            hosted_begin(manifest, manifest_size);
            _exit(run(seed) ? 0 : NOT_STARTED);
        }
        int status;
        waitpid(pid, &status, 0);
        begun += status == 0;
        if (status != 0 && status != NOT_STARTED << 8) {
            printf("# seed %llu: status %#x\n", (unsigned long long)seed, status);
            return -1;
        }
    }
    return begun;
}

int main(int argc, char **argv)
{
    if (mkdtemp(folder) == NULL)
        return 1;
    make_manifest();
    int failures = 0, batches = SEEDS / BATCH;
    if (argc > 1) {
        failures =
            run_seeds(strtoull(argv[1], NULL, 10), argc > 2 ? strtoull(argv[2], NULL, 10) : 1) < 0;
    } else {
        setvbuf(stdout, NULL, _IOLBF, 0);
        printf("1..%d\n", batches);
        for (int i = 0; i < batches; i++) {
            int begun = run_seeds((uint64_t)i * BATCH, BATCH);
            /* A host that lets none start tries nothing. */
            bool ok = begun >= STARTED_LEAST;
            printf("%sok %d - a lying host, seeds %d to %d\n", ok ? "" : "not ", i + 1, i * BATCH,
                   (i + 1) * BATCH - 1);
            if (!ok)
                printf("# %d started\n", begun);
            failures += !ok;
        }
    }
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command) != 0 || failures != 0;
}
