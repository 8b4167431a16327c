// SPDX-License-Identifier: Apache-2.0
/** start, kill, pause and delete: what each does to a container in each state. */
import { expect, test } from "bun:test";
import { EIO, ENXIO, EPERM, ESRCH } from "../kernel/constants.ts";
import { deleteContainer, deleteContainers } from "./delete.ts";
import { existing, fakeHost, initPid, root } from "./fake-host.ts";
import { hostWith, type Name, outcome, states, table } from "./in-state.ts";
import { kill } from "./kill.ts";
import { pause } from "./pause.ts";
import { processes } from "./processes.ts";
import { resume } from "./resume.ts";
import { start } from "./start.ts";

test("start", async () => {
  expect(await table(({ deps }) => start(deps, "web"))).toEqual({
    none: "CONTAINER_NOT_FOUND",
    unfinished: "CONTAINER_STATE",
    creating: "CONTAINER_STATE",
    created: "done",
    running: "CONTAINER_STATE",
    paused: "CONTAINER_STATE",
    stopped: "CONTAINER_STATE",
    recycled: "CONTAINER_STATE",
  });
  const host = hostWith("created");
  await start(host.deps, "web");
  expect(host.kernel.calls.slice(-5)).toEqual([
    `open ${root}/web/exec.fifo`,
    `write ${root}/web/exec.fifo 0`,
    `unlink ${root}/web/exec.fifo`,
    `close ${root}/web/exec.fifo`,
    `close ${root}/web`,
  ]);
});

test("start of an init that dies meanwhile says so; every failure closes what it opened", async () => {
  const dead = hostWith("created");
  dead.kernel.fail(`open ${root}/web/exec.fifo`, ENXIO);
  await expect(start(dead.deps, "web")).rejects.toThrow("it is stopped");
  const total = await (async () => {
    const whole = hostWith("created");
    const before = whole.kernel.fallible;
    await start(whole.deps, "web");
    return whole.kernel.fallible - before;
  })();
  for (let call = 1; call <= total; call++) {
    const broken = hostWith("created");
    broken.kernel.failCall(broken.kernel.fallible + call, EIO);
    await expect(start(broken.deps, "web")).rejects.toThrow("input/output error");
    expect(broken.kernel.openNames()).toEqual([]);
  }
});

test("kill", async () => {
  const signals: Partial<Record<Name, string[]>> = {};
  const outcomes = await table((host) => {
    host.kernel.reactions.kill = () => {};
    try {
      kill(host.deps, "web", 15, false);
    } finally {
      const name = states[Object.keys(signals).length];
      if (name !== undefined) signals[name] = host.kernel.signals;
      expect(host.kernel.openNames()).toEqual([]);
    }
  });
  expect(outcomes).toEqual({
    none: "CONTAINER_NOT_FOUND",
    unfinished: "CONTAINER_STATE",
    creating: "CONTAINER_NOT_RUNNING",
    created: "done",
    running: "done",
    paused: "done",
    stopped: "CONTAINER_NOT_RUNNING",
    recycled: "CONTAINER_NOT_RUNNING",
  });
  expect(Object.values(signals)).toEqual([
    [],
    [],
    [],
    [`${initPid}:15`],
    [`${initPid}:15`],
    [`${initPid}:15`],
    [],
    [],
  ]);
});

test("kill: the init may end before the signal, and a refusal is an error", async () => {
  const gone = hostWith("running");
  gone.kernel.fail("pidfdSignal", ESRCH);
  expect(await outcome(() => kill(gone.deps, "web", 15, false))).toBe("CONTAINER_NOT_RUNNING");
  const refused = hostWith("running");
  refused.kernel.fail("pidfdSignal", EPERM);
  expect(() => kill(refused.deps, "web", 15, false)).toThrow("operation not permitted");
  expect([gone.kernel.openNames(), refused.kernel.openNames()]).toEqual([[], []]);
});

