// SPDX-License-Identifier: Apache-2.0
/* Finding the program, the home directory, and waiting for the start. */
#include "../execute.c"
#include "support.h"

static char scratch[64];

static void file_at(const char *name, mode_t mode)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", scratch, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    fchmod(fd, mode);
    close(fd);
}

static void directory_at(const char *name, mode_t mode)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", scratch, name);
    if (mkdir(path, mode) < 0)
        abort();
}

/* FIND_PROGRAM; the path found relative to the scratch directory, or the failure in f. */
static const char *find(const char *name, const char *path, struct run *run, struct failure *f)
{
    uint8_t buffer[16384];
    struct writer w;
    *run = empty_run();
    *f = (struct failure){0};
    write_begin(&w, buffer, sizeof(buffer), 44, 0);
    write_string(&w, name);
    write_string(&w, path);
    if (perform(op_find_program, run, &w, f) < 0)
        return NULL;
    return run->program_path;
}

static void found(const char *name, const char *path, const char *expected)
{
    struct run run;
    struct failure f;
    const char *program = find(name, path, &run, &f);
    ok(program != NULL && strcmp(program, expected) == 0, "`%s` in `%s` is %s", name, path,
       program != NULL ? program : f.reason);
    free(run.program_path);
}

static void not_found(const char *name, const char *path, uint32_t code, const char *reason)
{
    struct run run;
    struct failure f;
    const char *program = find(name, path, &run, &f);
    ok(program == NULL && f.code == code && strstr(f.reason, reason) != NULL, "`%s` in `%.40s`: %s",
       name, path, program != NULL ? program : f.reason);
    free(run.program_path);
}

static void test_search(void)
{
    char expected[PATH_MAX], path[3 * PATH_MAX], long_path[2 * PATH_MAX];
    directory_at("a", 0755);
    directory_at("b", 0755);
    directory_at("a/dir", 0755);
    file_at("a/plain", 0644);
    file_at("b/plain", 0755);
    file_at("a/both", 0755);
    file_at("b/both", 0755);
    file_at("b/dir", 0755);
    file_at("a/only-plain", 0644);
    snprintf(path, sizeof(path), "%s/a:%s/b", scratch, scratch);
    snprintf(expected, sizeof(expected), "%s/a/both", scratch);
    found("both", path, expected);
    snprintf(expected, sizeof(expected), "%s/b/plain", scratch);
    found("plain", path, expected);
    snprintf(expected, sizeof(expected), "%s/b/dir", scratch);
    found("dir", path, expected);
    not_found("only-plain", path, FAILURE_NOT_EXECUTABLE, "denied");
    not_found("none", path, FAILURE_NOT_FOUND, "not found in $PATH");
    not_found("both", "", FAILURE_NOT_FOUND, "not found in $PATH");
    not_found("", path, FAILURE_NOT_FOUND, "not found in $PATH");

    memset(long_path, 'x', sizeof(long_path));
    long_path[0] = '/';
    long_path[sizeof(long_path) - 1] = 0;
    snprintf(path, sizeof(path), "%s:%s/a", long_path, scratch);
    snprintf(expected, sizeof(expected), "%s/a/both", scratch);
    found("both", path, expected);
}

static void test_current_directory(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/a", scratch);
    int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (chdir(path) < 0)
        abort();
    found("both", ":/nowhere", "./both");
    found("both", "/nowhere:", "./both");
    found("both", "/nowhere::/nowhere", "./both");
    found("both", ".", "./both");
    found("./both", "/nowhere", "./both");
    found("../b/both", "", "../b/both");
    if (fchdir(before) < 0)
        abort();
    close(before);
}

static void test_with_slash(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/a/only-plain", scratch);
    not_found(path, "/bin", FAILURE_NOT_EXECUTABLE, "denied");
    snprintf(path, sizeof(path), "%s/a/dir", scratch);
    not_found(path, "/bin", FAILURE_NOT_EXECUTABLE, "denied");
    snprintf(path, sizeof(path), "%s/a/none", scratch);
    not_found(path, "/bin", FAILURE_NOT_FOUND, "No such file");
    snprintf(path, sizeof(path), "%s/a/both/x", scratch);
    not_found(path, "/bin", FAILURE_NOT_FOUND, "Not a directory");
}

static void home(const char *text, uid_t uid, const char *expected)
{
    char line[256];
    snprintf(line, sizeof(line), "%s", text);
    const char *found_home = home_in_line(line, uid);
    bool same = expected == NULL ? found_home == NULL
                                 : found_home != NULL && strcmp(found_home, expected) == 0;
    ok(same, "home of %u in `%.*s`", uid, (int)strcspn(text, "\n"), text);
}

static void test_home(void)
{
    home("root:x:0:0:root:/root:/bin/sh\n", 0, "/root");
    home("a:x:1000:1000::/home/a:", 1000, "/home/a");
    home("a:x:1000:1000::/home/a:\n", 1001, NULL);
    home("a:x:0:0:::\n", 0, "");
    home("a:x:10:0::/h:/s:more:fields\n", 10, "/h");
    home("a:x:4294967295:0::/h:/s\n", 4294967295u, "/h");
    home("a:x:18446744073709551615:0::/h:/s\n", 4294967295u, NULL);
    home("a:x:4294967296:0::/h:/s\n", 0, NULL);
    home("a:x:-0x1:0::/h:/s\n", 1, NULL);
    home("a:x:1x:0::/h:/s\n", 1, NULL);
    home("a:x::0::/h:/s\n", 0, NULL);
    home("a:x:0:0::/h\n", 0, NULL);
    home("0:0:0\n", 0, NULL);
    home("", 0, NULL);
    home("\n", 0, NULL);
    home("::::::", 0, NULL);
}

