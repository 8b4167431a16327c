// SPDX-License-Identifier: Apache-2.0
/*
 * How the engine reaches the kernel: system calls, and functions of C libraries. An addon and not
 * bun:ffi, because that one needs a JIT: without one the engine starts in a fifth less time
 * (docs/explanation/start-cost.md). Nothing is decided here; src/kernel/addon.ts says what the
 * functions mean.
 */
#include "node_api.h"

#include <cpuid.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 7

struct arguments {
    size_t count;
    napi_value values[ARGUMENTS_MAX];
};

static napi_value refuse(napi_env env, const char *message)
{
    napi_throw_error(env, NULL, message);
    return NULL;
}

static struct arguments arguments_of(napi_env env, napi_callback_info info)
{
    struct arguments arguments = {.count = ARGUMENTS_MAX};
    if (napi_get_cb_info(env, info, &arguments.count, arguments.values, NULL, NULL) != 0 ||
        arguments.count > ARGUMENTS_MAX)
        arguments.count = 0;
    return arguments;
}

/* The arguments as integers, 0 where there are fewer; false where one is no number. */
static bool integers(napi_env env, const struct arguments *arguments, int64_t *into)
{
    for (size_t i = 0; i < arguments->count; i++) {
        if (napi_get_value_int64(env, arguments->values[i], &into[i]) != 0)
            return false;
    }
    return arguments->count > 0;
}

static napi_value integer(napi_env env, int64_t value)
{
    napi_value result = NULL;
    napi_create_int64(env, value, &result);
    return result;
}

/* systemCall(number, ...up to 6): the result, or -errno. */
static napi_value system_call(napi_env env, napi_callback_info info)
{
    struct arguments arguments = arguments_of(env, info);
    int64_t a[ARGUMENTS_MAX] = {0};
    if (!integers(env, &arguments, a))
        return refuse(env, "a system call's arguments are numbers");
    long result = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
    return integer(env, result == -1 ? -errno : result);
}

/* addressOf(array): where its first element is. */
static napi_value address_of(napi_env env, napi_callback_info info)
{
    struct arguments arguments = arguments_of(env, info);
    void *data = NULL;
    /* Not its buffer and offset: asking for the buffer may move the elements. */
    if (arguments.count != 1 ||
        napi_get_typedarray_info(env, arguments.values[0], NULL, NULL, &data, NULL, NULL) != 0)
        return refuse(env, "only a typed array has an address");
    return integer(env, (int64_t)(intptr_t)data);
}

/* copy(address, array): fills the array of bytes with what is at the address. */
static napi_value copy(napi_env env, napi_callback_info info)
{
    struct arguments arguments = arguments_of(env, info);
    int64_t address = 0;
    napi_typedarray_type type = -1;
    size_t length = 0;
    void *data = NULL;
    if (arguments.count != 2 || napi_get_value_int64(env, arguments.values[0], &address) != 0 ||
        napi_get_typedarray_info(env, arguments.values[1], &type, &length, &data, NULL, NULL) !=
            0 ||
        type != 1 || address == 0)
        return refuse(env, "copy takes an address and an array of bytes");
    memcpy(data, (const void *)(intptr_t)address, length);
    return NULL;
}

/* library(name): a handle of the loaded library; the error says what dlerror says. */
static napi_value library(napi_env env, napi_callback_info info)
{
    struct arguments arguments = arguments_of(env, info);
    char name[256];
    size_t length = 0;
    if (arguments.count != 1 ||
        napi_get_value_string_utf8(env, arguments.values[0], name, sizeof(name), &length) != 0)
        return refuse(env, "a library has a name");
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    return handle != NULL ? integer(env, (int64_t)(intptr_t)handle) : refuse(env, dlerror());
}

/* symbol(handle, name): a function's address; of what is loaded anyway where the handle is 0. */
static napi_value symbol(napi_env env, napi_callback_info info)
{
    struct arguments arguments = arguments_of(env, info);
    int64_t handle = 0;
    char name[256];
    size_t length = 0;
    if (arguments.count != 2 || napi_get_value_int64(env, arguments.values[0], &handle) != 0 ||
        napi_get_value_string_utf8(env, arguments.values[1], name, sizeof(name), &length) != 0)
        return refuse(env, "a symbol has a library and a name");
    void *address = dlsym((void *)(intptr_t)handle, name); /* RTLD_DEFAULT is 0 */
    return address != NULL ? integer(env, (int64_t)(intptr_t)address) : refuse(env, dlerror());
}

/* invoke(address, ...up to 6): calls a function that takes and returns integers or pointers. */
static napi_value invoke(napi_env env, napi_callback_info info)
{
    typedef long function(long, long, long, long, long, long);
    struct arguments arguments = arguments_of(env, info);
    int64_t a[ARGUMENTS_MAX] = {0};
    if (!integers(env, &arguments, a) || a[0] == 0)
        return refuse(env, "a function's address and arguments are numbers");
    return integer(env, ((function *)(intptr_t)a[0])(a[1], a[2], a[3], a[4], a[5], a[6]));
}

/* cpuid(leaf, subleaf, array of 16 bytes): fills it with EAX, EBX, ECX and EDX. */
static napi_value processor(napi_env env, napi_callback_info info)
{
    struct arguments arguments = arguments_of(env, info);
    int64_t leaf = 0, subleaf = 0;
    napi_typedarray_type type = -1;
    size_t length = 0;
    void *data = NULL;
    if (arguments.count != 3 || napi_get_value_int64(env, arguments.values[0], &leaf) != 0 ||
        napi_get_value_int64(env, arguments.values[1], &subleaf) != 0 ||
        napi_get_typedarray_info(env, arguments.values[2], &type, &length, &data, NULL, NULL) !=
            0 ||
        type != 1 || length != 16)
        return refuse(env, "cpuid takes a leaf, a subleaf and an array of 16 bytes");
    unsigned int registers[4] = {0};
    __cpuid_count((unsigned int)leaf, (unsigned int)subleaf, registers[0], registers[1],
                  registers[2], registers[3]);
    memcpy(data, registers, sizeof(registers));
    return NULL;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
    static const struct {
        const char *name;
        napi_callback function;
    } functions[] = {{"systemCall", system_call}, {"addressOf", address_of}, {"copy", copy},
                     {"library", library},        {"symbol", symbol},        {"invoke", invoke},
                     {"cpuid", processor}};
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        napi_value value;
        if (napi_create_function(env, functions[i].name, strlen(functions[i].name),
                                 functions[i].function, NULL, &value) != 0 ||
            napi_set_named_property(env, exports, functions[i].name, value) != 0)
            return refuse(env, "the addon cannot be set up");
    }
    return exports;
}
