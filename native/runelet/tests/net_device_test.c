// SPDX-License-Identifier: Apache-2.0
/* Network devices in a network namespace of the test's own: `lo` is there. */
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct addition {
    struct nlmsghdr header;
    struct ifaddrmsg address;
    struct rtattr attribute;
    struct in_addr local;
};

static struct addition addition(const char *local)
{
    struct addition message = {
        {.nlmsg_len = sizeof(message),
         .nlmsg_type = RTM_NEWADDR,
         .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        {.ifa_family = AF_INET, .ifa_prefixlen = 32},
        {.rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL},
        {0},
    };
    inet_pton(AF_INET, local, &message.local);
    return message;
}

static int device(const char *name, const void *messages, uint32_t size, struct failure *f)
{
    uint8_t buffer[4096];
    struct run run = empty_run();
    struct writer w;
    *f = (struct failure){0};
    write_begin(&w, buffer, sizeof(buffer), 12, 0);
    write_string(&w, name);
    write_bytes(&w, messages, size);
    return perform(op_net_device, &run, &w, f);
}

static bool is_up(const char *name)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result = ioctl(fd, SIOCGIFFLAGS, &request);
    close(fd);
    return result == 0 && (request.ifr_flags & IFF_UP) != 0;
}

/* Whether a socket can be bound to the address: it is one of ours. */
static bool is_ours(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    inet_pton(AF_INET, text, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result = bind(fd, (struct sockaddr *)&address, sizeof(address));
    close(fd);
    return result == 0;
}

static void test_real(void)
{
    struct failure f;
    struct addition two[2] = {addition("10.9.8.7"), addition("10.9.7.6")};
    int before = count_descriptors();
    ok(device("lo", two, sizeof(two), &f) == 0, "a device gets addresses: %s", f.reason);
    ok(is_up("lo"), "and is up");
    ok(is_ours("10.9.8.7") && is_ours("10.9.7.6") && !is_ours("10.9.8.8"), "just these addresses");
    ok(device("lo", two, sizeof(two), &f) < 0 && f.errno_value == EEXIST &&
           strcmp(f.doing, "give network device `lo` its addresses") == 0,
       "what the kernel refuses is told: %s", f.reason);
    ok(device("none0", "", 0, &f) < 0 && f.errno_value == ENODEV, "one that is not there: %s",
       f.reason);
    ok(count_descriptors() == before, "no descriptor stays open");
}

static void refuses(const void *messages, uint32_t size, const char *what)
{
    struct failure f;
    ok(device("lo", messages, size, &f) < 0 && f.errno_value == EBADMSG, "%s is refused", what);
}

static void test_malformed(void)
{
    struct addition one = addition("10.9.6.5"), wrong;
    char large[2048] = {0};
    refuses(&one, sizeof(one) - 4, "a request that is cut off");
    refuses(&one, 10, "one that has no whole header");
    wrong = one, wrong.header.nlmsg_len = 16;
    refuses(&wrong, sizeof(wrong), "one without an address");
    wrong = one, wrong.header.nlmsg_len = 0xfffffffc;
    refuses(&wrong, sizeof(wrong), "one that says it is longer than it is");
    wrong = one, wrong.header.nlmsg_type = RTM_DELLINK;
    refuses(&wrong, sizeof(wrong), "any other request");
    wrong = one, wrong.header.nlmsg_flags = NLM_F_REQUEST;
    refuses(&wrong, sizeof(wrong), "one that asks for no acknowledgement");
    memcpy(large, &one, sizeof(one));
    ((struct addition *)(void *)large)->header.nlmsg_len = sizeof(large);
    refuses(large, sizeof(large), "one that is too large");
    ok(!is_ours("10.9.6.5"), "and nothing of it is done");
}

int main(void)
{
    if (unshare(CLONE_NEWNET) < 0) {
        printf("1..0 # SKIP needs to make a network namespace: %s\n", strerror(errno));
        return 0;
    }
    test_real();
    test_malformed();
    return tap_done();
}
