// SPDX-License-Identifier: Apache-2.0
/*
 * One check for each call of WASI preview 1, named by argv[1], against the raw calls. Expects the
 * directory /data as descriptor 3 (plain), /safe as 4 (protected), a listening socket as 5.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

#include "inclavare_enclave.h"

enum { DATA = 3, SAFE = 4, LISTENER = 5, NO_FD = 900, SIGNAL_CHLD = 16 };

static int failures;

static void expect(const char *what, long long got, long long wanted)
{
    if (got == wanted)
        return;
    printf("%s: %lld instead of %lld\n", what, got, wanted);
    failures++;
}
#define IS(call, wanted) expect(#call, (call), (wanted))
#define OK(call) IS(call, __WASI_ERRNO_SUCCESS)

static __wasi_fd_t make(__wasi_fd_t directory, const char *path, const char *text)
{
    __wasi_fd_t fd = 0;
    __wasi_size_t size;
    __wasi_ciovec_t part = {(const uint8_t *)text, strlen(text)};
    OK(__wasi_path_open(directory, 0, path, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_TRUNC, ~0ull >> 34,
                        ~0ull >> 34, 0, &fd));
    OK(__wasi_fd_write(fd, &part, 1, &size));
    IS(size, strlen(text));
    return fd;
}

static void holds(__wasi_fd_t directory, const char *path, const char *text)
{
    char buffer[256] = "";
    __wasi_fd_t fd = 0;
    __wasi_size_t size = 0;
    __wasi_iovec_t part = {(uint8_t *)buffer, sizeof(buffer)};
    OK(__wasi_path_open(directory, 0, path, 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd));
    OK(__wasi_fd_read(fd, &part, 1, &size));
    IS(size, strlen(text));
    IS(memcmp(buffer, text, size), 0);
    OK(__wasi_fd_close(fd));
}

static void args_sizes_get(void)
{
    __wasi_size_t count, size;
    OK(__wasi_args_sizes_get(&count, &size));
    IS(count, 2);
    IS(size, strlen("subject") + 1 + strlen("args_sizes_get") + 1);
    IS(__wasi_args_sizes_get((void *)-4, &size), __WASI_ERRNO_FAULT);
}
static void args_get(void)
{
    uint8_t *argv[2], buffer[64];
    OK(__wasi_args_get(argv, buffer));
    IS(strcmp((char *)argv[0], "subject"), 0);
    IS(strcmp((char *)argv[1], "args_get"), 0);
    IS(__wasi_args_get(argv, (void *)-4), __WASI_ERRNO_FAULT);
}
static void environ_sizes_get(void)
{
    __wasi_size_t count, size;
    OK(__wasi_environ_sizes_get(&count, &size));
    IS(count, 3);
    IS(size,
       sizeof("FIXED=one") + sizeof("PORT=") + strlen(getenv("PORT")) + sizeof("APP_MODE=two"));
}
static void environ_get(void)
{
    uint8_t *list[3], buffer[64];
    OK(__wasi_environ_get(list, buffer));
    IS(strcmp((char *)list[0], "FIXED=one"), 0);
    IS(strcmp((char *)list[2], "APP_MODE=two"), 0);
}
static void clock_res_get(void)
{
    __wasi_timestamp_t value = 0;
    for (int id = 0; id < 4; id++) {
        OK(__wasi_clock_res_get(id, &value));
        IS(value > 0, 1);
    }
    IS(__wasi_clock_res_get(4, &value), __WASI_ERRNO_INVAL);
}
static void clock_time_get(void)
{
    __wasi_timestamp_t first = 0, second = 0;
    for (int id = 0; id < 4; id++) {
        OK(__wasi_clock_time_get(id, 1, &first));
        OK(__wasi_clock_time_get(id, 1, &second));
        IS(second >= first && second > 0, 1);
    }
    IS(__wasi_clock_time_get(9, 1, &first), __WASI_ERRNO_INVAL);
}
static void fd_advise(void)
{
    __wasi_fd_t fd = make(DATA, "f", "text");
    for (int advice = 0; advice < 6; advice++)
        OK(__wasi_fd_advise(fd, 0, 4, advice));
    IS(__wasi_fd_advise(fd, 0, 4, 6), __WASI_ERRNO_INVAL);
    IS(__wasi_fd_advise(NO_FD, 0, 4, 0), __WASI_ERRNO_BADF);
    OK(__wasi_fd_advise(make(SAFE, "f", "text"), 0, 4, 0));
}
static void fd_allocate(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        __wasi_filestat_t stat;
        __wasi_fd_t fd = make(directory, "f", "text");
        OK(__wasi_fd_allocate(fd, 2, 100));
        OK(__wasi_fd_filestat_get(fd, &stat));
        IS(stat.size, 102);
        IS(__wasi_fd_allocate(fd, 0, 0), __WASI_ERRNO_INVAL);
    }
}
static void fd_close(void)
{
    __wasi_fd_t fd = make(DATA, "f", "text");
    OK(__wasi_fd_close(fd));
    IS(__wasi_fd_close(fd), __WASI_ERRNO_BADF);
    IS(__wasi_fd_close(NO_FD), __WASI_ERRNO_BADF);
}
static void fd_datasync(void)
{
    OK(__wasi_fd_datasync(make(DATA, "f", "text")));
    OK(__wasi_fd_datasync(make(SAFE, "f", "text")));
    IS(__wasi_fd_datasync(NO_FD), __WASI_ERRNO_BADF);
}
static void fd_fdstat_get(void)
{
    __wasi_fdstat_t stat;
    OK(__wasi_fd_fdstat_get(DATA, &stat));
    IS(stat.fs_filetype, __WASI_FILETYPE_DIRECTORY);
    OK(__wasi_fd_fdstat_get(make(SAFE, "f", ""), &stat));
    IS(stat.fs_filetype, __WASI_FILETYPE_REGULAR_FILE);
    IS((stat.fs_rights_base & __WASI_RIGHTS_FD_WRITE) != 0, 1);
    OK(__wasi_fd_fdstat_get(LISTENER, &stat));
    IS(stat.fs_filetype, __WASI_FILETYPE_SOCKET_STREAM);
    IS(__wasi_fd_fdstat_get(NO_FD, &stat), __WASI_ERRNO_BADF);
}
static void fd_fdstat_set_flags(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        __wasi_fdstat_t stat;
        __wasi_size_t size;
        __wasi_filesize_t at;
        __wasi_ciovec_t part = {(const uint8_t *)"end", 3};
        __wasi_fd_t fd = make(directory, "f", "text");
        OK(__wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_APPEND));
        OK(__wasi_fd_fdstat_get(fd, &stat));
        IS(stat.fs_flags, __WASI_FDFLAGS_APPEND);
        OK(__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at));
        OK(__wasi_fd_write(fd, &part, 1, &size));
        OK(__wasi_fd_close(fd));
        holds(directory, "f", "textend");
    }
    IS(__wasi_fd_fdstat_set_flags(make(DATA, "g", ""), __WASI_FDFLAGS_SYNC), __WASI_ERRNO_NOTSUP);
    IS(__wasi_fd_fdstat_set_flags(NO_FD, 0), __WASI_ERRNO_BADF);
}
static void fd_fdstat_set_rights(void)
{
    __wasi_size_t size;
    __wasi_ciovec_t part = {(const uint8_t *)"x", 1};
    __wasi_fd_t fd = make(DATA, "f", "text");
    OK(__wasi_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_READ, 0));
    IS(__wasi_fd_write(fd, &part, 1, &size), __WASI_ERRNO_NOTCAPABLE);
    IS(__wasi_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_WRITE, 0), __WASI_ERRNO_NOTCAPABLE);
}
static void fd_filestat_get(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        __wasi_filestat_t stat;
        OK(__wasi_fd_filestat_get(make(directory, "f", "text"), &stat));
        IS(stat.size, 4);
        IS(stat.filetype, __WASI_FILETYPE_REGULAR_FILE);
        OK(__wasi_fd_filestat_get(directory, &stat));
        IS(stat.filetype, __WASI_FILETYPE_DIRECTORY);
    }
}
static void fd_filestat_set_size(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        __wasi_fd_t fd = make(directory, "f", "text");
        OK(__wasi_fd_filestat_set_size(fd, 2));
        OK(__wasi_fd_filestat_set_size(fd, 3));
        OK(__wasi_fd_close(fd));
        char wanted[4] = "te";
        __wasi_filestat_t stat;
        OK(__wasi_path_filestat_get(directory, 0, "f", &stat));
        IS(stat.size, 3);
        (void)wanted;
    }
}
static void fd_filestat_set_times(void)
{
    __wasi_filestat_t stat;
    __wasi_fd_t fd = make(DATA, "f", "text");
    OK(__wasi_fd_filestat_set_times(fd, 5000000000, 7000000001,
                                    __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM));
    OK(__wasi_fd_filestat_get(fd, &stat));
    IS(stat.atim, 5000000000);
    IS(stat.mtim, 7000000001);
    OK(__wasi_fd_filestat_set_times(fd, 0, 0, __WASI_FSTFLAGS_MTIM_NOW));
    OK(__wasi_fd_filestat_get(fd, &stat));
    IS(stat.mtim > 7000000001, 1);
    IS(__wasi_fd_filestat_set_times(fd, 0, 0, 3), __WASI_ERRNO_INVAL);
    IS(__wasi_fd_filestat_set_times(make(SAFE, "f", ""), 0, 0, 1), __WASI_ERRNO_NOTSUP);
}
static void fd_pread(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        char one[2], two[8];
        __wasi_size_t size;
        __wasi_filesize_t at;
        __wasi_iovec_t parts[] = {{(uint8_t *)one, 2}, {(uint8_t *)two, 8}};
        __wasi_fd_t fd = make(directory, "f", "0123456");
        OK(__wasi_fd_pread(fd, parts, 2, 3, &size));
        IS(size, 4);
        IS(memcmp(one, "34", 2) | memcmp(two, "56", 2), 0);
        OK(__wasi_fd_tell(fd, &at));
        IS(at, 7);
        parts[0].buf = (uint8_t *)-2;
        IS(__wasi_fd_pread(fd, parts, 2, 0, &size), __WASI_ERRNO_FAULT);
    }
}
static void fd_prestat_get(void)
{
    __wasi_prestat_t stat;
    OK(__wasi_fd_prestat_get(DATA, &stat));
    IS(stat.tag, __WASI_PREOPENTYPE_DIR);
    IS(stat.u.dir.pr_name_len, 5);
    IS(__wasi_fd_prestat_get(LISTENER, &stat), __WASI_ERRNO_BADF);
    /* Half of it is memory: nothing is written. */
    volatile uint32_t *last = (uint32_t *)(__builtin_wasm_memory_size(0) * 65536 - 4);
    *last = 0x12345678;
    IS(__wasi_fd_prestat_get(DATA, (__wasi_prestat_t *)last), __WASI_ERRNO_FAULT);
    IS(*last, 0x12345678);
}
static void fd_prestat_dir_name(void)
{
    uint8_t name[8] = "";
    OK(__wasi_fd_prestat_dir_name(SAFE, name, 5));
    IS(memcmp(name, "/safe", 5), 0);
    IS(__wasi_fd_prestat_dir_name(SAFE, name, 4), __WASI_ERRNO_NAMETOOLONG);
}
static void fd_pwrite(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        __wasi_size_t size;
        __wasi_ciovec_t parts[] = {{(const uint8_t *)"AB", 2}, {(const uint8_t *)"C", 1}};
        __wasi_fd_t fd = make(directory, "f", "0123456");
        OK(__wasi_fd_pwrite(fd, parts, 2, 2, &size));
        IS(size, 3);
        OK(__wasi_fd_close(fd));
        holds(directory, "f", "01ABC56");
    }
}
static void fd_read(void)
{
    __wasi_fd_t fd;
    __wasi_size_t size = 1;
    uint8_t byte;
    __wasi_iovec_t part = {&byte, 1};
    OK(__wasi_fd_close(make(SAFE, "f", "hello")));
    holds(SAFE, "f", "hello");
    OK(__wasi_path_open(SAFE, 0, "f", 0, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_SEEK, 0, 0, &fd));
    __wasi_filesize_t at;
    OK(__wasi_fd_seek(fd, 100, __WASI_WHENCE_SET, &at));
    OK(__wasi_fd_read(fd, &part, 1, &size));
    IS(size, 0);
    IS(__wasi_fd_read(NO_FD, &part, 1, &size), __WASI_ERRNO_BADF);
}
static void fd_readdir(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        char name[8], buffer[64];
        int seen = 0;
        __wasi_dircookie_t cookie = 0;
        OK(__wasi_path_create_directory(directory, "list"));
        for (int i = 0; i < 40; i++) {
            snprintf(name, sizeof(name), "list/%02d", i);
            OK(__wasi_fd_close(make(directory, name, "")));
        }
        __wasi_fd_t fd;
        OK(__wasi_path_open(directory, 0, "list", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READDIR,
                            0, 0, &fd));
        /* A buffer of two or three entries: the rest is asked for with cookies. */
        for (;;) {
            __wasi_size_t used;
            OK(__wasi_fd_readdir(fd, (uint8_t *)buffer, sizeof(buffer), cookie, &used));
            size_t at = 0;
            while (used - at >= sizeof(__wasi_dirent_t)) {
                __wasi_dirent_t entry;
                memcpy(&entry, buffer + at, sizeof(entry));
                if (used - at < sizeof(entry) + entry.d_namlen)
                    break;
                seen += entry.d_namlen == 2 && buffer[at + sizeof(entry)] != '.';
                cookie = entry.d_next;
                at += sizeof(entry) + entry.d_namlen;
            }
            if (used < sizeof(buffer) || failures > 0)
                break;
        }
        IS(seen, 40);
    }
}
static void fd_renumber(void)
{
    __wasi_fd_t one = make(DATA, "one", "1"), two = make(DATA, "two", "22");
    __wasi_filestat_t stat;
    OK(__wasi_fd_renumber(two, one));
    OK(__wasi_fd_filestat_get(one, &stat));
    IS(stat.size, 2);
    IS(__wasi_fd_filestat_get(two, &stat), __WASI_ERRNO_BADF);
    IS(__wasi_fd_renumber(one, NO_FD), __WASI_ERRNO_BADF);
}
static void fd_seek(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        __wasi_filesize_t at;
        __wasi_fd_t fd = make(directory, "f", "0123456");
        OK(__wasi_fd_seek(fd, -2, __WASI_WHENCE_END, &at));
        IS(at, 5);
        OK(__wasi_fd_seek(fd, -1, __WASI_WHENCE_CUR, &at));
        IS(at, 4);
        IS(__wasi_fd_seek(fd, -1, __WASI_WHENCE_SET, &at), __WASI_ERRNO_INVAL);
        IS(__wasi_fd_seek(fd, 0, 3, &at), __WASI_ERRNO_INVAL);
    }
    __wasi_filesize_t at;
    IS(__wasi_fd_seek(LISTENER, 0, __WASI_WHENCE_SET, &at), __WASI_ERRNO_SPIPE);
}
static void fd_sync(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        OK(__wasi_fd_sync(make(directory, "f", "text")));
        holds(directory, "f", "text");
    }
    IS(__wasi_fd_sync(NO_FD), __WASI_ERRNO_BADF);
}
static void fd_tell(void)
{
    __wasi_filesize_t at;
    OK(__wasi_fd_tell(make(DATA, "f", "text"), &at));
    IS(at, 4);
    OK(__wasi_fd_tell(make(SAFE, "f", "text"), &at));
    IS(at, 4);
    IS(__wasi_fd_tell(NO_FD, &at), __WASI_ERRNO_BADF);
}
static void fd_write(void)
{
    __wasi_size_t size;
    __wasi_ciovec_t parts[] = {{(const uint8_t *)"one ", 4}, {(const uint8_t *)"two\n", 4}};
    OK(__wasi_fd_write(1, parts, 2, &size));
    IS(size, 8);
    parts[1].buf_len = 0x7fffffff;
    IS(__wasi_fd_write(1, parts, 2, &size), __WASI_ERRNO_FAULT);
    IS(__wasi_fd_write(1, (void *)-4, 1, &size), __WASI_ERRNO_FAULT);
}
static void path_create_directory(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        OK(__wasi_path_create_directory(directory, "d"));
        IS(__wasi_path_create_directory(directory, "d"), __WASI_ERRNO_EXIST);
        IS(__wasi_path_create_directory(directory, "no/d"), __WASI_ERRNO_NOENT);
        IS(__wasi_path_create_directory(directory, "../d"), __WASI_ERRNO_NOTCAPABLE);
        IS(__wasi_path_create_directory(directory, "/d"), __WASI_ERRNO_NOTCAPABLE);
    }
}
static void path_filestat_get(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        __wasi_filestat_t stat;
        OK(__wasi_fd_close(make(directory, "f", "text")));
        OK(__wasi_path_filestat_get(directory, 0, "f", &stat));
        IS(stat.size, 4);
        OK(__wasi_path_create_directory(directory, "d"));
        OK(__wasi_path_filestat_get(directory, 0, "d/../f", &stat));
        IS(__wasi_path_filestat_get(directory, 0, "none", &stat), __WASI_ERRNO_NOENT);
        IS(__wasi_path_filestat_get(directory, 0, "d/../../f", &stat), __WASI_ERRNO_NOTCAPABLE);
    }
}
static void path_filestat_set_times(void)
{
    __wasi_filestat_t stat;
    OK(__wasi_fd_close(make(DATA, "f", "text")));
    OK(__wasi_path_filestat_set_times(DATA, 0, "f", 1, 2000000003, __WASI_FSTFLAGS_MTIM));
    OK(__wasi_path_filestat_get(DATA, 0, "f", &stat));
    IS(stat.mtim, 2000000003);
    OK(__wasi_path_symlink("f", DATA, "l"));
    OK(__wasi_path_filestat_set_times(DATA, 0, "l", 0, 9000000000, __WASI_FSTFLAGS_MTIM));
    OK(__wasi_path_filestat_get(DATA, 0, "f", &stat));
    IS(stat.mtim, 2000000003);
    IS(__wasi_path_filestat_set_times(SAFE, 0, "f", 0, 0, 1), __WASI_ERRNO_NOTSUP);
}
static void path_link(void)
{
    OK(__wasi_fd_close(make(DATA, "f", "text")));
    OK(__wasi_path_link(DATA, 0, "f", DATA, "g"));
    holds(DATA, "g", "text");
    IS(__wasi_path_link(DATA, 0, "f", SAFE, "g"), __WASI_ERRNO_NOTSUP);
    OK(__wasi_path_symlink("f", DATA, "l"));
    OK(__wasi_path_link(DATA, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "l", DATA, "h"));
    holds(DATA, "h", "text");
    /* A link that leads out of the directory is not followed. */
    OK(__wasi_path_create_directory(DATA, "d"));
    OK(__wasi_path_symlink("../f", DATA, "d/l"));
    OK(__wasi_path_symlink("../outside", DATA, "out"));
    IS(__wasi_path_link(DATA, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "out", DATA, "i"),
       __WASI_ERRNO_XDEV);
    OK(__wasi_path_link(DATA, 0, "out", DATA, "i"));
    OK(__wasi_path_link(DATA, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "d/l", DATA, "j"));
    holds(DATA, "j", "text");
}
static void path_open(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        __wasi_fd_t fd, again;
        __wasi_rights_t rights = __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE;
        IS(__wasi_path_open(directory, 0, "f", 0, rights, 0, 0, &fd), __WASI_ERRNO_NOENT);
        OK(__wasi_path_open(directory, 0, "f", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, rights, 0,
                            0, &fd));
        IS(__wasi_path_open(directory, 0, "f", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, rights, 0,
                            0, &again),
           __WASI_ERRNO_EXIST);
        IS(__wasi_path_open(directory, 0, "f", __WASI_OFLAGS_DIRECTORY, 0, 0, 0, &again),
           __WASI_ERRNO_NOTDIR);
        IS(__wasi_path_open(directory, 0, "../f", 0, rights, 0, 0, &again),
           __WASI_ERRNO_NOTCAPABLE);
        IS(__wasi_path_open(fd, 0, "f", 0, rights, 0, 0, &again), __WASI_ERRNO_NOTCAPABLE);
        /* Two descriptors, one file. */
        __wasi_size_t size;
        __wasi_ciovec_t part = {(const uint8_t *)"shared", 6};
        OK(__wasi_path_open(directory, 0, "f", 0, rights, 0, 0, &again));
        OK(__wasi_fd_write(fd, &part, 1, &size));
        char text[8];
        __wasi_iovec_t into = {(uint8_t *)text, 8};
        OK(__wasi_fd_read(again, &into, 1, &size));
        IS(size, 6);
    }
}
static void path_readlink(void)
{
    uint8_t text[16];
    __wasi_size_t size;
    OK(__wasi_path_symlink("a/target", DATA, "l"));
    OK(__wasi_path_readlink(DATA, "l", text, sizeof(text), &size));
    IS(size, 8);
    IS(memcmp(text, "a/target", 8), 0);
    OK(__wasi_path_readlink(DATA, "l", text, 3, &size));
    IS(size, 3);
    OK(__wasi_fd_close(make(DATA, "f", "")));
    IS(__wasi_path_readlink(DATA, "f", text, 3, &size), __WASI_ERRNO_INVAL);
}
static void path_remove_directory(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        OK(__wasi_path_create_directory(directory, "d"));
        OK(__wasi_fd_close(make(directory, "d/f", "")));
        IS(__wasi_path_remove_directory(directory, "d"), __WASI_ERRNO_NOTEMPTY);
        OK(__wasi_path_unlink_file(directory, "d/f"));
        OK(__wasi_path_remove_directory(directory, "d"));
        IS(__wasi_path_remove_directory(directory, "d"), __WASI_ERRNO_NOENT);
    }
}
static void path_rename(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        __wasi_filestat_t stat;
        OK(__wasi_fd_close(make(directory, "f", "text")));
        OK(__wasi_fd_close(make(directory, "g", "other")));
        OK(__wasi_path_rename(directory, "f", directory, "g"));
        holds(directory, "g", "text");
        IS(__wasi_path_filestat_get(directory, 0, "f", &stat), __WASI_ERRNO_NOENT);
        IS(__wasi_path_rename(directory, "f", directory, "g"), __WASI_ERRNO_NOENT);
    }
    IS(__wasi_path_rename(DATA, "g", SAFE, "h"), __WASI_ERRNO_XDEV);
}
static void path_symlink(void)
{
    OK(__wasi_fd_close(make(DATA, "f", "text")));
    OK(__wasi_path_symlink("f", DATA, "l"));
    __wasi_fd_t fd;
    IS(__wasi_path_open(DATA, 0, "l", 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd), __WASI_ERRNO_LOOP);
    OK(__wasi_path_open(DATA, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "l", 0, __WASI_RIGHTS_FD_READ, 0,
                        0, &fd));
    /* Out of the directory: the host's kernel says EXDEV. */
    OK(__wasi_path_symlink("../../etc", DATA, "out"));
    IS(__wasi_path_open(DATA, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "out/passwd", 0,
                        __WASI_RIGHTS_FD_READ, 0, 0, &fd),
       __WASI_ERRNO_XDEV);
    IS(__wasi_path_symlink("/etc", DATA, "m"), __WASI_ERRNO_NOTCAPABLE);
    IS(__wasi_path_symlink("f", SAFE, "l"), __WASI_ERRNO_NOTSUP);
}
static void path_unlink_file(void)
{
    for (int directory = DATA; directory <= SAFE; directory++) {
        OK(__wasi_path_create_directory(directory, "d"));
        OK(__wasi_fd_close(make(directory, "f", "")));
        OK(__wasi_path_unlink_file(directory, "f"));
        IS(__wasi_path_unlink_file(directory, "f"), __WASI_ERRNO_NOENT);
        IS(__wasi_path_unlink_file(directory, "d"), __WASI_ERRNO_ISDIR);
    }
}
static void poll_oneoff(void)
{
    __wasi_event_t events[2];
    __wasi_size_t count = 0;
    __wasi_subscription_t in[2] = {{.userdata = 7, .u = {.tag = __WASI_EVENTTYPE_CLOCK}},
                                   {.userdata = 8, .u = {.tag = __WASI_EVENTTYPE_FD_READ}}};
    in[0].u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    in[0].u.u.clock.timeout = 1000000;
    in[1].u.u.fd_read.file_descriptor = LISTENER;
    OK(__wasi_poll_oneoff(in, events, 2, &count));
    IS(count, 1);
    IS(events[0].userdata, 7);
    int fd;
    OK(enclave_connect("127.0.0.1", 9, (uint32_t)atoi(getenv("PORT")), &fd));
    in[0].u.u.clock.timeout = 60000000000;
    OK(__wasi_poll_oneoff(in, events, 2, &count));
    IS(count, 1);
    IS(events[0].userdata, 8);
    in[1].u.u.fd_read.file_descriptor = NO_FD;
    OK(__wasi_poll_oneoff(in, events, 2, &count));
    IS(events[0].error, __WASI_ERRNO_BADF);
    IS(__wasi_poll_oneoff(in, events, 0, &count), __WASI_ERRNO_INVAL);
}
static void proc_exit(void)
{
    printf("leaving\n");
    fflush(stdout);
    __wasi_proc_exit(0);
}
int32_t __imported_wasi_snapshot_preview1_proc_raise(int32_t)
    __attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise")));
