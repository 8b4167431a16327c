// SPDX-License-Identifier: Apache-2.0
/** Filters as containers feel them; beside-runc.test.ts has the actions and comparisons one by one. */
import { expect } from "bun:test";
import { join } from "node:path";
import { type Json, type JsonObject, shell } from "../support/bundle.ts";
import { mustRun } from "../support/command.ts";
import { comparison, except, needs } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import { dockerProfile, missingProfile } from "../support/seccomp-profile.ts";

const test = needs(missingProfile);

const under = (seccomp: JsonObject): JsonObject => ({ linux: { seccomp } });

function allowBut(rule: JsonObject): JsonObject {
  return under({
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86_64"],
    syscalls: [rule],
  });
}

for (const [what, errnoRet, says] of [
  ["the default one", {}, "Operation not permitted"],
  ["a chosen one", { errnoRet: 28 }, "No space left on device"],
] as const) {
  test(`errno: ${what}`, async () => {
    await using sandbox = new Sandbox();
    const names = ["mkdir", "mkdirat", "no_such_call"];
    const rule = { names, action: "SCMP_ACT_ERRNO", ...errnoRet };
    expect((await sandbox.run(allowBut(rule), shell("mkdir /x"))).stderr).toContain(says);
  });
}

for (const action of ["SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"]) {
  test(`${action} ends a process without handlers with SIGSYS`, async () => {
    await using sandbox = new Sandbox();
    const rule = { names: ["mkdir", "mkdirat"], action };
    const { stdout } = await sandbox.run(allowBut(rule), shell("mkdir /x; echo $?"));
    expect(stdout.trim().split("\n").at(-1)).toBe("159"); // 128 + SIGSYS
  });
}

// covers: linux.seccomp.syscalls.args
test("rules on arguments; several on one argument are alternatives", async () => {
  await using sandbox = new Sandbox();
  const equal = (index: number, value: number) => ({ index, value, op: "SCMP_CMP_EQ" });
  // socket(2): AF_INET is 2, AF_UNIX 1, AF_INET6 10.
  const denied = async (args: Json[]) => {
    const rule = { names: ["socket"], action: "SCMP_ACT_ERRNO", errnoRet: 13, args };
    const script = "for a in 127.0.0.1 ::1; do busybox nc -w1 $a 9 2>&1; done; true";
    return (await sandbox.run(allowBut(rule), shell(script))).stdout;
  };
  expect((await denied([equal(0, 2)])).match(/Permission denied/g)).toHaveLength(1);
  expect((await denied([equal(0, 2), equal(0, 10)])).match(/Permission denied/g)).toHaveLength(2);
  expect(await denied([equal(0, 2), equal(1, 99)])).not.toContain("Permission denied");
});

const dockerConfig = (noNewPrivileges: boolean): JsonObject[] => [
  under(dockerProfile()),
  {
    process: {
      args: ["/bin/grep", "-E", "Seccomp|NoNew", "/proc/self/status"],
      noNewPrivileges,
      user: { uid: 1000, gid: 1000 },
    },
  },
];

for (const noNewPrivileges of [true, false]) {
  test(`docker's profile as user 1000, noNewPrivileges ${noNewPrivileges}`, async () => {
    await using sandbox = new Sandbox();
    expect(await sandbox.output(...dockerConfig(noNewPrivileges))).toContain("Seccomp:\t2");
  });
}

comparison("docker's profile: the status is runc's", async () => {
  await using ours = new Sandbox("rune");
  await using theirs = new Sandbox("runc");
  const config = dockerConfig(false);
  expect(await ours.output(...config)).toBe(await theirs.output(...config));
});

const probe = `
  #include <errno.h>
  #include <stdio.h>
  #include <unistd.h>
  #include <sys/syscall.h>
  int main(void) {
      long newer = syscall(2000); int a = errno;
      long swapon = syscall(SYS_swapon, 0, 0); int b = errno;
      printf("%ld %d %ld %d\\n", newer, a, swapon, b);
  }`;

// covers: linux.seccomp.defaultErrnoRet
test("a call that no rule names gets the profile's own number", async () => {
  await using sandbox = new Sandbox();
  const { syscalls, ...profile } = dockerProfile() as { syscalls: { names: string[] }[] }; // as that file makes it
  const without = syscalls.map((rule) => {
    return { ...rule, names: rule.names.filter((name) => !name.startsWith("mkdir")) };
  });
  for (const [defaultErrnoRet, says] of [
    [1, "Operation not permitted"],
    [28, "No space left on device"],
  ] as const) {
    const seccomp = { ...profile, defaultErrnoRet, syscalls: without };
    expect((await sandbox.run(under(seccomp), shell("mkdir /tmp/x"))).stderr).toContain(says);
  }
});

except(
  "crun",
  "1.8.1 answers what the profile says, EPERM",
  test,
)("a system call newer than the profile answers ENOSYS, an old forbidden one EPERM", async () => {
  await using sandbox = new Sandbox();
  const program = join(sandbox.bundle.rootfs, "probe");
  await mustRun(["musl-gcc", "-static", "-x", "c", "-o", program, "-"], { stdin: probe });
  const process = { args: ["/probe"] };
  expect(await sandbox.output(under(dockerProfile()), { process })).toBe("-1 38 -1 1");
});

// covers: exec
test("exec gets the container's filter", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started(under(dockerProfile()));
  const words = ["exec", id, "/bin/grep", "Seccomp:", "/proc/self/status"];
  expect((await sandbox.must(words)).stdout).toBe("Seccomp:\t2\n");
});
