// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RuneError } from "../../errors/error.ts";
import { S_IFREG } from "../../kernel/constants.ts";
import { look, machine, withFiles } from "../testing.ts";
import { containersCalls } from "./containers-calls.ts";
import { containersCgroups } from "./containers-cgroups.ts";
import { containersCriu } from "./containers-criu.ts";
import { containersKernel } from "./containers-kernel.ts";
import { containersLibseccomp } from "./containers-libseccomp.ts";
import { containersPrograms } from "./containers-programs.ts";
import { containersSeccomp } from "./containers-seccomp.ts";
import { containersState } from "./containers-state.ts";
import { containersUserNamespaces } from "./containers-user-namespaces.ts";

const whole = machine();

test("the kernel's version", async () => {
  const release = (text: string) =>
    look(containersKernel, withFiles({ "/proc/sys/kernel/osrelease": `${text}\n` }));
  expect((await release("6.1.0-18-amd64")).status).toBe("ok");
  expect((await release("5.12.0")).status).toBe("ok");
  expect((await release("5.11.22")).status).toBe("broken");
  expect((await release("4.19.0")).status).toBe("broken");
});

test("system calls that a profile refuses", async () => {
  expect(await look(containersCalls, whole)).toMatchObject({ status: "ok" });
  const refused = machine({ without: { openat2: "operation not permitted" } });
  expect(await look(containersCalls, refused)).toMatchObject({
    status: "broken",
    reason: "openat2 fails: operation not permitted",
  });
});

test("seccomp in the kernel, and the library", async () => {
  const path = "/proc/sys/kernel/seccomp/actions_avail";
  expect(await look(containersSeccomp, whole)).toMatchObject({ status: "ok" });
  expect(await look(containersSeccomp, machine({ files: {} }))).toMatchObject({
    status: "missing",
  });
  expect(await look(containersSeccomp, withFiles({ [path]: "errno allow" }))).toMatchObject({
    status: "broken",
    reason: "the kernel lacks the action(s) kill_process, user_notif",
  });
  expect(await look(containersLibseccomp, whole)).toEqual({
    status: "ok",
    reason: "libseccomp 2.5.4",
  });
  const none = new RuneError({ code: "SECCOMP", doing: "load libseccomp", reason: "no such file" });
  expect(await look(containersLibseccomp, machine({ seccomp: none }))).toEqual({
    status: "missing",
    reason: "load libseccomp: no such file",
    mend: "apt-get install libseccomp2",
  });
});

test("user namespaces, for root and for others", async () => {
  const with_ = (files: Record<string, string>, euid = 1000) =>
    look(containersUserNamespaces, withFiles(files, {}, { euid }));
  expect((await with_({}, 0)).status).toBe("ok");
  expect((await with_({})).status).toBe("ok");
  const restricted = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
  for (const [path, value] of [
    ["/proc/sys/user/max_user_namespaces", "0"],
    ["/proc/sys/kernel/unprivileged_userns_clone", "0"],
    [restricted, "1"],
  ] as const) {
    expect((await with_({ [path]: `${value}\n` })).status).toBe("missing");
  }
  expect((await with_({ [restricted]: "1\n" }, 0)).status).toBe("ok");
  expect((await look(containersUserNamespaces, machine({ modes: {} }))).status).toBe("missing");
});

const unified = [{ version: 2, mountPoint: "/cg", controllers: [], own: "/user" }] as const;
const split = ["cpu", "memory", "pids", "devices", "freezer"].map(
  (name) => ({ version: 1, mountPoint: `/cg/${name}`, controllers: [name], own: "/" }) as const,
);
const controllers = "/cg/user/cgroup.controllers";

test("cgroups: version 2, version 1, both, none, without a controller", async () => {
  const all = withFiles({ [controllers]: "cpu memory pids io\n" }, {}, { hierarchies: unified });
  expect(await look(containersCgroups, all)).toEqual({
    status: "ok",
    reason: "version 2: cpu, memory, pids, io",
  });
  expect(await look(containersCgroups, machine({ hierarchies: split }))).toMatchObject({
    status: "ok",
    reason: expect.stringContaining("version 1: cpu"),
  });
  const both = machine({ hierarchies: [...split, ...unified] });
  expect((await look(containersCgroups, both)).reason).toContain("(hybrid)");
  expect(await look(containersCgroups, machine({ hierarchies: [] }))).toMatchObject({
    status: "missing",
  });
  const without = machine({ hierarchies: split.slice(1) });
  expect(await look(containersCgroups, without)).toMatchObject({
    status: "broken",
    reason: "version 1, without cpu: limits of these fail",
  });
});

test("cgroups of others than root: delegated, not delegated, version 1", async () => {
  const own = { euid: 1000, hierarchies: unified };
  const files = { [controllers]: "cpu memory pids\n" };
  expect((await look(containersCgroups, withFiles(files, {}, own))).reason).toContain("delegated");
  const closed = { ...own, refusals: { "/cg/user/cgroup.procs": "permission denied" } };
  expect(await look(containersCgroups, withFiles(files, {}, closed))).toMatchObject({
    status: "missing",
    mend: expect.stringContaining("Delegate=yes"),
  });
  const old = machine({ euid: 1000, hierarchies: split });
  expect(await look(containersCgroups, old)).toMatchObject({ status: "missing" });
});

test("criu: none, old, failing, good", async () => {
  const criu = (status: number, text: string) =>
    look(containersCriu, machine({ outputs: { criu: { status, text } } }));
  expect(await look(containersCriu, whole)).toMatchObject({ status: "missing" });
  expect(await criu(0, "Version: 4.1.1\n")).toEqual({ status: "ok", reason: "criu 4.1" });
  expect(await criu(0, "Version: 3.14\n")).toMatchObject({
    status: "broken",
    reason: "criu 3.14 is older than 3.15",
  });
  expect(await criu(127, "criu: libnl: not found\nmore")).toMatchObject({
    reason: "`criu --version` failed with status 127: criu: libnl: not found",
  });
});

test("the programs beside the engine: there, gone, not executable, writable by others", async () => {
  const mode = (bits: number) =>
    look(containersPrograms, withFiles({}, { "/lib/rune/runelet": S_IFREG | bits }));
  expect((await mode(0o755)).status).toBe("ok");
  expect((await mode(0o644)).reason).toContain("may not be executed");
  expect((await mode(0o777)).reason).toContain("may be written by others");
  const library = withFiles({}, { "/lib/rune/kernel.node": S_IFREG | 0o644 });
  expect((await look(containersPrograms, library)).status).toBe("ok");
  expect((await look(containersPrograms, machine({ modes: {} }))).status).toBe("missing");
});

test("the state directory: none yet, another's, open to others, a file", async () => {
  const change = (part: Parameters<typeof withFiles>[2], modes = {}) =>
    look(containersState, withFiles({}, modes, part));
  expect((await change({})).status).toBe("ok");
  expect((await look(containersState, machine({ modes: {} }))).status).toBe("ok");
  expect(await change({ owners: { "/run/rune": 5 } })).toMatchObject({
    status: "broken",
    mend: "chown 0 /run/rune",
  });
  expect((await change({}, { "/run/rune": 0o40777 })).mend).toBe("chmod 0700 /run/rune");
  expect((await change({}, { "/run/rune": S_IFREG | 0o600 })).reason).toContain("no directory");
});