static void test_environment(void)
{
    char *environment[] = {(char *)(uintptr_t) "A=1", NULL};
    struct run run = empty_run();
    ok(with_home(&run, environment) == environment, "without HOME the environment stays");
    run.home = (char *)(uintptr_t) "HOME=/x";
    char **larger = with_home(&run, environment);
    ok(strcmp(larger[0], "A=1") == 0 && strcmp(larger[1], "HOME=/x") == 0 && larger[2] == NULL,
       "HOME comes behind it");
    free(larger);
}

static int wait_fifo(struct run *run, uint32_t slot, struct failure *f)
{
    uint8_t buffer[32];
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), 46, 0);
    write_u32(&w, slot);
    return perform(op_wait_fifo, run, &w, f);
}

static void test_fifo(void)
{
    struct run run = empty_run();
    struct failure f = {0};
    int ends[2], channel = dup(0);
    if (pipe(ends) < 0 || write(ends[1], "0", 1) != 1)
        abort();
    run.slots[9] = ends[0];
    run.channel = channel;
    ok(wait_fifo(&run, 9, &f) == 0 && run.channel == -1 && fcntl(channel, F_GETFD) < 0,
       "a byte lets the start go on; the channel is closed before");
    close(ends[1]);
    ok(wait_fifo(&run, 9, &f) < 0 && f.errno_value == EPIPE, "the end of the fifo does not");
    ok(wait_fifo(&run, 8, &f) < 0 && f.code == FAILURE_PLAN, "nor does an empty slot");
    close(ends[0]);
}

static int exec_in_child(void *argument)
{
    struct run run = empty_run();
    struct failure f = {0};
    uint8_t buffer[256];
    struct writer w;
    const char *const argv[] = {"sh", "-c", argument, NULL}, *const env[] = {"A=1", NULL};
    run.program_path = strdup("/bin/sh");
    run.home = strdup("HOME=/nowhere");
    write_begin(&w, buffer, sizeof(buffer), 47, 0);
    write_list(&w, argv);
    write_list(&w, env);
    perform(op_exec, &run, &w, &f);
    return 99;
}

static void test_exec(void)
{
    char good[] = "test \"$A$HOME\" = 1/nowhere && exit 7";
    int status = in_child(exec_in_child, good);
    ok(status == 7, "the program gets its arguments and environment (%d)", status);
    struct run run = empty_run();
    struct failure f = {0};
    uint8_t buffer[256];
    struct writer w;
    const char *const none[] = {NULL}, *const argv[] = {"x", NULL};
    write_begin(&w, buffer, sizeof(buffer), 47, 0);
    write_list(&w, argv);
    write_list(&w, none);
    ok(perform(op_exec, &run, &w, &f) < 0 && f.code == FAILURE_PLAN, "not before it is found");
    char path[96];
    snprintf(path, sizeof(path), "%s/b/plain", scratch);
    run.program_path = path;
    write_begin(&w, buffer, sizeof(buffer), 47, 0);
    write_list(&w, none);
    write_list(&w, none);
    ok(perform(op_exec, &run, &w, &f) < 0 && f.code == FAILURE_PLAN, "not without argv[0]");
    int fd = open(path, O_WRONLY | O_TRUNC);
    if (write(fd,
              "\x7f"
              "ELF no",
              7) != 7)
        abort();
    close(fd);
    write_begin(&w, buffer, sizeof(buffer), 47, 0);
    write_list(&w, argv);
    write_list(&w, none);
    ok(perform(op_exec, &run, &w, &f) < 0 && f.code == FAILURE_NOT_EXECUTABLE &&
           f.errno_value == ENOEXEC,
       "what the kernel cannot execute is said");
}

static void test_keep(void)
{
    uint8_t buffer[64];
    struct run run = empty_run();
    struct failure f = {0};
    struct writer w;
    run.slots[9] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    write_begin(&w, buffer, sizeof(buffer), 56, 0);
    write_u32(&w, 9);
    ok(perform(op_keep, &run, &w, &f) == 0 && fcntl(run.slots[9], F_GETFD) == 0,
       "a kept descriptor survives execve");
    close(run.slots[9]);
    write_begin(&w, buffer, sizeof(buffer), 56, 0);
    write_u32(&w, 8);
    ok(perform(op_keep, &run, &w, &f) < 0 && f.code == FAILURE_PLAN, "an empty slot is refused");
}

/* Lists that a failed operation leaves behind end with its process: no leaks to look for. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

int main(void)
{
    make_scratch(scratch, sizeof(scratch));
    test_search();
    test_current_directory();
    test_with_slash();
    test_home();
    test_environment();
    test_fifo();
    test_exec();
    test_keep();
    remove_tree(scratch);
    return tap_done();
}
