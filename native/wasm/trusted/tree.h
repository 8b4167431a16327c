// SPDX-License-Identifier: Apache-2.0
/*
 * Directories whose contents the enclave vouches for: trusted (known by hash) and protected
 * (encrypted). A file is in the enclave's memory as a whole while it is open; a protected one is
 * written as a whole, in one step, when it is synchronised, closed for the last time, or the
 * program ends.
 *
 * Paths are from the preopen's root, normalised: no empty, "." or ".." parts, "" is the root.
 */
#ifndef WASM_TREE_H
#define WASM_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "descriptors.h"

struct tree_file {
    struct tree_file *next;
    struct preopen *preopen;
    char *path;
    uint8_t *data;
    uint64_t size, room;
    uint32_t references;
    bool is_dirty;
    bool is_removed; /* while open: written nowhere any more */
};

enum { EXIT_NOT_WRITTEN = 125 };

struct tree_stat {
    uint64_t size;
    int64_t modify_ns;
    uint8_t type;
};

/* All answer an errno of WASI's. */

/* Opens, and creates or empties as `oflags` (enum wasi_oflags) say. */
uint32_t tree_open_file(struct preopen *preopen, const char *path, uint32_t oflags,
                        struct tree_file **file);
uint32_t tree_file_release(struct tree_file *file);
uint32_t tree_file_sync(struct tree_file *file);
uint32_t tree_file_set_size(struct tree_file *file, uint64_t size);
/* Writes all of it, or nothing. */
uint32_t tree_file_write(struct tree_file *file, uint64_t position, const void *from, size_t size);
size_t tree_file_read(const struct tree_file *file, uint64_t position, void *to, size_t size);

uint32_t tree_stat(struct preopen *preopen, const char *path, struct tree_stat *stat);
uint32_t tree_make_directory(struct preopen *preopen, const char *path);
uint32_t tree_remove(struct preopen *preopen, const char *path, bool is_directory);
uint32_t tree_rename(struct preopen *preopen, const char *from, const char *to);

/*
 * The names in a directory: a string of them, each with its NUL; before each one byte of
 * enum wasi_filetype. From the heap.
 */
uint32_t tree_list(struct preopen *preopen, const char *path, char **names, size_t *size);

/* Writes what is not written yet; false if something could not be. */
bool tree_write_all(void);

#endif
