// SPDX-License-Identifier: Apache-2.0
/** `linux.seccomp` in real containers, each beside runc's with the same bundle. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import {
  Container,
  type Ended,
  obstacle,
  probe,
  removeProbe,
  run,
  runBoth,
  runCommand,
  type Settings,
} from "./containers.ts";
import { dockerProfile } from "./docker-profile.ts";

const name = obstacle === undefined ? "seccomp" : `seccomp (skipped: ${obstacle})`;

const strace = Bun.which("strace");
const noStrace = strace === null ? " (skipped: strace is not installed)" : "";

const architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"];
const [getpriority, setpriority, sync, socket, getcwd, mount] = [140, 141, 162, 41, 79, 165];
const SIGSYS = 31;

afterAll(removeProbe);

describe.skipIf(obstacle !== undefined)(name, () => {
  describe("actions", () => {
    // covers: linux.seccomp.syscalls.names, linux.seccomp.syscalls.action,
    //   linux.seccomp.syscalls.errnoRet
    test("ERRNO returns the rule's number, EPERM without one, 0 as success", () => {
      const { stdout } = alike({
        profile: open(
          rule("getpriority", "SCMP_ACT_ERRNO", { errnoRet: 77 }),
          rule("setpriority", "SCMP_ACT_ERRNO"),
          rule("sync", "SCMP_ACT_ERRNO", { errnoRet: 0 }),
        ),
        args: [`${getpriority}`, `${setpriority}`, `${sync}`, "39"],
      });
      expect(stdout).toBe("140 errno 77\n141 errno 1\n162 ok\n39 ok\n");
    });

    test.each(["SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS"])(
      "%s ends a single thread with SIGSYS",
      (action) => {
        const args = ["39", `${sync}`, "39"];
        const { status, stdout } = alike({ profile: open(rule("sync", action)), args });
        expect(status).toBe(128 + SIGSYS);
        expect(stdout).toBe("39 ok\n");
      },
    );

    test("KILL_THREAD leaves the other threads alive, KILL_PROCESS does not", () => {
      const args = ["39", "thread", `${sync}`];
      const thread = alike({ profile: open(rule("sync", "SCMP_ACT_KILL_THREAD")), args });
      expect(thread.stdout).toBe("39 ok\nthread ended\n");
      expect(thread.status).toBe(0);
      const process = alike({ profile: open(rule("sync", "SCMP_ACT_KILL_PROCESS")), args });
      expect(process.stdout).toBe("39 ok\n");
      expect(process.status).toBe(128 + SIGSYS);
    });

    test("TRAP raises a signal the program can handle", () => {
      const profile = open(rule("sync", "SCMP_ACT_TRAP"));
      const { stdout } = alike({ profile, args: ["handle-sigsys", `${sync}`, "39"] });
      expect(stdout).toContain(`SIGSYS ${sync} errno-data 0\n`);
      expect(stdout).toEndWith("39 ok\n");
    });

    test("LOG lets the call through, TRACE without a tracer does not", () => {
      const profile = open(rule("sync", "SCMP_ACT_LOG"), rule("getpriority", "SCMP_ACT_TRACE"));
      const { stdout } = alike({ profile, args: [`${sync}`, `${getpriority}`] });
      expect(stdout).toBe("162 ok\n140 errno 38\n");
    });
  });

  describe("arguments", () => {
    const socketWhere = (...args: object[]) => open(rule("socket", "SCMP_ACT_ERRNO", { args }));
    const calls = (...arguments_: string[]) => arguments_.map((list) => `${socket},${list}`);

    test.each([
      ["SCMP_CMP_NE", 2, [1, 2, 3]],
      ["SCMP_CMP_LT", 2, [1, 2, 3]],
      ["SCMP_CMP_LE", 2, [1, 2, 3]],
      ["SCMP_CMP_EQ", 2, [1, 2, 3]],
      ["SCMP_CMP_GE", 2, [1, 2, 3]],
      ["SCMP_CMP_GT", 2, [1, 2, 3]],
    ])("%s %d", (op, value, families) => {
      const profile = socketWhere({ index: 0, value, op });
      const holds = (family: number) =>
        ({
          SCMP_CMP_NE: family !== value,
          SCMP_CMP_LT: family < value,
          SCMP_CMP_LE: family <= value,
          SCMP_CMP_EQ: family === value,
          SCMP_CMP_GE: family >= value,
          SCMP_CMP_GT: family > value,
        })[op];
      // A type no family has: without the filter it is another error.
      const { stdout } = alike({ profile, args: calls(...families.map((f) => `${f},15,0`)) });
      const refused = stdout
        .split("\n")
        .slice(0, -1)
        .map((line) => line.endsWith("errno 1"));
      expect(refused).toEqual(families.map((family) => holds(family) === true));
    });

    // covers: linux.seccomp.syscalls.args
    test("MASKED_EQ compares what is left under the mask", () => {
      const op = "SCMP_CMP_MASKED_EQ";
      const profile = socketWhere({ index: 1, value: 0xf, valueTwo: 2, op });
      const args = calls("1,0x2", "1,0x80002", "1,0x1");
      expect(alike({ profile, args }).stdout).toBe(
        "41,1,0x2 errno 1\n41,1,0x80002 errno 1\n41,1,0x1 ok\n",
      );
    });

    test("different arguments have to match together", () => {
      const op = "SCMP_CMP_EQ";
      const profile = socketWhere({ index: 0, value: 1, op }, { index: 1, value: 2, op });
      expect(alike({ profile, args: calls("1,1", "1,2", "2,2") }).stdout).toBe(
        "41,1,1 ok\n41,1,2 errno 1\n41,2,2 ok\n",
      );
    });

    test("of two conditions on one argument, either will do", () => {
      const op = "SCMP_CMP_EQ";
      const profile = socketWhere({ index: 0, value: 1, op }, { index: 0, value: 2, op });
      expect(alike({ profile, args: calls("1,1", "2,1", "16,3") }).stdout).toBe(
        "41,1,1 errno 1\n41,2,1 errno 1\n41,16,3 ok\n",
      );
    });

    test("values have 64 bits", () => {
      const profile = socketWhere({ index: 3, value: 0x1_0000_0000, op: "SCMP_CMP_EQ" });
      const args = calls("1,1,0,0x100000000", "1,1,0,0");
      expect(alike({ profile, args }).stdout).toBe("41,1,1,0,0x100000000 errno 1\n41,1,1,0,0 ok\n");
    });
  });

  describe("docker's default profile", () => {
    const args = [
      "status",
      `${getcwd},0,0`,
      `${mount}`,
      ...["435", "461", "468", "1000"],
      ...["41,1,1,0", "41,16,3,0", "41,38,5,0", "41,40,1,0"],
      ...["135,0xffffffff", "135,4"],
      ...["248", "321", "298", "304"],
      ...["x32:39", "x32:1000"],
    ];

    test.each([
      { uid: 0, noNewPrivileges: true },
      { uid: 0, noNewPrivileges: false },
      { uid: 1000, noNewPrivileges: true },
      { uid: 1000, noNewPrivileges: false },
    ])("judges as with runc for %p", (identity) => {
      const { status, stdout } = alike({ profile: dockerProfile, args, ...identity });
      expect(status).toBe(0);
      expect(stdout).toContain(`NoNewPrivs:\t${identity.noNewPrivileges ? 1 : 0}\n`);
      expect(stdout).toContain("Seccomp:\t2\nSeccomp_filters:\t1\n");
      // Older than the profile and not in it; named with ENOSYS; newer than the profile.
      expect(stdout).toContain("165 errno 1\n435 errno 38\n");
      expect(stdout).toContain("\n1000 errno 38\n");
      expect(stdout).toContain("41,1,1,0 ok\n");
      expect(stdout).toContain("41,40,1,0 errno 1\n");
    });

    test("holds for a process of exec", () => {
      const words = (runtime: "rune" | "runc") => {
        using container = new Container(runtime, {
          profile: dockerProfile,
          args: [probe, "34"], // pause(2)
        });
        expect(container.runDetached()).toBe(0);
        return [container.exec(probe, ...args), container.exec(probe, ...args)].map(outcome);
      };
      const rune = words("rune");
      expect(rune).toEqual(words("runc"));
      expect(rune[1]).toEqual(rune[0]);
      expect(rune[0]?.stdout).toContain("165 errno 1\n");
    });
  });

  // Not beside runc, whose own last steps need more calls than these.
  // covers: linux.seccomp.defaultAction, linux.seccomp.architectures
  test("a profile of a few calls denies the rest, on x32 too", () => {
    const names = ["execve", "exit_group", "write", "brk", "newfstatat", "fstat", "mmap"];
    names.push("arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64");
    names.push("readlinkat", "getrandom", "mprotect", "readlink", "getpid", "munmap");
    const profile = {
      defaultAction: "SCMP_ACT_ERRNO",
      architectures,
      syscalls: [{ names, action: "SCMP_ACT_ALLOW" }],
    };
    // rseq, 334, is the newest of them; 424 is pidfd_send_signal.
    const args = ["39", "102", "424", "x32:102", "x32:600"];
    const { status, stdout } = run("rune", { profile, args, noNewPrivileges: true });
    expect(stdout).toBe("39 ok\n102 errno 1\n424 errno 38\nx32:102 errno 1\nx32:600 errno 38\n");
    expect(status).toBe(0);
  });

  // Not beside runc, whose version 1.1 refuses all flags.
  // covers: linux.seccomp.flags
  test.skipIf(strace === null)(`flags reach the kernel${noStrace}`, () => {
    const flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"];
    flags.push("SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
    const profile = { ...open(rule("sync", "SCMP_ACT_ERRNO")), flags };
    using container = new Container("rune", { profile, args: [probe, `${sync}`] });
    const { status, stdout, stderr } = runCommand(
      ...[strace ?? "", "--follow-forks", "--trace=seccomp", ...container.runWords()],
    );
    expect([status, stdout]).toEqual([0, "162 errno 1\n"]);
    expect(stderr).toContain(
      "seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG|SECCOMP_FILTER_FLAG_SPEC_ALLOW,",
    );
  });

  test("an unknown call is ignored", () => {
    const profile = open(rule("no_such_call", "SCMP_ACT_KILL"), rule("sync", "SCMP_ACT_ERRNO"));
    expect(alike({ profile, args: [`${sync}`] }).stdout).toBe("162 errno 1\n");
  });

  test("a rule said twice is fine", () => {
    const twice = rule("sync", "SCMP_ACT_ERRNO");
    expect(alike({ profile: open(twice, twice), args: [`${sync}`] }).stdout).toBe("162 errno 1\n");
  });

  test("of two rules that contradict each other, the first one counts", () => {
    const profile = open(rule("sync", "SCMP_ACT_ERRNO"), rule("sync", "SCMP_ACT_KILL"));
    expect(alike({ profile, args: [`${sync}`] }).stdout).toBe("162 errno 1\n");
  });

  test.each([
    [
      "an errno of an action that has none",
      open(rule("sync", "SCMP_ACT_ALLOW", { errnoRet: 1 })),
      "means nothing with SCMP_ACT_ALLOW",
    ],
    [
      "a listener that is not there",
      { ...open(rule("sync", "SCMP_ACT_NOTIFY")), listenerPath: "/run/none.sock" },
      "/run/none.sock",
    ],
    [
      "a filter that is too long",
      open(...Array.from({ length: 4200 }, (_, value) => onFamily(value))),
      "instructions; the kernel takes 4096",
    ],
  ])("%s is refused and leaves nothing", (_name, profile, reason) => {
    using container = new Container("rune", { profile, args: [probe, "39"] });
    const { status, stdout, stderr } = container.run();
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(reason);
    expect(container.state().status).toBe(1);
    const left = existsSync(container.root) ? readdirSync(container.root) : [];
    expect(left).toEqual([]);
  });
});

/** Runs it with both, expects them to be alike, and returns what rune's did. */
function alike(settings: Settings): Ended {
  const { rune, runc } = runBoth(settings);
  expect(rune.stderr).toBe("");
  expect(outcome(rune)).toEqual(outcome(runc));
  return rune;
}

function outcome({ status, stdout }: Ended) {
  return { status, stdout };
}

function open(...syscalls: object[]) {
  return { defaultAction: "SCMP_ACT_ALLOW", architectures, syscalls };
}

function rule(name: string, action: string, more: object = {}) {
  return { names: [name], action, ...more };
}

function onFamily(value: number) {
  return rule("socket", "SCMP_ACT_ERRNO", { args: [{ index: 0, value, op: "SCMP_CMP_EQ" }] });
}
