// SPDX-License-Identifier: Apache-2.0
/* The device's names, and the files that stand for it where there are none. */
#ifndef SGXSIM_NODES_H
#define SGXSIM_NODES_H

#include "base.h"

enum node { NODE_NONE, NODE_ENCLAVE, NODE_PROVISION, NODE_LEGACY };

/* Which device a path of the program names. */
enum node node_by_path(const char *path);
/* The same where only the last component is known: a candidate, to be confirmed by its number. */
enum node node_by_last_component(const char *path);
/* By device number, of a character node. */
enum node node_by_number(uint64_t number);

/* With virtual nodes: answers for their paths; 0 when the path is another. */
/* The legacy driver's is not answered for: it is for those who ask for it by name. */
int node_stat(uint64_t path_user, uint64_t buffer_user, long *result);
int node_statx(uint64_t path_user, uint64_t buffer_user, long *result);
int node_access(uint64_t path_user, int mode, long *result);
int node_readlink(uint64_t path_user, long *result);

#endif
