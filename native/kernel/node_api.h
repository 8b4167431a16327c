/* SPDX-License-Identifier: Apache-2.0
 *
 * What the addon uses of Node-API, version 1, whose binary interface is stable and which Bun
 * exports (https://nodejs.org/api/n-api.html). Declared here because Debian has no package with the
 * header alone, and a build must not depend on an installed Node's.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct napi_env_opaque *napi_env;
typedef struct napi_value_opaque *napi_value;
typedef struct napi_callback_info_opaque *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);
typedef int napi_status;          /* napi_ok is 0 */
typedef int napi_typedarray_type; /* napi_uint8_array is 1 */

napi_status napi_get_cb_info(napi_env env, napi_callback_info info, size_t *argc, napi_value *argv,
                             napi_value *this_arg, void **data);
/* Fails where the value is no number; takes the integer part of one. */
napi_status napi_get_value_int64(napi_env env, napi_value value, int64_t *result);
/* With a buffer: copies at most size - 1 bytes and ends them with NUL. */
napi_status napi_get_value_string_utf8(napi_env env, napi_value value, char *buffer, size_t size,
                                       size_t *result);
/* Fails where the value is no typed array; what is not wanted may be NULL. */
napi_status napi_get_typedarray_info(napi_env env, napi_value value, napi_typedarray_type *type,
                                     size_t *length, void **data, napi_value *buffer,
                                     size_t *offset);
napi_status napi_create_int64(napi_env env, int64_t value, napi_value *result);
napi_status napi_create_function(napi_env env, const char *name, size_t length,
                                 napi_callback callback, void *data, napi_value *result);
napi_status napi_set_named_property(napi_env env, napi_value object, const char *name,
                                    napi_value value);
napi_status napi_throw_error(napi_env env, const char *code, const char *message);
/* What a loaded addon must export. */
__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env,
                                                                          napi_value exports);
