// SPDX-License-Identifier: Apache-2.0
/*
 * WASI preview 1 (wasi_snapshot_preview1): the 46 calls under the names that wasm2c gives them,
 * types and numbers as the standard has them. Addresses are of linear memory. All answer an errno
 * of the standard's.
 */
#ifndef WASM_WASI_H
#define WASM_WASI_H

#include <stdint.h>

#define WASI(name) Z_wasi_snapshot_preview1Z_##name

enum wasi_errno {
    WASI_SUCCESS = 0,
    WASI_E2BIG,
    WASI_EACCES,
    WASI_EADDRINUSE,
    WASI_EADDRNOTAVAIL,
    WASI_EAFNOSUPPORT,
    WASI_EAGAIN,
    WASI_EALREADY,
    WASI_EBADF,
    WASI_EBADMSG,
    WASI_EBUSY,
    WASI_ECANCELED,
    WASI_ECHILD,
    WASI_ECONNABORTED,
    WASI_ECONNREFUSED,
    WASI_ECONNRESET,
    WASI_EDEADLK,
    WASI_EDESTADDRREQ,
    WASI_EDOM,
    WASI_EDQUOT,
    WASI_EEXIST,
    WASI_EFAULT,
    WASI_EFBIG,
    WASI_EHOSTUNREACH,
    WASI_EIDRM,
    WASI_EILSEQ,
    WASI_EINPROGRESS,
    WASI_EINTR,
    WASI_EINVAL,
    WASI_EIO,
    WASI_EISCONN,
    WASI_EISDIR,
    WASI_ELOOP,
    WASI_EMFILE,
    WASI_EMLINK,
    WASI_EMSGSIZE,
    WASI_EMULTIHOP,
    WASI_ENAMETOOLONG,
    WASI_ENETDOWN,
    WASI_ENETRESET,
    WASI_ENETUNREACH,
    WASI_ENFILE,
    WASI_ENOBUFS,
    WASI_ENODEV,
    WASI_ENOENT,
    WASI_ENOEXEC,
    WASI_ENOLCK,
    WASI_ENOLINK,
    WASI_ENOMEM,
    WASI_ENOMSG,
    WASI_ENOPROTOOPT,
    WASI_ENOSPC,
    WASI_ENOSYS,
    WASI_ENOTCONN,
    WASI_ENOTDIR,
    WASI_ENOTEMPTY,
    WASI_ENOTRECOVERABLE,
    WASI_ENOTSOCK,
    WASI_ENOTSUP,
    WASI_ENOTTY,
    WASI_ENXIO,
    WASI_EOVERFLOW,
    WASI_EOWNERDEAD,
    WASI_EPERM,
    WASI_EPIPE,
    WASI_EPROTO,
    WASI_EPROTONOSUPPORT,
    WASI_EPROTOTYPE,
    WASI_ERANGE,
    WASI_EROFS,
    WASI_ESPIPE,
    WASI_ESRCH,
    WASI_ESTALE,
    WASI_ETIMEDOUT,
    WASI_ETXTBSY,
    WASI_EXDEV,
    WASI_ENOTCAPABLE,
};
_Static_assert(WASI_ENOTCAPABLE == 76, "the standard's numbers");

