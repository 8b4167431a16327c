// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { Fd, Pid } from "../kernel/kernel.ts";
import type { Process } from "../oci/config.ts";
import { PlanBuilder } from "./encode.ts";
import { planExec } from "./exec.ts";
import { planMonitor } from "./monitor.ts";
import type { Operation } from "./operation.ts";
import { type LastSteps, planProcess, unknownCapabilities } from "./process.ts";
import { operations } from "./testing.ts";

const own: Process = { user: { uid: 0, gid: 0 }, args: ["sh"], cwd: "/", env: ["PATH=/bin"] };
const last: LastSteps = { awaitsRun: false, preservedFds: 0, listeningFds: 0, container: {} };
const fd = (number: number) => number as Fd; // only its number matters to a plan

function planned(process: Partial<Process> = {}, steps: Partial<LastSteps> = {}): Operation[] {
  const plan = new PlanBuilder();
  planProcess(plan, { ...own, ...process }, { ...last, ...steps });
  return plan.operations;
}
const names = (plan: readonly Operation[]): string[] => plan.map(({ op }) => op);
const find = (plan: readonly Operation[], name: Operation["op"]) =>
  plan.find(({ op }) => op === name);

const seccomp = { flags: 0, filter: new Uint8Array(8), notifies: false };

test("with no_new_privs the filter comes last, so that it need allow nothing but execve", () => {
  expect(names(planned({ noNewPrivileges: true }, { seccomp })).slice(-2)).toEqual([
    "seccomp",
    "exec",
  ]);
  expect(names(planned({ noNewPrivileges: true }, { seccomp }))[0]).toBe("noNewPrivs");
});

test("without it the filter comes while CAP_SYS_ADMIN is there, before ids and capabilities", () => {
  const order = names(planned({}, { seccomp }));
  expect(order).not.toContain("noNewPrivs");
  expect(order.filter((name) => name === "seccomp")).toHaveLength(1);
  expect(order.indexOf("seccomp")).toBeLessThan(order.indexOf("bounding"));
});

test("identity: directory, bounding set, ids, capabilities, in this order", () => {
  const user = { uid: 1000, gid: 100, additionalGids: [4, 5], umask: 0o77 };
  const plan = planned({
    user,
    cwd: "/home",
    rlimits: [{ type: "RLIMIT_NOFILE", soft: 1n, hard: 2n }],
  });
  expect(plan.slice(0, 7)).toEqual([
    { op: "rlimit", resource: 7, soft: 1n, hard: 2n },
    { op: "cwd", path: "/home", when: "try" },
    { op: "bounding", keep: 0n },
    { op: "ids", uid: 1000, gid: 100, groups: [4, 5] },
    {
      op: "capabilities",
      bounding: 0n,
      effective: 0n,
      permitted: 0n,
      inheritable: 0n,
      ambient: 0n,
    },
    { op: "umask", mask: 0o77 },
    { op: "cwd", path: "/home", when: "if-deferred" },
  ] as Operation[]); // `bounding` is a rest of the masks that the encoder does not read
  expect(find(planned(), "umask")).toEqual({ op: "umask", mask: 0o022 });
  const rlimits = [{ type: "RLIMIT_NONE", soft: 0n, hard: 0n }];
  expect(() => planned({ rlimits })).toThrow("unknown type `RLIMIT_NONE`");
});

test("an ambient capability that is not permitted and inheritable is left out", () => {
  const [chown, kill, setuid] = [1n << 0n, 1n << 5n, 1n << 7n];
  const capabilities = {
    bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID"],
    effective: ["CAP_CHOWN"],
    permitted: ["CAP_CHOWN", "CAP_KILL"],
    inheritable: ["CAP_KILL", "CAP_SETUID"],
    ambient: ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID"],
  };
  const plan = planned({ capabilities });
  expect(find(plan, "bounding")).toEqual({ op: "bounding", keep: chown | kill | setuid });
  expect(find(plan, "capabilities")).toMatchObject({
    effective: chown,
    permitted: chown | kill,
    inheritable: kill | setuid,
    ambient: kill,
  });
});

