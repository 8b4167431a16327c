// SPDX-License-Identifier: Apache-2.0
/*
 * Loading, on the host's side of pivot_root: everything that dlopen will ever be asked for must
 * come from here, because afterwards the image decides what a library's name means.
 */
#include "pal.h"

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* glibc loads the first in pthread_exit and pthread_cancel; the others are parts of Intel's PSW,
 * which its libraries load by name when an enclave is created or quoted. */
static const char *const preloaded[] = {
    "libgcc_s.so.1",          "libsgx_launch.so.1", "libsgx_epid.so.1",
    "libdcap_quoteprov.so.1", "libsgx_urts.so.1",   "libsgx_default_qcnl_wrapper.so.1",
};

static const char *const nss_databases[] = {"passwd",   "group",    "hosts",
                                            "networks", "services", "protocols"};

/* A library that is absent here will be absent later: no reason to complain. */
static void preload(const char *soname)
{
    dlopen(soname, RTLD_NOW | RTLD_GLOBAL);
}

static bool is_nss_database(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(nss_databases) / sizeof(nss_databases[0]); i++)
        if (strlen(nss_databases[i]) == length && memcmp(nss_databases[i], name, length) == 0)
            return true;
    return false;
}

/* "passwd: files systemd [NOTFOUND=return] sss": loads libnss_files.so.2 and so on. */
static void preload_nss_line(char *line)
{
    line[strcspn(line, "#\n")] = 0;
    char *at = line + strspn(line, " \t");
    size_t length = strcspn(at, ": \t");
    char *colon = strchr(at, ':');
    if (colon == NULL || !is_nss_database(at, length))
        return;
    char *rest = NULL;
    for (char *word = strtok_r(colon + 1, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        char soname[64];
        if (!isalnum((unsigned char)word[0]) || strchr(word, '/') != NULL)
            continue;
        if (snprintf(soname, sizeof(soname), "libnss_%s.so.2", word) < (int)sizeof(soname))
            preload(soname);
    }
}

static void preload_nss(void)
{
    /* Makes glibc read nsswitch.conf now; it never reads it again once `/` is another directory
     * (nss_database_check_reload_and_get in glibc's nss/nss_database.c). */
    struct passwd entry, *found;
    char buffer[4096];
    getpwnam_r("root", &entry, buffer, sizeof(buffer), &found);

    FILE *file = fopen("/etc/nsswitch.conf", "re");
    if (file == NULL)
        return;
    char line[1024];
    while (fgets(line, sizeof(line), file) != NULL)
        preload_nss_line(line);
    fclose(file);
}

static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL)
        return -1;
    int count = 0;
    for (const struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks))
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/*
 * Attack: what a constructor leaves running keeps root's capabilities and has no seccomp filter,
 * while the payload shares its memory.
 */
static int check_nothing_runs(const char *name, struct failure *why)
{
    int threads = count_threads();
    if (threads < 0)
        return fail_errno(why, errno, "count the threads after loading `%s`", name);
    if (threads > 1)
        return fail_code(why, FAILURE_PAL, "its constructors started a thread", "load PAL `%s`",
                         name);
    siginfo_t info;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD)
        return fail_code(why, FAILURE_PAL, "its constructors left a child", "load PAL `%s`", name);
    return 0;
}

static void find_symbols(void *library, struct pal_symbols *symbols)
{
    /* POSIX lets dlsym's void pointer become a function pointer; ISO C has no cast for it. */
    *(void **)&symbols->get_version = dlsym(library, "pal_get_version");
    *(void **)&symbols->init = dlsym(library, "pal_init");
    *(void **)&symbols->create_process = dlsym(library, "pal_create_process");
    *(void **)&symbols->exec = dlsym(library, "pal_exec");
    *(void **)&symbols->kill = dlsym(library, "pal_kill");
    *(void **)&symbols->get_local_report = dlsym(library, "pal_get_local_report");
    *(void **)&symbols->get_report_with_data = dlsym(library, "pal_get_report_with_data");
    *(void **)&symbols->destroy = dlsym(library, "pal_destroy");
    symbols->stores_wait_status = dlsym(library, "occlum_pal_exec") != NULL;
}