static void proc_raise(void)
{
    IS(__imported_wasi_snapshot_preview1_proc_raise(200), __WASI_ERRNO_INVAL);
    OK(__imported_wasi_snapshot_preview1_proc_raise(0));
    OK(__imported_wasi_snapshot_preview1_proc_raise(SIGNAL_CHLD));
}
static void random_get(void)
{
    uint8_t one[40] = {0}, two[40] = {0};
    OK(__wasi_random_get(one, sizeof(one)));
    OK(__wasi_random_get(two, sizeof(two)));
    IS(memcmp(one, two, sizeof(one)) != 0, 1);
    IS(__wasi_random_get((void *)-4, 8), __WASI_ERRNO_FAULT);
}
static void sched_yield(void)
{
    OK(__wasi_sched_yield());
}
static void pair(__wasi_fd_t *near, __wasi_fd_t *far)
{
    int fd = 0;
    OK(enclave_connect("127.0.0.1", 9, (uint32_t)atoi(getenv("PORT")), &fd));
    *near = fd;
    OK(__wasi_sock_accept(LISTENER, 0, far));
}
static void sock_accept(void)
{
    __wasi_fd_t near, far;
    pair(&near, &far);
    IS(__wasi_sock_accept(DATA, 0, &far), __WASI_ERRNO_NOTCAPABLE);
    OK(__wasi_fd_fdstat_set_flags(LISTENER, __WASI_FDFLAGS_NONBLOCK));
    IS(__wasi_sock_accept(LISTENER, 0, &far), __WASI_ERRNO_AGAIN);
}
static void sock_send(void)
{
    __wasi_fd_t near, far;
    __wasi_size_t size;
    pair(&near, &far);
    __wasi_ciovec_t parts[] = {{(const uint8_t *)"ab", 2}, {(const uint8_t *)"cde", 3}};
    OK(__wasi_sock_send(near, parts, 2, 0, &size));
    IS(size, 5);
    IS(__wasi_sock_send(near, parts, 2, 1, &size), __WASI_ERRNO_INVAL);
    IS(__wasi_sock_send(1, parts, 2, 0, &size), __WASI_ERRNO_NOTSOCK);
}
static void sock_recv(void)
{
    __wasi_fd_t near, far;
    __wasi_size_t size;
    __wasi_roflags_t flags;
    char text[8];
    pair(&near, &far);
    __wasi_ciovec_t part = {(const uint8_t *)"abcde", 5};
    __wasi_iovec_t into = {(uint8_t *)text, 8};
    OK(__wasi_sock_send(near, &part, 1, 0, &size));
    OK(__wasi_sock_recv(far, &into, 1, __WASI_RIFLAGS_RECV_PEEK, &size, &flags));
    IS(size, 5);
    OK(__wasi_sock_recv(far, &into, 1, 0, &size, &flags));
    IS(size, 5);
    IS(memcmp(text, "abcde", 5), 0);
    IS(flags, 0);
}
static void sock_shutdown(void)
{
    __wasi_fd_t near, far;
    __wasi_size_t size = 1;
    __wasi_roflags_t flags;
    char text[8];
    __wasi_iovec_t into = {(uint8_t *)text, 8};
    pair(&near, &far);
    OK(__wasi_sock_shutdown(near, __WASI_SDFLAGS_WR));
    OK(__wasi_sock_recv(far, &into, 1, 0, &size, &flags));
    IS(size, 0);
    IS(__wasi_sock_shutdown(near, 0), __WASI_ERRNO_INVAL);
    IS(__wasi_sock_shutdown(near, 4), __WASI_ERRNO_INVAL);
}