test("unknown capabilities are named once each", () => {
  expect(unknownCapabilities()).toEqual([]);
  const sets = { bounding: ["CAP_X", "CAP_KILL"], effective: ["CAP_X", "CAP_Y"] };
  expect(unknownCapabilities(sets)).toEqual(["CAP_X", "CAP_Y"]);
});

test("HOME is looked up where it is missing or empty", () => {
  expect(find(planned({ env: ["HOME=/root"] }), "home")).toBeUndefined();
  expect(find(planned({ env: ["HOMER=1"], user: { uid: 7, gid: 0 } }), "home")).toEqual({
    op: "home",
    uid: 7,
  });
  const empty = planned({ env: ["HOME=", "A=1"] });
  expect(find(empty, "home")).toBeDefined();
  expect(find(empty, "exec")).toMatchObject({ env: ["A=1"] });
});

test("a variable given several times is set once, to the last value", () => {
  const set = (env: string[]) => find(planned({ env }), "exec");
  expect(set(["A=1", "B=2", "A=3", "AB=4"])).toMatchObject({ env: ["B=2", "A=3", "AB=4"] });
  expect(set(["A=x=1", "A="])).toMatchObject({ env: ["A="] });
  expect(set(["HOME=/a", "HOME="])).toMatchObject({ env: [] });
  expect(find(planned({ env: ["HOME=/a", "HOME="] }), "home")).toBeDefined();
  expect(set(["HOME=", "HOME=/a"])).toMatchObject({ env: ["HOME=/a"] });
});

test("the program is looked up in the last PATH", () => {
  const found = (env: string[]) => find(planned({ env }), "findProgram");
  expect(found(["PATH=/a", "PATH=/b"])).toEqual({ op: "findProgram", name: "sh", path: "/b" });
  expect(found([])).toEqual({ op: "findProgram", name: "sh", path: "" });
});

test("preserved and listening descriptors", () => {
  const plan = planned({}, { preservedFds: 3, listeningFds: 2 });
  expect(find(plan, "keepFds")).toEqual({ op: "keepFds", count: 3 });
  expect(find(plan, "exec")).toMatchObject({ env: ["PATH=/bin", "LISTEN_FDS=2", "LISTEN_PID=1"] });
  expect(find(planned(), "keepFds")).toBeUndefined();
});

test("hooks run after the start and behind the filter, as with runc", () => {
  const hooks = [{ op: "setsid" }] as const;
  const order = names(planned({ noNewPrivileges: true }, { hooks, seccomp, awaitsRun: true }));
  expect(order.slice(-4)).toEqual(["ready", "seccomp", "setsid", "exec"]);
});

test("a filter with a listener is there before the channel ends", () => {
  const notifying = { ...seccomp, notifies: true };
  const order = names(planned({ noNewPrivileges: true }, { seccomp: notifying, awaitsRun: true }));
  expect(order.slice(-4)).toEqual(["findProgram", "seccompNotify", "ready", "exec"]);
});

