// SPDX-License-Identifier: Apache-2.0
/** `ctr container checkpoint --task` and `ctr container restore --live`, with a real criu. */
import { expect } from "bun:test";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { eventually } from "../support/command.ts";
import { criu, criuObstacle, environment } from "../support/criu.ts";
import { Containerd, withShim } from "../support/engines/containerd.ts";
import { engineObstacle, shared } from "../support/engines/shared.ts";
import { needs, runtimeName } from "../support/runtime.ts";

const obstacle = engineObstacle("containerd", "ctr", "ip") ?? criuObstacle;
const test = needs(obstacle);
const onlyRune = needs(
  obstacle ?? (runtimeName === "rune" ? undefined : "it is about rune's shim"),
);
const engine = shared(startWithCriu);
const counting = "i=0; while true; do i=$((i+1)); echo $i | tee /count; sleep 0.1; done";

/** Its criu waits for as long as there is a file `hold`. */
async function startWithCriu(): Promise<Containerd> {
  const containerd = await Containerd.start(withShim);
  const { path } = containerd.host;
  const fault = environment["CRIU_FAULT"];
  const script = `#!/bin/sh
[ ! -e ${path}/hold ] || echo $$ > ${path}/held
while [ -e ${path}/hold ]; do sleep 0.1; done
${fault === undefined ? "" : `export CRIU_FAULT=${fault}`}
exec ${criu} "$@"
`;
  writeFileSync(`${path}/usr/bin/criu`, script);
  chmodSync(`${path}/usr/bin/criu`, 0o755);
  return containerd;
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8").trim() || undefined : undefined;
}

/** How far it has counted. */
async function countOf(containerd: Containerd, id: string, exec: string): Promise<number> {
  return Number(await containerd.must("task", "exec", "--exec-id", exec, id, "cat", "/count"));
}

for (const { name, flags } of [
  { name: "with the client's fifos", flags: [] },
  { name: "without streams", flags: ["--null-io"] },
]) {
  test(`a container goes on under another name where it was checkpointed, ${name}`, async () => {
    const containerd = await engine();
    const id = await containerd.background(flags, "sh", "-c", counting);
    await eventually(
      "it counts",
      async () => (await countOf(containerd, id, "a").catch(() => 0)) > 3,
    );
    const image = `test/checkpoint-${flags.length}:1`;
    await containerd.must("container", "checkpoint", "--task", id, image);
    expect(await containerd.must("task", "ls")).toMatch(new RegExp(`${id} +\\d+ +RUNNING`));
    await containerd.remove(id);

    const other = containerd.id();
    await containerd.must("container", "restore", "--live", other, image);
    const before = await countOf(containerd, other, "b");
    expect(before).toBeGreaterThan(3);
    await eventually("it counts on", async () => (await countOf(containerd, other, "c")) > before);
    using attached = containerd.begin("task", "attach", other);
    const heard = () => /^\d+$/m.test(attached.stdout());
    if (flags.length === 0) await eventually("it is heard", heard);
    await containerd.must("task", "kill", "--signal", "SIGKILL", other);
    expect(await attached.exited()).toBe(137);
    await containerd.call(["task", "rm", other]);
    await containerd.must("container", "rm", other);
  });
}

onlyRune("a checkpoint that takes long keeps nobody waiting, and ends with its task", async () => {
  const containerd = await engine();
  const { path } = containerd.host;
  const [id, other] = [await containerd.background(), await containerd.background()];
  writeFileSync(`${path}/hold`, "");
  try {
    using checkpoint = containerd.begin("container", "checkpoint", "--task", id, "test/held:1");
    const pid = await eventually("criu is asked", () => readIfThere(`${path}/held`));
    const exec = ["task", "exec", "--exec-id", "e", other, "echo", "alive"];
    expect(await containerd.must(...exec)).toBe("alive");
    await containerd.remove(id);
    expect(await checkpoint.exited()).toBe(1);
    await eventually("criu has ended", () => !existsSync(`/proc/${pid}`));
  } finally {
    rmSync(`${path}/hold`);
  }
  await containerd.remove(other);
});
