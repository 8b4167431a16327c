// SPDX-License-Identifier: Apache-2.0
#include "exec.h"
#include "own_memory.h"
#include "deliver.h"
#include "dispositions.h"
#include "log.h"
#include "options.h"
#include "program.h"
#include "self_path.h"
#include "service.h"
#include "user_memory.h"
#include <linux/fcntl.h>
#include <linux/mman.h>

#define OWN_WORDS 3     /* argv[0], the handover, the path */
#define STACK_WORDS 512 /* longer vectors get memory of their own */
#define ARGUMENTS_MAX (1L << 20)

static void put_text(char *to, size_t size, size_t *at, const char *text)
{
    for (; *text != 0 && *at < size - 1; text++)
        to[(*at)++] = *text;
    to[*at] = 0;
}

static void put_hex(char *to, size_t size, size_t *at, uint64_t value)
{
    char digits[17];
    unsigned first = 16;
    digits[first] = 0;
    do {
        digits[--first] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value != 0);
    put_text(to, size, at, digits + first);
}

void handover_write(char word[HANDOVER_SIZE], const struct handover *handover)
{
    const uint64_t values[] = {handover->fd, handover->ignored, handover->blocked,
                               handover->options};
    size_t at = 0;
    for (unsigned i = 0; i < COUNT(values); i++) {
        put_text(word, HANDOVER_SIZE, &at, i == 0 ? "+" : ":");
        put_hex(word, HANDOVER_SIZE, &at, values[i]);
    }
    if (handover->service[0] != 0) {
        put_text(word, HANDOVER_SIZE, &at, ":");
        put_text(word, HANDOVER_SIZE, &at, handover->service);
    }
}

/* Up to the next colon, or the end of the word. */
static int read_hex(const char **at, uint64_t *value)
{
    *value = 0;
    const char *start = *at;
    for (; **at != ':' && **at != 0; (*at)++) {
        char c = **at;
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0 || *at - start == 16)
            return 0;
        *value = *value << 4 | (uint64_t)digit;
    }
    return *at > start;
}

int handover_read(struct handover *handover, const char *word)
{
    if (*word++ != '+')
        return 0;
    if (!(read_hex(&word, &handover->fd) && *word++ == ':' && read_hex(&word, &handover->ignored) &&
          *word++ == ':' && read_hex(&word, &handover->blocked) && *word++ == ':' &&
          read_hex(&word, &handover->options)))
        return 0;
    handover->service = *word == ':' ? word + 1 : word;
    return 1;
}

/* What the kernel would call the program: fs/exec.c, alloc_bprm. */
static void name_program(char *name, size_t size, int directory, const char *path)
{
    size_t at = 0;
    name[0] = 0;
    if (path[0] != '/' && directory != AT_FDCWD) {
        char digits[12];
        unsigned first = sizeof digits - 1, value = (unsigned)directory;
        digits[first] = 0;
        do
            digits[--first] = (char)('0' + value % 10);
        while ((value /= 10) != 0);
        put_text(name, size, &at, "/dev/fd/");
        put_text(name, size, &at, digits + first);
        if (path[0] != 0)
            put_text(name, size, &at, "/");
    }
    put_text(name, size, &at, path);
}

/* Number of words before the NULL; -errno. */
static long count_words(uint64_t vector)
{
    if (vector == 0)
        return 0;
    for (long count = 0; count < ARGUMENTS_MAX; count++) {
        uint64_t word;
        if (read_user(&word, vector + 8 * (uint64_t)count, sizeof word) != 0)
            return -EFAULT;
        if (word == 0)
            return count;
    }
    return -E2BIG;
}

/* Memory for `words` words. A vfork child's belongs to its parent, so it is kept for the next. */
static uint64_t *long_vector(struct thread *thread, uint64_t words)
{
    uint64_t size = page_up(8 * words);
    if (thread->scratch_size >= size)
        return thread->scratch;
    long memory = own_memory(size);
    if (is_error(memory))
        return NULL;
    if (thread->scratch != NULL)
        call(__NR_munmap, thread->scratch, thread->scratch_size);
    thread->scratch = (void *)memory;
    thread->scratch_size = size;
    return thread->scratch;
}

static long start_image(struct thread *thread, const struct program_file *file, const char *word,
                        uint64_t argv_user, uint64_t envp_user)
{
    long given = count_words(argv_user);
    if (given < 0)
        return given;
    uint64_t dropped = file->prefix_count > 0 && given > 0 ? 1 : 0;
    uint64_t kept = (uint64_t)given - dropped;
    uint64_t short_vector[STACK_WORDS], *argv = short_vector;
    if (OWN_WORDS + file->prefix_count + kept + 2 > STACK_WORDS)
        argv = long_vector(thread, OWN_WORDS + file->prefix_count + kept + 2);
    if (argv == NULL)
        return -ENOMEM;
    uint64_t *at = argv;
    *at++ = (uint64_t) "sgxsim";
    *at++ = (uint64_t)word;
    *at++ = (uint64_t)file->path;
    for (unsigned i = 0; i < file->prefix_count; i++)
        *at++ = (uint64_t)file->prefix[i];
    if (kept > 0 && read_user(at, argv_user + 8 * dropped, 8 * kept) != 0)
        return -EFAULT;
    at += kept;
    if (given == 0 && file->prefix_count == 0)
        *at++ = (uint64_t) ""; /* as Linux does since 5.18 */
    *at = 0;
    call(__NR_fcntl, file->fd, F_SETFD, 0);
    return exec_self(argv, envp_user);
}

long do_exec(struct thread *thread, int directory, uint64_t path_user, uint64_t argv_user,
             uint64_t envp_user, int flags, struct context *context)
{
    char path[PATH_LIMIT], name[PATH_LIMIT + 32], word[HANDOVER_SIZE];
    if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0)
        return -EINVAL;
    long length = read_user_string(path, path_user, sizeof path);
    if (length < 0)
        return length;
    const char *own = self_target(path);
    if (own != NULL && own[0] == '/')
        memcpy(path, own, strlen(own) + 1);
    if (path[0] == 0 && (flags & AT_EMPTY_PATH) == 0)
        return -ENOENT;
    struct program_file file;
    int error = program_open(&file, directory, path, flags);
    if (error != 0)
        return error;
    name_program(name, sizeof name, directory, path);
    for (unsigned i = 0; i < file.prefix_count; i++)
        if (file.prefix[i] == path)
            file.prefix[i] = name;
    if (file.path == path)
        file.path = name;
    struct handover handover = {
        .fd = (uint64_t)file.fd,
        .ignored = ignored_synchronous(thread),
        .blocked = mask_of(thread, context),
        .options = option_word(),
        .service = service_path,
    };
    handover_write(word, &handover);
    note("execute `%s`", file.path);
    long result = start_image(thread, &file, word, argv_user, envp_user);
    call(__NR_close, file.fd);
    return result;
}
