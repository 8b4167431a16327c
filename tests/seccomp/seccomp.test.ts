// SPDX-License-Identifier: Apache-2.0
/** Filters as containers feel them, beside runc on the same bundles. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { freshId, isRune, type Json, missing, Sandbox, sh } from "../support/scratch.ts";
import { dockerProfile, missingProfile } from "../support/seccomp-profile.ts";

const reason = missing() ?? missingProfile;

describe.skipIf(reason !== undefined)(`seccomp${reason ? ` (${reason})` : ""}`, () => {
  const allowBut = (rule: Json) => ({
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86_64"],
    syscalls: [rule],
  });
  const under = (
    sandbox: Sandbox,
    script: string,
    seccomp: Json,
    edit: (c: Json) => void = () => {},
  ) =>
    sandbox.runBundle(["/bin/sh", "-c", script], (config) => {
      config.root.readonly = false;
      config.linux.seccomp = seccomp;
      edit(config);
    });

  test("errno, the default one and a chosen one", () => {
    using sandbox = new Sandbox();
    const rule = { names: ["mkdir", "mkdirat", "no_such_call"], action: "SCMP_ACT_ERRNO" };
    const mkdir = (errnoRet?: number) => {
      const { stderr } = under(sandbox, "/bin/busybox mkdir /x", allowBut({ ...rule, errnoRet }));
      return stderr;
    };
    expect(mkdir()).toContain("Operation not permitted");
    expect(mkdir(28)).toContain("No space left on device");
  });

  test("kill ends the process with SIGSYS, as does trap without a handler", () => {
    using sandbox = new Sandbox();
    for (const action of ["SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"]) {
      const rule = { names: ["mkdir", "mkdirat"], action };
      const { stdout } = under(sandbox, "/bin/busybox mkdir /x; echo $?", allowBut(rule));
      expect(stdout.trim().split("\n").at(-1)).toBe("159"); // 128 + SIGSYS
    }
  });

  test("rules on arguments; several on one argument are alternatives", () => {
    using sandbox = new Sandbox();
    const equal = (index: number, value: number) => ({ index, value, op: "SCMP_CMP_EQ" });
    // socket(2): AF_INET is 2, AF_UNIX 1, AF_INET6 10.
    const denied = (args: Json[]) => {
      const rule = { names: ["socket"], action: "SCMP_ACT_ERRNO", errnoRet: 13, args };
      const script = "for a in 127.0.0.1 ::1; do /bin/busybox nc -w1 $a 9 2>&1; done; true";
      return under(sandbox, script, allowBut(rule)).stdout;
    };
    expect(denied([equal(0, 2)]).match(/Permission denied/g)).toHaveLength(1);
    expect(denied([equal(0, 2), equal(0, 10)]).match(/Permission denied/g)).toHaveLength(2);
    expect(denied([equal(0, 2), equal(1, 99)])).not.toContain("Permission denied");
  });

  test("docker's profile: as user 1000, with and without no_new_privs; status is runc's", () => {
    using sandbox = new Sandbox();
    for (const noNewPrivileges of [true, false]) {
      const bundle = sandbox.bundle(
        ["/bin/grep", "-E", "Seccomp|NoNew", "/proc/self/status"],
        (config) => {
          config.linux.seccomp = dockerProfile();
          config.process.noNewPrivileges = noNewPrivileges;
          config.process.user = { uid: 1000, gid: 1000 };
        },
      );
      const { status, stdout, stderr } = sandbox.run("run", "--bundle", bundle, freshId());
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toContain("Seccomp:\t2");
      if (!isRune || Bun.which("runc") === null) continue;
      const theirs = sh([
        "runc",
        "--root",
        join(sandbox.path, "c"),
        "run",
        "--bundle",
        bundle,
        freshId(),
      ]);
      expect(stdout).toBe(theirs.stdout);
    }
  });

  test("a system call newer than the profile answers ENOSYS, an old forbidden one EPERM", () => {
    using sandbox = new Sandbox();
    const program = join(sandbox.path, "probe");
    const source = `
      #include <errno.h>
      #include <stdio.h>
      #include <unistd.h>
      #include <sys/syscall.h>
      int main(void) {
        long newer = syscall(2000); int a = errno;
        long swapon = syscall(SYS_swapon, 0, 0); int b = errno;
        printf("%ld %d %ld %d\\n", newer, a, swapon, b);
      }`;
    const built = sh(["musl-gcc", "-static", "-x", "c", "-o", program, "-"], {
      stdin: Buffer.from(source),
    });
    expect(built.stderr).toBe("");
    const bundle = sandbox.bundle(["/probe"], (config) => {
      config.linux.seccomp = dockerProfile();
    });
    sh(["cp", program, join(bundle, "rootfs/probe")]);
    expect(sandbox.run("run", "--bundle", bundle, freshId()).stdout).toBe("-1 38 -1 1\n");
  });

  test("exec gets the container's filter", () => {
    using sandbox = new Sandbox();
    const id = freshId();
    const bundle = sandbox.bundle(["/bin/sleep", "100"], (config) => {
      config.linux.seccomp = dockerProfile();
    });
    sandbox.run("run", "--detach", "--bundle", bundle, id);
    expect(sandbox.run("exec", id, "/bin/grep", "Seccomp:", "/proc/self/status").stdout).toBe(
      "Seccomp:\t2\n",
    );
    sandbox.run("delete", "--force", id);
    expect(sandbox.left()).toEqual([]);
  });
});