int main(int argc, char **argv)
{
#define CHECK(name)                                                                                \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct {
        const char *name;
        void (*run)(void);
    } checks[] = {
        CHECK(args_get),
        CHECK(args_sizes_get),
        CHECK(environ_get),
        CHECK(environ_sizes_get),
        CHECK(clock_res_get),
        CHECK(clock_time_get),
        CHECK(fd_advise),
        CHECK(fd_allocate),
        CHECK(fd_close),
        CHECK(fd_datasync),
        CHECK(fd_fdstat_get),
        CHECK(fd_fdstat_set_flags),
        CHECK(fd_fdstat_set_rights),
        CHECK(fd_filestat_get),
        CHECK(fd_filestat_set_size),
        CHECK(fd_filestat_set_times),
        CHECK(fd_pread),
        CHECK(fd_prestat_get),
        CHECK(fd_prestat_dir_name),
        CHECK(fd_pwrite),
        CHECK(fd_read),
        CHECK(fd_readdir),
        CHECK(fd_renumber),
        CHECK(fd_seek),
        CHECK(fd_sync),
        CHECK(fd_tell),
        CHECK(fd_write),
        CHECK(path_create_directory),
        CHECK(path_filestat_get),
        CHECK(path_filestat_set_times),
        CHECK(path_link),
        CHECK(path_open),
        CHECK(path_readlink),
        CHECK(path_remove_directory),
        CHECK(path_rename),
        CHECK(path_symlink),
        CHECK(path_unlink_file),
        CHECK(poll_oneoff),
        CHECK(proc_exit),
        CHECK(proc_raise),
        CHECK(random_get),
        CHECK(sched_yield),
        CHECK(sock_accept),
        CHECK(sock_recv),
        CHECK(sock_send),
        CHECK(sock_shutdown),
    };
    for (size_t i = 0; argc == 2 && i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (strcmp(argv[1], checks[i].name) == 0) {
            checks[i].run();
            return failures == 0 ? 0 : 1;
        }
    }
    printf("no such call\n");
    return 2;
}
