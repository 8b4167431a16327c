// SPDX-License-Identifier: Apache-2.0
/*
 * What builder, loader and enclave agree on: docs/protocol/wasm-enclave.md. src/wasm/image.ts and
 * src/wasm/config.ts write the same layouts.
 */
#ifndef WASM_IMAGE_H
#define WASM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAGIC "INCLWASM"
#define IMAGE_VERSION 1
#define IMAGE_HEADER_SIZE 8192
#define IMAGE_SIGSTRUCT_OFFSET 4096
#define IMAGE_SEGMENTS_MAX 32
#define PAGE_SIZE 4096

/* How a segment comes into the enclave. */
enum segment_load {
    SEGMENT_MEASURED = 1,   /* EADD and EEXTEND, from the file */
    SEGMENT_UNMEASURED = 2, /* EADD only: the enclave clears it before use */
    SEGMENT_DYNAMIC = 3,    /* nothing at load; EAUG where the enclave asks for it */
};

struct image_segment {
    uint64_t offset; /* @0 in the enclave */
    uint64_t size;   /* @8 */
    uint64_t flags;  /* @16 SECINFO.FLAGS */
    uint64_t file;   /* @24 where in the file; 0 unless measured */
    uint32_t load;   /* @32 enum segment_load */
    uint32_t kind;   /* @36 for people: sgx-tools inspect */
};
_Static_assert(sizeof(struct image_segment) == 40, "as in the page");

struct image_header {
    char magic[8];          /* @0 */
    uint32_t version;       /* @8 */
    uint32_t segment_count; /* @12 */
    uint64_t enclave_size;  /* @16 */
    uint32_t ssa_pages;     /* @24 */
    uint32_t miscselect;    /* @28 */
    uint64_t attributes;    /* @32 */
    uint64_t xfrm;          /* @40 */
    uint64_t tcs;           /* @48 in the enclave */
    uint64_t config;        /* @56 in the file: the enclave's configuration and manifest */
    uint64_t config_size;   /* @64 */
    uint8_t reserved[56];   /* @72 */
    struct image_segment segments[IMAGE_SEGMENTS_MAX]; /* @128 */
};
_Static_assert(offsetof(struct image_header, segments) == 128, "as in the page");

/*
 * The page at GS: measured, readable and writable. entry.S knows the offsets; stack protection the
 * canary's.
 */
struct thread_page {
    uint64_t self;                 /* @0 all offsets are from the enclave's base */
    uint64_t stack_high;           /* @8 */
    uint64_t exception_stack_high; /* @16 */
    uint64_t ssa_registers;        /* @24 GPRSGX of SSA frame 0 */
    uint64_t config;               /* @32 */
    uint64_t xfrm;                 /* @40 */
    uint64_t canary;               /* @48 */
    uint64_t state;                /* @56 */
    uint64_t host_rsp;             /* @64 */
    uint64_t host_rbp;             /* @72 */
    uint64_t exit_address;         /* @80 */
    uint64_t saved_rsp;            /* @88 */
    uint64_t exception_rsp;        /* @96 the host's, while an exception is handled */
    uint64_t exception_rbp;        /* @104 */
    uint64_t exception_exit;       /* @112 */
};
_Static_assert(offsetof(struct thread_page, exception_exit) == 112, "entry.S");

#define CONFIG_MAGIC UINT64_C(0x474e43574c434e49) /* "INCLWCNG" */

enum config_flags { CONFIG_GUARD_PAGES = 1 };

/* Measured, read only; the manifest's records follow it. */
struct enclave_config {
    uint64_t magic;          /* @0 */
    uint32_t version;        /* @8 */
    uint32_t manifest_size;  /* @12 */
    uint64_t enclave_size;   /* @16 */
    uint64_t memory;         /* @24 the linear memory */
    uint64_t memory_size;    /* @32 bytes that EADD adds */
    uint64_t memory_maximum; /* @40 bytes with what EAUG may add */
    uint64_t heap;           /* @48 of the runtime */
    uint64_t heap_size;      /* @56 */
    uint64_t stack_low;      /* @64 */
    uint64_t stack_high;     /* @72 */
    uint64_t flags;          /* @80 enum config_flags */
    uint8_t reserved[40];    /* @88 */
};
_Static_assert(sizeof(struct enclave_config) == 128, "as in the page");

/* The manifest: records of tag u16, zero u16, length u32, then so many bytes. */
enum manifest_tag {
    MANIFEST_FLAGS = 1,        /* u32 */
    MANIFEST_NAME = 2,         /* argv[0] */
    MANIFEST_ARGUMENT = 3,     /* in place of the host's */
    MANIFEST_VARIABLE = 4,     /* NAME=value */
    MANIFEST_ALLOW = 5,        /* NAME, or PREFIX* : the host may set it */
    MANIFEST_PREOPEN = 6,      /* struct manifest_preopen, name, path */
    MANIFEST_TRUSTED_FILE = 7, /* SHA-256, path: of the preopen before it */
    MANIFEST_LISTEN = 8,       /* struct manifest_listen */
    MANIFEST_CONNECT = 9,      /* port u16, host; "*" any, port 0 any */
};

enum manifest_flags {
    MANIFEST_DEBUG = 1, /* may run with DEBUG */
    MANIFEST_HOST_ARGUMENTS = 2,
    MANIFEST_HOST_REPORTS = 4, /* the host may have reports with data of its choice */
};

enum preopen_mode { PREOPEN_PLAIN = 0, PREOPEN_TRUSTED = 1, PREOPEN_PROTECTED = 2 };
enum preopen_flags { PREOPEN_WRITE = 1, PREOPEN_BY_SIGNER = 2 };

struct manifest_preopen {
    uint8_t mode;
    uint8_t flags;
    uint16_t name_length;
    uint16_t path_length;
    uint16_t zero;
};

struct manifest_listen {
    uint16_t port;
    uint8_t family; /* 4 or 6 */
    uint8_t zero;
    uint8_t address[16]; /* IPv4: the first four */
};

#endif
