// SPDX-License-Identifier: Apache-2.0
/* Entering, leaving, and the host's services: docs/protocol/wasm-enclave.md. */
#ifndef WASM_CALLS_H
#define WASM_CALLS_H

#include <stddef.h>
#include <stdint.h>

/* RDI at EENTER. */
enum enter_operation {
    ENTER_RUN = 0,       /* RSI struct shared, RDX its size */
    ENTER_RESUME = 1,    /* a host call has been answered */
    ENTER_EXCEPTION = 2, /* at CSSA 1 */
    ENTER_REPORT = 3,    /* RSI, RDX as with RUN: TARGETINFO and 64 bytes in data, REPORT out */
};

/* RDI at EEXIT. */
enum exit_reason {
    EXIT_HOST_CALL = 1,
    EXIT_ENDED = 2,     /* RSI: exit code */
    EXIT_EXCEPTION = 3, /* handled: ERESUME */
    EXIT_REPORT = 4,    /* RSI: 0, or a negated errno number */
    EXIT_REFUSED = 9,
};

enum host_operation {
    HOST_LOG = 1,
    HOST_READ,
    HOST_WRITE,
    HOST_PREAD,
    HOST_PWRITE,
    HOST_CLOSE,
    HOST_SEEK,
    HOST_STAT,
    HOST_SET_FLAGS,
    HOST_TRUNCATE,
    HOST_ALLOCATE,
    HOST_ADVISE,
    HOST_SYNC,
    HOST_SET_TIMES,
    HOST_READ_DIRECTORY,
    HOST_OPEN_AT,
    HOST_STAT_AT,
    HOST_SET_TIMES_AT,
    HOST_MAKE_DIRECTORY,
    HOST_REMOVE,
    HOST_RENAME,
    HOST_LINK,
    HOST_SYMLINK,
    HOST_READ_LINK,
    HOST_POLL,
    HOST_CLOCK,
    HOST_CLOCK_RESOLUTION,
    HOST_YIELD,
    HOST_RAISE,
    HOST_ACCEPT,
    HOST_RECEIVE,
    HOST_SEND,
    HOST_SHUT_DOWN,
    HOST_OPEN_PREOPEN,
    HOST_LISTEN,
    HOST_CONNECT,
    HOST_QUOTE_TARGET,
    HOST_QUOTE,
    HOST_OPERATION_COUNT,
};

enum { HOST_CALL_ARGUMENTS = 5, SHARED_DATA_SIZE = 256 << 10, SHARED_VECTOR_MAX = 4096 };

/* Memory of the host's. The enclave reads each member once, into memory of its own. */
struct shared {
    uint32_t operation;                      /* @0 */
    uint32_t zero;                           /* @4 */
    uint64_t arguments[HOST_CALL_ARGUMENTS]; /* @8 */
    int64_t result;                          /* @48 a negated errno number, or the answer */
    uint64_t extra;                          /* @56 a second answer, where the call has one */
    /* For ENTER_RUN: strings in data, each with its NUL, arguments before variables. */
    uint32_t argument_count;                     /* @64 */
    uint32_t argument_bytes;                     /* @68 */
    uint32_t variable_count;                     /* @72 */
    uint32_t variable_bytes;                     /* @76 */
    uint32_t can_grow;                           /* @80 whether EAUG pages can be had */
    uint32_t reserved[11];                       /* @84 */
    _Alignas(64) uint8_t data[SHARED_DATA_SIZE]; /* @128 */
};
_Static_assert(offsetof(struct shared, data) == 128, "as in the page");

struct host_stat {
    uint64_t device, inode, mode, links, size;
    int64_t access_ns, modify_ns, change_ns;
};
_Static_assert(sizeof(struct host_stat) == 64, "as in the page");

struct host_poll {
    int32_t fd;
    uint16_t events;  /* of HOST_POLL_* */
    uint16_t revents; /* out */
};
enum { HOST_POLL_READ = 1, HOST_POLL_WRITE = 4, HOST_POLL_ERROR = 8, HOST_POLL_HANGUP = 16 };

enum host_open_flags {
    HOST_OPEN_READ = 1,
    HOST_OPEN_WRITE = 2,
    HOST_OPEN_CREATE = 4,
    HOST_OPEN_DIRECTORY = 8,
    HOST_OPEN_EXCLUSIVE = 16,
    HOST_OPEN_TRUNCATE = 32,
    HOST_OPEN_APPEND = 64,
    HOST_OPEN_NONBLOCK = 128,
    HOST_OPEN_SYNC = 256,
    HOST_OPEN_DSYNC = 512,
    HOST_OPEN_FOLLOW = 1024,
};

enum host_times { HOST_ATIME = 1, HOST_ATIME_NOW = 2, HOST_MTIME = 4, HOST_MTIME_NOW = 8 };

/* Of HOST_READ_DIRECTORY: Linux's struct linux_dirent64. */
struct host_dirent {
    uint64_t inode;
    int64_t next;
    uint16_t length; /* of this record */
    uint8_t type;
    char name[]; /* with its NUL */
};

#endif