test("SIGKILL lets a paused container go on, so that it ends; other signals wait", () => {
  const host = hostWith("paused");
  kill(host.deps, "web", 15, false);
  expect(host.kernel.text("/cg/unified/web/cgroup.freeze")).toBe("1\n");
  kill(host.deps, "web", 9, false);
  expect(host.kernel.text("/cg/unified/web/cgroup.freeze")).toBe("0");
});

test("SIGKILL for a container in a shared pid namespace is for all its processes", async () => {
  const host = fakeHost();
  existing(host, { ownPidNamespace: false });
  host.kernel.file("/cg/memory/web/cgroup.procs", `${initPid}\n7\n`).process(7);
  kill(host.deps, "web", 9, false);
  expect(host.kernel.signals).toEqual([`${initPid}:9`, "7:9"]);
  expect(await outcome(() => kill(host.deps, "web", 9, false))).toBe("CONTAINER_NOT_RUNNING");
});

test("pause and resume", async () => {
  expect(
    await table((host) => {
      host.kernel.file("/cg/unified/web/cgroup.freeze", "0\n");
      host.kernel.file("/cg/unified/web/cgroup.events", "populated 1\nfrozen 1\n");
      pause(host.deps, "web");
      expect(host.kernel.text("/cg/unified/web/cgroup.freeze")).toBe("1");
    }),
  ).toEqual({
    none: "CONTAINER_NOT_FOUND",
    unfinished: "CONTAINER_NOT_RUNNING",
    creating: "CONTAINER_NOT_RUNNING",
    created: "done",
    running: "done",
    paused: "done", // the file above has thawed it
    stopped: "CONTAINER_NOT_RUNNING",
    recycled: "CONTAINER_NOT_RUNNING",
  });
  expect(await outcome(() => pause(hostWith("paused").deps, "web"))).toBe("CONTAINER_STATE");
  expect(
    await table((host) => {
      resume(host.deps, "web");
      expect(host.kernel.text("/cg/unified/web/cgroup.freeze")).toBe("0");
    }),
  ).toEqual({
    none: "CONTAINER_NOT_FOUND",
    unfinished: "CONTAINER_STATE",
    creating: "CONTAINER_STATE",
    created: "CONTAINER_STATE",
    running: "CONTAINER_STATE",
    paused: "done",
    stopped: "CONTAINER_STATE",
    recycled: "CONTAINER_STATE",
  });
});

test("the processes of a container", () => {
  const host = hostWith("running");
  host.kernel.mkdir("/cg/memory/web/below", 0o755);
  host.kernel.file("/cg/memory/web/below/cgroup.procs", "9\n");
  expect(processes(host.deps, "web")).toEqual([initPid, 9]);
  expect(processes(hostWith("stopped").deps, "web")).toEqual([]);
});

test("delete of several goes on after a failure, and reports the first", async () => {
  const host = hostWith("stopped");
  const deleted = deleteContainers(host.deps, ["absent", "web", "other"], false);
  await expect(deleted).rejects.toThrow("`absent`");
  expect(host.kernel.below(root)).toEqual([]);
  expect(host.warnings).toEqual(["open container `other`: container does not exist"]);
});

test("kill --all reaches everything in the cgroup, also where the init is gone", async () => {
  const host = hostWith("stopped");
  host.kernel.mkdir("/cg/memory/web/below", 0o755);
  host.kernel
    .file("/cg/memory/web/cgroup.procs", "7\n8\n")
    .file("/cg/memory/web/below/cgroup.procs", "9\n");
  host.kernel.process(7).process(9); // 8 ends meanwhile
  host.kernel.reactions.kill = () => {};
  kill(host.deps, "web", 10, true);
  expect(host.kernel.signals).toEqual(["7:10", "9:10"]);
});

test("delete", async () => {
  expect(await table(({ deps }) => deleteContainer(deps, "web", false))).toEqual({
    none: "CONTAINER_NOT_FOUND",
    unfinished: "CONTAINER_STATE",
    creating: "CONTAINER_STATE",
    created: "done",
    running: "CONTAINER_STATE",
    paused: "CONTAINER_STATE",
    stopped: "done",
    recycled: "done",
  });
});

