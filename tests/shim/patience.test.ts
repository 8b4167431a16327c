// SPDX-License-Identifier: Apache-2.0
/** Nobody waits for a hook longer than they want to, and nobody else waits for it at all. */
import { expect } from "bun:test";
import { Task } from "../../src/shim/proto/task-v2.gen.ts";
import { shell } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { processes } from "../support/leftovers.ts";
import { needs, runtimeName } from "../support/runtime.ts";
import { StandIn } from "./stand-in.ts";

const test = needs(
  process.getuid?.() !== 0
    ? "needs root"
    : runtimeName === "rune"
      ? undefined
      : "it is about rune's shim",
);
const streams = { stdin: "", stdout: "", stderr: "", terminal: false };
const timeoutMs = 1000;

/** Ends neither by itself nor by a request to, and has a child that does not, either. */
function endless({ mark, path }: StandIn): { path: string; args: string[] } {
  const script = `trap '' TERM; echo x >> ${path}/ran; sleep 1000 & wait; : ${mark}`;
  return { path: "/bin/sh", args: ["sh", "-c", script] };
}

function runningHooks({ mark, path }: StandIn): string[] {
  return processes(mark).filter((line) => line.includes(`${path}/ran`));
}

test("a removal whose hook never ends is given up with its caller, and can be asked for again", async () => {
  await using containerd = new StandIn();
  const hooks = { hooks: { poststop: [endless(containerd)] } };
  const { path } = containerd.bundle("web", hooks, shell("exit 5"));
  const other = containerd.bundle("other", shell("exit 6"));
  const address = await containerd.start("web");
  const [client, impatient] = [await containerd.client(address), await containerd.client(address)];
  await client.call(Task, "Create", { ...streams, id: "web", bundle: path });
  await client.call(Task, "Start", { id: "web" });
  await client.call(Task, "Wait", { id: "web" });

  const removal = impatient.call(Task, "Delete", { id: "web" }).catch(String);
  await eventually("the hook runs", () => runningHooks(containerd).length > 0);
  await containerd.start("other");
  await client.call(Task, "Create", { ...streams, id: "other", bundle: other.path });
  await client.call(Task, "Start", { id: "other" });
  expect(await client.call(Task, "Wait", { id: "other" })).toMatchObject({ exitStatus: 6 });
  await client.call(Task, "Delete", { id: "other" });

  impatient.close();
  await removal;
  await eventually("the hook is ended", () => runningHooks(containerd).length === 0);
  const both = await Promise.all([
    client.call(Task, "Delete", { id: "web" }),
    client.call(Task, "Delete", { id: "web" }).catch(String),
  ]);
  expect(both[0]).toMatchObject({ exitStatus: 5 });
  expect(both[1]).toContain("does not exist");
});

test("a start whose hook never ends is given up with its caller, and the program with it", async () => {
  await using containerd = new StandIn();
  const hooks = { hooks: { poststart: [endless(containerd)] } };
  const { path } = containerd.bundle("web", hooks, shell("sleep 1000"));
  const client = await containerd.client(await containerd.start("web"));
  await client.call(Task, "Create", { ...streams, id: "web", bundle: path });
  expect(client.call(Task, "Start", { id: "web" }, { timeoutMs })).rejects.toThrow(
    "deadline exceeded",
  );
  expect(await client.call(Task, "Wait", { id: "web" })).toMatchObject({ exitStatus: 137 });
  await eventually("the hook is ended", () => runningHooks(containerd).length === 0);
  await client.call(Task, "Delete", { id: "web" });
});

test("a create whose hook never ends is given up with its caller, and nothing is left of it", async () => {
  await using containerd = new StandIn();
  const hooks = { hooks: { createRuntime: [endless(containerd)] } };
  const { path } = containerd.bundle("web", hooks, shell("sleep 1000"));
  const address = await containerd.start("web");
  const [client, impatient] = [await containerd.client(address), await containerd.client(address)];
  const request = { ...streams, id: "web", bundle: path };
  const making = impatient.call(Task, "Create", request).catch(String);
  await eventually("the hook runs", () => runningHooks(containerd).length > 0);
  impatient.close();
  await making;
  await eventually("the hook is ended", () => runningHooks(containerd).length === 0);
  expect(client.call(Task, "Delete", { id: "web" })).rejects.toThrow("does not exist");
  // And by the Delete of somebody who does not want it any more.
  await containerd.start("web");
  const again = client.call(Task, "Create", request).catch(String);
  await eventually("the hook runs", () => runningHooks(containerd).length > 0);
  expect(client.call(Task, "Delete", { id: "web" })).rejects.toThrow("does not exist");
  expect(await again).toContain("is not wanted any more");
});
