// SPDX-License-Identifier: Apache-2.0
/** exec: what it does to a container in each state, and what it says. */
import { expect, test } from "bun:test";
import { Executed } from "../kernel/reactions.ts";
import type { Process } from "../oci/config.ts";
import { type ExecRequest, exec } from "./exec.ts";
import { failedMessage, type fakeHost, initPid, pidMessage, readyMessage } from "./fake-host.ts";
import { hostWith, states } from "./in-state.ts";

const execPid = 4243;
const process: Process = { user: { uid: 0, gid: 0 }, args: ["ls"], cwd: "/" };
const request: ExecRequest = {
  id: "web",
  process: () => process,
  detach: true,
  subreaper: true,
  preserveFds: 0,
  ignorePaused: false,
  cgroups: [],
};
const answers: Parameters<typeof fakeHost>[1] = (kernel) => {
  kernel.process(execPid);
  return [readyMessage(), pidMessage(execPid)];
};

test("exec", async () => {
  const outcomes: Record<string, unknown> = {};
  for (const name of states) {
    const host = hostWith(name, answers);
    outcomes[name] = await exec(host.deps, request).then(
      () => "done",
      (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
    );
    expect(host.kernel.openNames(), name).toEqual([]);
  }
  expect(outcomes).toEqual({
    none: "CONTAINER_NOT_FOUND",
    unfinished: "CONTAINER_STATE",
    creating: "CONTAINER_STATE",
    created: "done",
    running: "done",
    paused: "CONTAINER_STATE",
    stopped: "CONTAINER_NOT_RUNNING",
    recycled: "CONTAINER_NOT_RUNNING",
  });
});

test("exec in a paused container, when told to", async () => {
  await exec(hostWith("paused", answers).deps, { ...request, ignorePaused: true });
});

test("exec in the foreground becomes a monitor that cleans nothing up", async () => {
  const host = hostWith("running", answers);
  let pidFile: string | undefined;
  host.kernel.reactions.execute = () => {
    pidFile = host.kernel.text("/run/pid");
  };
  await expect(exec(host.deps, { ...request, detach: false, pidFile: "/run/pid" })).rejects.toThrow(
    Executed,
  );
  expect(pidFile).toBe(String(execPid));
  expect(host.kernel.calls.at(host.kernel.calls.indexOf("seal memfd:plan") - 1)).toContain(
    "memfd:plan",
  );
  expect(host.kernel.calls).toContainEqual(expect.stringMatching(/^execute runelet \d+ -$/));
});

test("exec says why a program could not be started", async () => {
  const failing = hostWith("running", () => [failedMessage(2, 2, "exec `ls`", "not found")]);
  await expect(exec(failing.deps, request)).rejects.toThrow("exec `ls`: not found");
  const silent = hostWith("running", () => [pidMessage(execPid)]);
  await expect(exec(silent.deps, request)).rejects.toThrow("runelet died without a word");
  const lying = hostWith("running", () => [pidMessage(initPid + 7), readyMessage()]);
  await expect(exec(lying.deps, request)).rejects.toMatchObject({ code: "RUNELET" });
  for (const host of [failing, silent, lying]) expect(host.kernel.openNames()).toEqual([]);
});

test("exec says which right of the host is missing", async () => {
  for (const [errno, doing] of [
    [1, "set resource limit 7"],
    [13, "write `/proc/self/oom_score_adj`"],
    [1, "set scheduling policy 1"],
    [1, "set scheduling policy 6"],
  ] as const) {
    const host = hostWith("running", () => [failedMessage(0, errno, doing, "no")]);
    await expect(exec(host.deps, request)).rejects.toMatchObject({
      doing,
      hint: expect.stringMatching(/CAP_SYS_(RESOURCE|NICE)/),
    });
  }
});

test("exec warns of unknown capabilities and refuses what it cannot do", async () => {
  const host = hostWith("running", answers);
  const capabilities = { effective: ["CAP_NEW"] };
  await exec(host.deps, { ...request, process: () => ({ ...process, capabilities }) });
  expect(host.warnings).toEqual(["ignoring unknown capability `CAP_NEW`"]);
  const apparmor = { ...request, process: () => ({ ...process, apparmorProfile: "x" }) };
  await expect(exec(host.deps, apparmor)).rejects.toMatchObject({ code: "CONFIG_UNSUPPORTED" });
  const terminal = { ...request, process: () => ({ ...process, terminal: true }) };
  await expect(exec(host.deps, terminal)).rejects.toThrow("--console-socket");
});
