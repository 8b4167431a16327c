// SPDX-License-Identifier: Apache-2.0
/* Files of the host's that hold what the enclave checks or encrypts. Errnos are WASI's. */
#ifndef WASM_HOST_FILES_H
#define WASM_HOST_FILES_H

#include <stddef.h>
#include <stdint.h>

/* A path beneath a directory of the host's; `write` only for what was just made. */
uint32_t host_file_open(int32_t directory, const char *path, int32_t *fd);
uint32_t host_file_create(int32_t directory, const char *path, int32_t *fd);
uint32_t host_directory_open(int32_t directory, const char *path, int32_t *fd);

/* All of it, or EIO where the file ends before. */
uint32_t host_file_read(int32_t fd, uint64_t offset, uint8_t *to, size_t size);
uint32_t host_file_write(int32_t fd, uint64_t offset, const uint8_t *from, size_t size);

uint32_t host_file_size(int32_t fd, uint64_t *size);
uint32_t host_file_sync(int32_t fd);
void host_file_close(int32_t fd);

/* The type (enum wasi_filetype) of a name. */
uint32_t host_name_type(int32_t directory, const char *path, uint8_t *type);
uint32_t host_name_rename(int32_t directory, const char *from, const char *to);
uint32_t host_name_remove(int32_t directory, const char *path, uint32_t is_directory);
uint32_t host_name_make(int32_t directory, const char *path);

#endif