#define RIGHT_FD_DATASYNC (UINT64_C(1) << 0)
#define RIGHT_FD_READ (UINT64_C(1) << 1)
#define RIGHT_FD_SEEK (UINT64_C(1) << 2)
#define RIGHT_FD_FDSTAT_SET_FLAGS (UINT64_C(1) << 3)
#define RIGHT_FD_SYNC (UINT64_C(1) << 4)
#define RIGHT_FD_TELL (UINT64_C(1) << 5)
#define RIGHT_FD_WRITE (UINT64_C(1) << 6)
#define RIGHT_FD_ADVISE (UINT64_C(1) << 7)
#define RIGHT_FD_ALLOCATE (UINT64_C(1) << 8)
#define RIGHT_PATH_CREATE_DIRECTORY (UINT64_C(1) << 9)
#define RIGHT_PATH_CREATE_FILE (UINT64_C(1) << 10)
#define RIGHT_PATH_LINK_SOURCE (UINT64_C(1) << 11)
#define RIGHT_PATH_LINK_TARGET (UINT64_C(1) << 12)
#define RIGHT_PATH_OPEN (UINT64_C(1) << 13)
#define RIGHT_FD_READDIR (UINT64_C(1) << 14)
#define RIGHT_PATH_READLINK (UINT64_C(1) << 15)
#define RIGHT_PATH_RENAME_SOURCE (UINT64_C(1) << 16)
#define RIGHT_PATH_RENAME_TARGET (UINT64_C(1) << 17)
#define RIGHT_PATH_FILESTAT_GET (UINT64_C(1) << 18)
#define RIGHT_PATH_FILESTAT_SET_SIZE (UINT64_C(1) << 19)
#define RIGHT_PATH_FILESTAT_SET_TIMES (UINT64_C(1) << 20)
#define RIGHT_FD_FILESTAT_GET (UINT64_C(1) << 21)
#define RIGHT_FD_FILESTAT_SET_SIZE (UINT64_C(1) << 22)
#define RIGHT_FD_FILESTAT_SET_TIMES (UINT64_C(1) << 23)
#define RIGHT_PATH_SYMLINK (UINT64_C(1) << 24)
#define RIGHT_PATH_REMOVE_DIRECTORY (UINT64_C(1) << 25)
#define RIGHT_PATH_UNLINK_FILE (UINT64_C(1) << 26)
#define RIGHT_POLL_FD_READWRITE (UINT64_C(1) << 27)
#define RIGHT_SOCK_SHUTDOWN (UINT64_C(1) << 28)
#define RIGHT_SOCK_ACCEPT (UINT64_C(1) << 29)
#define RIGHTS_ALL ((UINT64_C(1) << 30) - 1)

/* What changes a file system: withheld from a preopen that may only be read. */
#define RIGHTS_CHANGING                                                                            \
    (RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_PATH_CREATE_DIRECTORY | RIGHT_PATH_CREATE_FILE |   \
     RIGHT_PATH_LINK_SOURCE | RIGHT_PATH_LINK_TARGET | RIGHT_PATH_RENAME_SOURCE |                  \
     RIGHT_PATH_RENAME_TARGET | RIGHT_PATH_FILESTAT_SET_SIZE | RIGHT_PATH_FILESTAT_SET_TIMES |     \
     RIGHT_FD_FILESTAT_SET_SIZE | RIGHT_FD_FILESTAT_SET_TIMES | RIGHT_PATH_SYMLINK |               \
     RIGHT_PATH_REMOVE_DIRECTORY | RIGHT_PATH_UNLINK_FILE)

enum wasi_filetype {
    FILETYPE_UNKNOWN,
    FILETYPE_BLOCK_DEVICE,
    FILETYPE_CHARACTER_DEVICE,
    FILETYPE_DIRECTORY,
    FILETYPE_REGULAR_FILE,
    FILETYPE_SOCKET_DGRAM,
    FILETYPE_SOCKET_STREAM,
    FILETYPE_SYMBOLIC_LINK,
};

enum wasi_fdflags {
    FDFLAGS_APPEND = 1,
    FDFLAGS_DSYNC = 2,
    FDFLAGS_NONBLOCK = 4,
    FDFLAGS_RSYNC = 8,
    FDFLAGS_SYNC = 16,
    FDFLAGS_ALL = 31,
};

enum wasi_oflags { OFLAGS_CREAT = 1, OFLAGS_DIRECTORY = 2, OFLAGS_EXCL = 4, OFLAGS_TRUNC = 8 };
enum wasi_fstflags { FST_ATIM = 1, FST_ATIM_NOW = 2, FST_MTIM = 4, FST_MTIM_NOW = 8, FST_ALL = 15 };
enum { LOOKUP_SYMLINK_FOLLOW = 1 };
enum wasi_whence { WHENCE_SET, WHENCE_CUR, WHENCE_END };
enum wasi_clock { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME, CLOCK_THREAD_CPUTIME };

typedef uint32_t u32;
typedef uint64_t u64;

