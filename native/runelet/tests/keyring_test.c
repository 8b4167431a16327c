// SPDX-License-Identifier: Apache-2.0
/* Session keyrings, among them one that somebody else has made to be found. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* keyctl(2), include/uapi/linux/keyctl.h */
#define JOIN_SESSION_KEYRING 1
#define SETPERM 5
#define EVERYTHING 0x3f3f3f3fu

enum { FOREIGN = 1 };

static int join_keyring(void *name)
{
    uint8_t buffer[256];
    struct run run = empty_run();
    struct failure f = {0};
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), 54, 0);
    write_string(&w, name);
    int result = perform(op_keyring, &run, &w, &f);
    return result == 0 ? 0 : strstr(f.doing, "belongs to uid 4242") != NULL ? FOREIGN : 100;
}

/* keyctl(2): a keyring of another user, made first, which everybody may search. */
static void test_keyring(void)
{
    char name[64];
    int ready[2], done[2];
    char byte = 0;
    snprintf(name, sizeof(name), "_ses.label-test-%d", getpid());
    if (syscall(SYS_keyctl, JOIN_SESSION_KEYRING, NULL) < 0 && errno == ENOSYS) {
        ok(in_child(join_keyring, name) == 0, "a kernel without keyrings is fine");
        return;
    }
    if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(done, O_CLOEXEC) < 0)
        abort();
    pid_t other = fork();
    if (other == 0) {
        bool made = setresuid(4242, 4242, 4242) == 0;
        long key = made ? syscall(SYS_keyctl, JOIN_SESSION_KEYRING, name) : -1;
        made = key >= 0 && syscall(SYS_keyctl, SETPERM, key, EVERYTHING) == 0;
        close(done[1]);
        if (write(ready[1], made ? "1" : "0", 1) == 1 && read(done[0], &byte, 1) >= 0)
            _exit(0);
        _exit(1);
    }
    close(done[0]);
    bool made = read(ready[0], &byte, 1) == 1 && byte == '1';
    int seen = in_child(join_keyring, name);
    close(done[1]);
    waitpid(other, NULL, 0);
    ok(made && seen == FOREIGN, "the keyring of another user is refused: %d", seen);
    name[strlen(name) - 1] ^= 1;
    ok(in_child(join_keyring, name) == 0, "one that nobody has is made");
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    if (geteuid() != 0) {
        printf("1..0 # SKIP needs to become another user\n");
        return 0;
    }
    test_keyring();
    return tap_done();
}
