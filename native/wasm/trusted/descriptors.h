// SPDX-License-Identifier: Apache-2.0
/* The program's file descriptors. */
#ifndef WASM_DESCRIPTORS_H
#define WASM_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/image.h"

enum descriptor_kind {
    DESCRIPTOR_FREE,
    DESCRIPTOR_HOST,           /* a file, directory, stream or socket of the host's */
    DESCRIPTOR_TREE_DIRECTORY, /* of a trusted or protected preopen */
    DESCRIPTOR_TREE_FILE,      /* the same; its contents are in the enclave */
};

/* A directory that the manifest names. */
struct preopen {
    char *name; /* what the program calls it */
    int32_t host;
    uint8_t mode;                /* enum preopen_mode */
    uint8_t flags;               /* enum preopen_flags */
    uint32_t record;             /* where its trusted files follow in the manifest */
    struct protected_root *keys; /* of a protected one, once it has been used */
};

struct descriptor {
    uint8_t kind;
    uint8_t type;   /* enum wasi_filetype */
    uint16_t flags; /* enum wasi_fdflags */
    int32_t host;
    uint64_t rights, inheriting;
    struct preopen *preopen; /* of a tree's; of a preopened directory */
    bool is_preopen;
    char *path;             /* a tree's, from its root; "" is the root */
    struct tree_file *file; /* of DESCRIPTOR_TREE_FILE */
    uint64_t position;
};

/* Standard streams, then the manifest's directories, then its listening sockets. */
void descriptors_init(void);

/* An open descriptor that has all of these rights; else the errno is in *error. */
struct descriptor *descriptor_get(uint32_t number, uint64_t rights, uint32_t *error);

/* Takes the lowest free number; NULL if all are in use. */
struct descriptor *descriptor_take(uint32_t *number);

/* For a descriptor of the host's that was just opened; closes it where there is no number. */
uint32_t descriptor_add_host(int32_t host, uint8_t type, uint16_t flags, uint64_t rights,
                             uint64_t inheriting, uint32_t *number);

/* Closes; the errno of what could not be written. The number is free in any case. */
uint32_t descriptor_close(struct descriptor *descriptor);

/* Moves what `from` is to `to`, closing that. */
uint32_t descriptor_move(uint32_t from, uint32_t to);

/* What a Linux st_mode is. */
uint8_t filetype_of_mode(uint64_t mode);

#endif