test("delete --force leaves nothing, and touches nobody else", async () => {
  for (const name of states) {
    const host = hostWith(name);
    host.kernel.process(7);
    await deleteContainer(host.deps, "web", true);
    expect(host.kernel.below(root), name).toEqual([]);
    expect(
      host.kernel.below("/cg").filter((path) => path.includes("/web")),
      name,
    ).toEqual([]);
    expect(host.kernel.openNames(), name).toEqual([]);
    const killed = ["created", "running", "paused"].includes(name);
    expect(host.kernel.signals, name).toEqual(killed ? [`${initPid}:9`] : []);
    expect(host.kernel.text("/proc/7/stat"), name).toBeDefined();
    expect(host.kernel.text(`/proc/${initPid}/stat`) !== undefined, name).toBe(name === "recycled");
  }
});

test("delete without force changes nothing where it refuses", async () => {
  for (const name of ["unfinished", "creating", "running", "paused"] as const) {
    const host = hostWith(name);
    const before = [...host.kernel.below(root), ...host.kernel.below("/cg")];
    await expect(deleteContainer(host.deps, "web", false)).rejects.toThrow("delete `web`");
    expect([...host.kernel.below(root), ...host.kernel.below("/cg")]).toEqual(before);
    expect([host.kernel.signals, host.kernel.openNames()]).toEqual([[], []]);
  }
});

test("delete --force of a state that cannot be read; never of one that is newer", async () => {
  const corrupt = hostWith("stopped");
  corrupt.kernel.file(`${root}/web/state.json`, "{");
  expect(await outcome(() => deleteContainer(corrupt.deps, "web", false))).toBe("STATE_CORRUPT");
  await deleteContainer(corrupt.deps, "web", true);
  expect(corrupt.kernel.below(root)).toEqual([]);
  expect(corrupt.warnings).toEqual([expect.stringContaining("have to be ended by hand")]);
  const newer = hostWith("stopped");
  newer.kernel.file(`${root}/web/state.json`, '{"schema":999}');
  expect(await outcome(() => deleteContainer(newer.deps, "web", true))).toBe("STATE_NEWER");
  expect(newer.kernel.text(`${root}/web/state.json`)).toBeDefined();
});

test("delete kills what forks while it kills, and gives up after ten seconds", async () => {
  const host = hostWith("running");
  let forks = 3;
  host.kernel.reactions.kill = (pid) => {
    host.kernel.endProcess(pid);
    if (forks-- <= 0) return;
    host.kernel.process(pid + 1).file("/cg/memory/web/cgroup.procs", `${pid + 1}\n`);
  };
  await deleteContainer(host.deps, "web", true);
  expect(host.kernel.signals).toHaveLength(4);
  expect(host.kernel.below(root)).toEqual([]);

  const stuck = hostWith("running");
  stuck.kernel.reactions.kill = () => {}; // in an uninterruptible sleep
  await expect(deleteContainer(stuck.deps, "web", true)).rejects.toThrow(
    "its processes do not end",
  );
  expect(stuck.kernel.nowMs()).toBeGreaterThan(10_000);
  expect(stuck.kernel.text(`${root}/web/state.json`)).toBeDefined();
  expect(stuck.kernel.openNames()).toEqual([]);
});

test("delete can be repeated, whichever of its calls fails", async () => {
  const whole = hostWith("created");
  const before = whole.kernel.fallible;
  await deleteContainer(whole.deps, "web", false);
  const total = whole.kernel.fallible - before;
  for (let call = 1; call <= total; call++) {
    const broken = hostWith("created");
    broken.kernel.failCall(broken.kernel.fallible + call, EIO);
    await expect(deleteContainer(broken.deps, "web", false)).rejects.toThrow("input/output error");
    expect(broken.kernel.openNames()).toEqual([]);
    await deleteContainer(broken.deps, "web", true);
    expect(broken.kernel.below(root)).toEqual([]);
    expect(broken.kernel.below("/cg").filter((path) => path.includes("/web"))).toEqual([]);
  }
});
