// SPDX-License-Identifier: Apache-2.0
/*
 * The program of the containers under test: makes raw system calls and says what came of them.
 *
 *     probe WORD...
 *
 *     NUMBER[,ARGUMENT...]  the call with that number: "NUMBER ok" or "NUMBER errno N"; numbers may
 *                           be hexadecimal
 *     x32:NUMBER            the same with the x32 bit, printed as given
 *     status                the Seccomp and NoNewPrivs lines of /proc/self/status
 *     handle-sigsys         from now on SIGSYS is printed: "SIGSYS NUMBER errno-data N"
 *     thread                the rest of the words in a second thread; then "thread ended"
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_sigsys(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    printf("SIGSYS %d errno-data %d\n", info->si_syscall, info->si_errno);
    fflush(stdout);
}

static void status(void)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "Seccomp", 7) == 0 || strncmp(line, "NoNewPrivs", 10) == 0)
            fputs(line, stdout);
    }
    if (file != NULL)
        fclose(file);
}

static void call(const char *word)
{
    long number = 0, arguments[6] = {0};
    const char *text = strncmp(word, "x32:", 4) == 0 ? word + 4 : word;
    char *end;
    number = strtol(text, &end, 0);
    if (text != word)
        number |= 0x40000000;
    for (int i = 0; i < 6 && *end == ','; i++)
        arguments[i] = (long)strtoul(end + 1, &end, 0);
    errno = 0;
    long result = syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                          arguments[4], arguments[5]);
    if (result == -1 && errno != 0)
        printf("%s errno %d\n", word, errno);
    else
        printf("%s ok\n", word);
    fflush(stdout);
}

static void *perform(void *words)
{
    for (char **word = words; *word != NULL; word++) {
        if (strcmp(*word, "status") == 0) {
            status();
        } else if (strcmp(*word, "handle-sigsys") == 0) {
            struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
            sigaction(SIGSYS, &action, NULL);
        } else if (strcmp(*word, "thread") == 0) {
            pthread_t thread;
            pthread_create(&thread, NULL, perform, word + 1);
            sleep(1);
            puts("thread ended");
            break;
        } else {
            call(*word);
        }
        fflush(stdout);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    (void)argc;
    perform(argv + 1);
    return 0;
}
