// SPDX-License-Identifier: Apache-2.0
/* docs/protocol/pal-api.md, "Exit values" and "Signals". */
#include "../exit_value.h"
#include "../signals.h"
#include "tap.h"

#include <limits.h>
#include <signal.h>

struct example {
    int value;
    int plain;   /* shell status of rule 2; -1: nonsense */
    int wait_to; /* shell status of rule 1; -1: nonsense */
};

static const struct example examples[] = {
    {0, 0, 0},          {1, 1, 129}, /* exit code 1, or SIGHUP */
    {9, 9, 137},                     /* the documented ambiguity */
    {127, 127, -1},                  /* 0x7f: stopped, in a wait status */
    {128, 128, 0},                   /* no signal, yet a core dump: WIFEXITED of 0 */
    {137, 137, 137},                 /* SIGKILL with core bit */
    {139, 139, 139},                 /* SIGSEGV with core dump */
    {255, 255, -1},                  /* low bits 0x7f */
    {256, 1, 1},                     /* exit(1) */
    {0x0700, 7, 7},                  /* exit(7) */
    {0xff00, 255, 255},              /* exit(255) */
    {0x1300, 19, 19},                /* exit(19) */
    {0x137f, -1, -1},                /* stopped by SIGSTOP */
    {0xffff, -1, -1},                /* continued */
    {0x0109, -1, -1},                /* both halves in use */
    {0x10000, -1, -1},               /* beyond 16 bits, low 16 zero */
    {-1, -1, -1},                    /* errors are not exit values */
    {-256, -1, -1},                  /* low 8 bits zero, negative */
    {INT_MIN, -1, -1},               /* low 31 bits zero */
    {INT_MAX, -1, -1},
};

static int decoded(int value, bool wait_style)
{
    struct exit_status status;
    return exit_value_decode(value, wait_style, &status) ? exit_status_code(status) : -1;
}

static void test_table(void)
{
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        const struct example *e = &examples[i];
        int plain = decoded(e->value, false), wait_to = decoded(e->value, true);
        ok(plain == e->plain, "%d of an unknown PAL is %d, got %d", e->value, e->plain, plain);
        ok(wait_to == e->wait_to, "%d as a wait status is %d, got %d", e->value, e->wait_to,
           wait_to);
    }
}

static void test_ranges(void)
{
    bool in_range = true;
    for (int value = -70000; value < 140000; value++) {
        for (int style = 0; style < 2; style++) {
            struct exit_status status;
            if (!exit_value_decode(value, style, &status))
                continue;
            int low = status.by == ENDED_BY_SIGNAL, high = status.by == ENDED_BY_SIGNAL ? 64 : 255;
            in_range = in_range && status.value >= low && status.value <= high;
        }
    }
    ok(in_range, "whatever is accepted is a code of 0 to 255 or a signal of 1 to 64");
}

static void test_signals(void)
{
    static const int never[] = {0,       SIGKILL,   SIGSTOP, SIGCHLD, SIGURG,  SIGWINCH,
                                SIGTTIN, SIGTTOU,   SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                                SIGFPE,  SIGSEGV,   SIGSYS,  SIGPIPE, SIGXCPU, SIGXFSZ,
                                SIGPROF, SIGVTALRM, 32,      33,      65};
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        ok(!signal_is_forwarded(never[i]) && !signal_is_fatal(never[i]), "signal %d is left alone",
           never[i]);
    static const int fatal[] = {SIGHUP,  SIGINT,    SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM,
                                SIGTERM, SIGSTKFLT, SIGIO,   SIGPWR,  34,      64};
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
        ok(signal_is_forwarded(fatal[i]) && signal_is_fatal(fatal[i]),
           "signal %d is forwarded and fatal", fatal[i]);
    ok(signal_is_forwarded(SIGTSTP) && !signal_is_fatal(SIGTSTP), "TSTP is forwarded, not fatal");
    ok(signal_is_forwarded(SIGCONT) && !signal_is_fatal(SIGCONT), "CONT is forwarded, not fatal");
}

int main(void)
{
    test_table();
    test_ranges();
    test_signals();
    return tap_done();
}