test("exec joins cgroups, then namespaces, then splits", () => {
  const process = { ...own, terminal: true, oomScoreAdj: 7 };
  const plan = planExec(process, {
    init: fd(9),
    namespaces: 0x6c020000,
    tasksFiles: ["/cg/tasks"],
    unified: "/cg2/web",
    consoleSocket: fd(8),
    preservedFds: 0,
    euid: 0,
    container: {},
    seccomp,
  });
  expect(names(plan.operations).slice(0, 8)).toEqual([
    "writeFile",
    "writeFile",
    "open",
    "setns",
    "clone",
    "setsid",
    "affinity",
    "console",
  ]);
  expect(plan.operations[1]).toEqual({
    op: "writeFile",
    path: "/proc/self/oom_score_adj",
    data: "7",
  });
  expect(find(plan.operations, "clone")).toMatchObject({ flags: 0, cgroup: 255 });
  expect(find(plan.operations, "console")).toMatchObject({ mount: false, rows: 0, columns: 0 });
  expect(names(plan.operations)).toContain("ready");
  expect<number[]>(plan.inherited).toEqual([8, 9]);
  const input = { init: fd(9), tasksFiles: [], preservedFds: 0, container: {} };
  const bare = planExec(own, { ...input, namespaces: 0, euid: 0 });
  expect(names(bare.operations).slice(0, 2)).toEqual(["clone", "setsid"]);
  expect(bare.inherited).toEqual([]);
  const mapped = (euid: number) =>
    names(planExec(own, { ...input, namespaces: 0x7e020000, euid }).operations).slice(0, 6);
  const split = ["setns", "clone", "setsid", "affinity", "namespaceRoot"];
  expect(mapped(0)).toEqual(["dropGroups", ...split]);
  expect(mapped(1000).slice(0, 5)).toEqual(split);
  const entry = { name: "runelet", program: fd(7) } as const;
  const again = planExec(own, { ...input, namespaces: 0x7e020000, euid: 1000, entry });
  expect(names(again.operations).slice(4, 6)).toEqual(["namespaceRoot", "enter"]);
  expect(find(again.operations, "enter")).toMatchObject({ program: 1, argv: ["runelet"] });
  const simulated = { ...entry, simulator: fd(8), service: "/s/platform.sock" };
  const onPlatform = planExec(own, { ...input, namespaces: 0x20000, euid: 0, entry: simulated });
  expect(find(onPlatform.operations, "enter")).toMatchObject({
    argv: ["sgxsim", "--service", "/s/platform.sock", "--fd", "7", "--", "runelet"],
  });
  expect(onPlatform.inherited).toContain(fd(7));
  const bounded = { ...simulated, epcBytes: 6 << 20 };
  const small = planExec(own, { ...input, namespaces: 0x20000, euid: 0, entry: bounded });
  expect(find(small.operations, "enter")).toMatchObject({
    argv: expect.arrayContaining(["--epc", "6M", "--epc-pool"]),
  });
});

test("a monitor cleans up in the order given, then reports and ends with the status", () => {
  const plan = planMonitor({
    pid: 42 as Pid, // of nobody
    console: fd(5),
    channel: fd(6),
    subreaper: false,
    report: ["rune", "report"],
    cleanUp: {
      directory: fd(7),
      cgroups: ["/cg/a", "/cg/b"],
      killLeft: true,
      files: ["/s/a", "/s/b"],
      directories: ["/s"],
    },
  });
  expect(plan.operations).toMatchObject([
    { op: "monitor", pid: 42, console: 1, channel: 0, subreaper: false },
    { op: "claim", slot: 2, hold: true },
    { op: "cgroupRemove", path: "/cg/a", kill: true },
    { op: "cgroupRemove", path: "/cg/b", kill: true },
    { op: "unlink", path: "/s/a" },
    { op: "unlink", path: "/s/b" },
    { op: "rmdir", path: "/s" },
    { op: "report", argv: ["rune", "report"] },
    { op: "exit" },
  ]);
  expect<number[]>(plan.inherited).toEqual([6, 5, 7]);
});

test("a monitor whose container systemd has to forget runs the command that does it", () => {
  const plan = planMonitor({
    pid: 4242 as Pid, // of nobody
    channel: fd(5),
    subreaper: true,
    report: ["rune", "report-failure"],
    cleanUp: {
      directory: fd(7),
      cgroups: [],
      killLeft: false,
      files: [],
      directories: [],
      command: { argv: ["/bin/rune", "delete", "web"], env: ["A=b"] },
    },
  });
  expect(plan.operations).toMatchObject([
    { op: "monitor" },
    { op: "claim", hold: false },
    { op: "hook", path: "/bin/rune", argv: ["/bin/rune", "delete", "web"], env: ["A=b"] },
    { op: "report" },
    { op: "exit" },
  ]);
});

test("limits are raised before a user namespace is entered, and set inside", () => {
  const limits = { process: { rlimits: [{ type: "RLIMIT_NOFILE", soft: 1n, hard: 9n }] } };
  const linux = {
    namespaces: [{ type: "mount" }, { type: "user" }],
    uidMappings: [{ containerID: 0, hostID: 1, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: 1, size: 1 }],
  };
  const order = (config: object) =>
    operations(config)
      .map(({ op }) => op)
      .filter((op) => ["raiseLimit", "clone", "rlimit"].includes(op));
  expect(order({ ...limits, linux })).toEqual(["raiseLimit", "clone", "rlimit"]);
  expect(order(limits)).toEqual(["clone", "rlimit"]);
});
