// SPDX-License-Identifier: Apache-2.0
/* shared IMAGE SIGSTRUCT: one enclave in several processes; prints TAP. `shared use FD BASE` is the
 * program that another process starts. */
#define _GNU_SOURCE
#include "host.h"
#include <errno.h>
#include <fcntl.h>
#include <asm/sgx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { R = 1, W = 2, X = 4 };

static int map_pages(int fd, uint64_t base, uint64_t size)
{
    int fixed = MAP_SHARED | MAP_FIXED_NOREPLACE;
    return mmap((void *)base, PAGE, R | W, fixed, fd, 0) == (void *)base &&
           mmap((void *)(base + CODE_PAGE), PAGE, R | X, fixed, fd, 0) != MAP_FAILED &&
           mmap((void *)(base + 2 * PAGE), size - 2 * PAGE, R | W, fixed, fd, 0) != MAP_FAILED;
}

/* 0 when the enclave behind `fd` answers here. */
static int use(int fd, uint64_t base, uint64_t size)
{
    if (!map_pages(fd, base, size))
        return 1;
    for (int i = 0; i < 3; i++)
        if (enclave_call(base, 1, 0, NULL).rdx != 0xfeedface)
            return 2;
    return 0;
}

static int run_again(const char *self, int fd, uint64_t base, uint64_t size)
{
    char words[3][32];
    snprintf(words[0], 32, "%d", fd);
    snprintf(words[1], 32, "%lx", base);
    snprintf(words[2], 32, "%lx", size);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl(self, self, "use", words[0], words[1], words[2], NULL);
        _exit(99);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void pass(int socket, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof fd),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS}};
    struct iovec data = {"x", 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    sendmsg(socket, &message, 0);
}

static int take(int socket)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control;
    char byte;
    int fd = -1;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, 0) == 1)
        memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    return fd;
}

/* A process that was there before the enclave gets it by SCM_RIGHTS. */
static void by_message(const uint8_t *image, size_t size, const uint8_t *sigstruct)
{
    int pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        uint64_t base;
        int fd = take(pair[1]);
        int good = read(pair[1], &base, sizeof base) == sizeof base;
        _exit(good ? use(fd, base, size) : 9);
    }
    const char *step;
    int fd, status = 0;
    uint64_t base = build_enclave(image, size, sigstruct, 6, &step, &fd);
    pass(pair[0], fd);
    check("an enclave passed by SCM_RIGHTS", write(pair[0], &base, sizeof base) == sizeof base &&
                                                 waitpid(child, &status, 0) == child &&
                                                 WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (status != 0)
        printf("# status 0x%x\n", status);
    close(pair[0]);
    close(pair[1]);
    munmap((void *)base, ENCLAVE_SIZE);
    close(fd);
}

/* Permissions that one process takes away are gone in the other. */
static void restrict_elsewhere(int fd, uint64_t base)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct sgx_enclave_restrict_permissions less = {
            .offset = CODE_PAGE, .length = PAGE, .permissions = R};
        _exit(ioctl(fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &less) != 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    struct sgx_enclave_run run = {.tcs = base};
    vdso_call(find_vdso_enter(), 0, 0, &run);
    check("a restriction that a forked child makes holds here",
          status == 0 && run.function != 4 && run.exception_vector == 14 &&
              run.exception_addr == base + CODE_PAGE);
}

int main(int argc, char **argv)
{
    size_t size, other;
    const char *step;
    int fd;
    if (argc == 5)
        return use(atoi(argv[2]), strtoul(argv[3], NULL, 16), strtoul(argv[4], NULL, 16));
    if (argc < 3)
        return 2;
    uint8_t *image = read_file(argv[1], &size);
    uint8_t *sigstruct = read_file(argv[2], &other);
    uint64_t base = build_enclave(image, size, sigstruct, 6, &step, &fd);
    if (base == 0) {
        printf("Bail out! %s: %s\n", step, strerror(errno));
        return 1;
    }
    fcntl(fd, F_SETFD, 0);
    int status = run_again(argv[0], fd, base, size);
    check("a program executed with the descriptor has the enclave", status == 0);
    if (status != 0)
        printf("# status %d\n", status);
    check("  which still answers here", enclave_call(base, 1, 0, NULL).rdx == 0xfeedface);
    by_message(image, size, sigstruct);
    restrict_elsewhere(fd, base);
    int plain = open("/dev/null", O_RDWR);
    check("an SGX ioctl on another file is ENOTTY",
          ioctl(plain, SGX_IOC_ENCLAVE_INIT, NULL) == -1 && errno == ENOTTY);
    return finish();
}