u32 WASI(args_get)(void *, u32 argv, u32 argv_buf);
u32 WASI(args_sizes_get)(void *, u32 argc, u32 argv_buf_size);
u32 WASI(environ_get)(void *, u32 environ, u32 environ_buf);
u32 WASI(environ_sizes_get)(void *, u32 count, u32 buf_size);
u32 WASI(clock_res_get)(void *, u32 id, u32 resolution);
u32 WASI(clock_time_get)(void *, u32 id, u64 precision, u32 time);
u32 WASI(fd_advise)(void *, u32 fd, u64 offset, u64 len, u32 advice);
u32 WASI(fd_allocate)(void *, u32 fd, u64 offset, u64 len);
u32 WASI(fd_close)(void *, u32 fd);
u32 WASI(fd_datasync)(void *, u32 fd);
u32 WASI(fd_fdstat_get)(void *, u32 fd, u32 stat);
u32 WASI(fd_fdstat_set_flags)(void *, u32 fd, u32 flags);
u32 WASI(fd_fdstat_set_rights)(void *, u32 fd, u64 base, u64 inheriting);
u32 WASI(fd_filestat_get)(void *, u32 fd, u32 stat);
u32 WASI(fd_filestat_set_size)(void *, u32 fd, u64 size);
u32 WASI(fd_filestat_set_times)(void *, u32 fd, u64 atim, u64 mtim, u32 flags);
u32 WASI(fd_pread)(void *, u32 fd, u32 iovs, u32 iovs_len, u64 offset, u32 nread);
u32 WASI(fd_prestat_get)(void *, u32 fd, u32 prestat);
u32 WASI(fd_prestat_dir_name)(void *, u32 fd, u32 path, u32 path_len);
u32 WASI(fd_pwrite)(void *, u32 fd, u32 iovs, u32 iovs_len, u64 offset, u32 nwritten);
u32 WASI(fd_read)(void *, u32 fd, u32 iovs, u32 iovs_len, u32 nread);
u32 WASI(fd_readdir)(void *, u32 fd, u32 buf, u32 buf_len, u64 cookie, u32 bufused);
u32 WASI(fd_renumber)(void *, u32 from, u32 to);
u32 WASI(fd_seek)(void *, u32 fd, u64 offset, u32 whence, u32 newoffset);
u32 WASI(fd_sync)(void *, u32 fd);
u32 WASI(fd_tell)(void *, u32 fd, u32 offset);
u32 WASI(fd_write)(void *, u32 fd, u32 iovs, u32 iovs_len, u32 nwritten);
u32 WASI(path_create_directory)(void *, u32 fd, u32 path, u32 path_len);
u32 WASI(path_filestat_get)(void *, u32 fd, u32 flags, u32 path, u32 path_len, u32 stat);
u32 WASI(path_filestat_set_times)(void *, u32 fd, u32 flags, u32 path, u32 path_len, u64 atim,
                                  u64 mtim, u32 fst_flags);
u32 WASI(path_link)(void *, u32 old_fd, u32 old_flags, u32 old_path, u32 old_path_len, u32 new_fd,
                    u32 new_path, u32 new_path_len);
u32 WASI(path_open)(void *, u32 fd, u32 dirflags, u32 path, u32 path_len, u32 oflags, u64 base,
                    u64 inheriting, u32 fdflags, u32 opened);
u32 WASI(path_readlink)(void *, u32 fd, u32 path, u32 path_len, u32 buf, u32 buf_len, u32 used);
u32 WASI(path_remove_directory)(void *, u32 fd, u32 path, u32 path_len);
u32 WASI(path_rename)(void *, u32 fd, u32 old_path, u32 old_path_len, u32 new_fd, u32 new_path,
                      u32 new_path_len);
u32 WASI(path_symlink)(void *, u32 old_path, u32 old_path_len, u32 fd, u32 new_path,
                       u32 new_path_len);
u32 WASI(path_unlink_file)(void *, u32 fd, u32 path, u32 path_len);
u32 WASI(poll_oneoff)(void *, u32 in, u32 out, u32 nsubscriptions, u32 nevents);
void WASI(proc_exit)(void *, u32 code);
u32 WASI(proc_raise)(void *, u32 signal);
u32 WASI(random_get)(void *, u32 buf, u32 buf_len);
u32 WASI(sched_yield)(void *);
u32 WASI(sock_accept)(void *, u32 fd, u32 flags, u32 accepted);
u32 WASI(sock_recv)(void *, u32 fd, u32 iovs, u32 iovs_len, u32 flags, u32 nread, u32 roflags);
u32 WASI(sock_send)(void *, u32 fd, u32 iovs, u32 iovs_len, u32 flags, u32 nwritten);
u32 WASI(sock_shutdown)(void *, u32 fd, u32 how);

/* From a negated Linux errno. */
u32 wasi_errno(int64_t result);

#endif