/* Those that every version needs. */
static int check_symbols(const struct pal_symbols *symbols, const char *name, struct failure *why)
{
    const char *missing = symbols->init == NULL      ? "symbol `pal_init` not found"
                          : symbols->exec.v1 == NULL ? "symbol `pal_exec` not found"
                          : symbols->destroy == NULL ? "symbol `pal_destroy` not found"
                                                     : NULL;
    return missing == NULL ? 0 : fail_code(why, FAILURE_PAL_ABI, missing, "load PAL `%s`", name);
}

static int prepare(struct pal *pal, const char *name, struct failure *why)
{
    snprintf(pal->name, sizeof(pal->name), "%s", name);
    pal->state = PAL_LOADED;
    pthread_condattr_t clock;
    int error = pthread_condattr_init(&clock);
    if (error == 0)
        error = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    if (error == 0)
        error = pthread_cond_init(&pal->changed, &clock);
    if (error == 0)
        error = pthread_mutex_init(&pal->lock, NULL);
    if (error == 0 && (sem_init(&pal->wake, 0, 0) < 0 || sem_init(&pal->signals, 0, 0) < 0))
        error = errno;
    return error == 0 ? 0 : fail_errno(why, error, "load PAL `%s`", name);
}

/*
 * dlopen of the checked file: as an entry of its directory, so that $ORIGIN of its RUNPATH is that
 * directory. Nobody but root may write there (src/enclave/pal-path.ts), and what root has put in
 * the file's place meanwhile is refused. A name without directory is loaded by descriptor alone.
 */
static void *open_library(int fd, const char *name, struct failure *why)
{
    char directory[PATH_MAX], path[PATH_MAX];
    const char *slash = strrchr(name, '/');
    int at = -1;
    if (slash == NULL) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    } else {
        struct stat checked, entry;
        if (snprintf(directory, sizeof(directory), "%.*s/", (int)(slash - name), name) >=
            (int)sizeof(directory)) {
            fail_errno(why, ENAMETOOLONG, "load PAL `%s`", name);
            return NULL;
        }
        at = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (at < 0 || fstat(fd, &checked) < 0 ||
            fstatat(at, slash + 1, &entry, AT_SYMLINK_NOFOLLOW) < 0) {
            fail_errno(why, errno, "load PAL `%s`", name);
            goto failed;
        }
        if (checked.st_dev != entry.st_dev || checked.st_ino != entry.st_ino) {
            fail_code(why, FAILURE_PAL, "it was replaced after it was checked", "load PAL `%s`",
                      name);
            goto failed;
        }
        if (snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", at, slash + 1) >=
            (int)sizeof(path)) {
            fail_errno(why, ENAMETOOLONG, "load PAL `%s`", name);
            goto failed;
        }
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        fail_code(why, FAILURE_PAL_ABI, dlerror(), "load PAL `%s`", name);
    if (at >= 0)
        close(at);
    return library;

failed:
    if (at >= 0)
        close(at);
    return NULL;
}

int pal_load(int fd, const char *name, struct pal **out, struct failure *why)
{
    for (size_t i = 0; i < sizeof(preloaded) / sizeof(preloaded[0]); i++)
        preload(preloaded[i]);
    preload_nss();

    struct pal *pal = calloc(1, sizeof(*pal));
    if (pal == NULL)
        return fail_errno(why, ENOMEM, "load PAL `%s`", name);
    void *library = open_library(fd, name, why);
    if (library == NULL)
        goto failed;
    find_symbols(library, &pal->symbols);
    if (check_symbols(&pal->symbols, name, why) < 0 || check_nothing_runs(name, why) < 0 ||
        prepare(pal, name, why) < 0)
        goto failed;
    *out = pal;
    return 0;

failed:
    /* Not dlclose: the process is about to end, and destructors are more of the PAL's code. */
    free(pal);
    return -1;
}
