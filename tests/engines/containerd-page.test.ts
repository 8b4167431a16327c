// SPDX-License-Identifier: Apache-2.0
/** docs/how-to/containerd.md, typed into a terminal; and an enclave's checkpoint. */
import { expect } from "bun:test";
import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { Containerd } from "../support/engines/containerd.ts";
import { commandsOf, typed } from "../support/engines/page.ts";
import { engineObstacle, shared } from "../support/engines/shared.ts";
import { needs, repository, runtimeName } from "../support/runtime.ts";

const page = "how-to/containerd.md";
const test = needs(
  engineObstacle("containerd", "ctr", "ip") ??
    (runtimeName === "rune" ? undefined : `${runtimeName}: the page is about rune`) ??
    (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined),
);
const hello = "docker.io/library/hello:latest";
const engine = shared(async () => {
  const containerd = await Containerd.start();
  const files = ["encl.bin", "encl.ss"];
  await containerd.load(
    hello,
    ...files.map((name) => join(repository, "dist/lib/inclavare", name)),
  );
  return containerd;
});

test("docs/how-to/containerd.md: every command with its answer", async () => {
  const containerd = await engine();
  for (const { commands, answer } of commandsOf(page)) {
    const install = commands.startsWith("npm run");
    const folder = install ? repository : containerd.host.path;
    const lines = await typed(containerd.host, containerd.env, folder, commands);
    expect(lines.filter((line) => answer.includes(line))).toEqual(answer);
  }
  removeNamespacesCgroup();
});

/** What `ctr run` of the page has its containers' cgroups below; in use by somebody else, it stays. */
function removeNamespacesCgroup(): void {
  for (const hierarchy of readdirSync("/sys/fs/cgroup")) {
    try {
      rmdirSync(`/sys/fs/cgroup/${hierarchy}/default`);
    } catch {
      // Not there, or not empty.
    }
  }
}

test("an enclave is executed into, cannot be checkpointed, goes on, and is killed", async () => {
  const containerd = await engine();
  const id = containerd.id();
  const pal = "/usr/lib/liberpal-skeleton-v2.so";
  const env = ["TYPE=intelSgx", "PLATFORM=simulation", `RUNTIME_PATH=${pal}`];
  const flags = ["--detach", "--null-io", "--runc-binary", "/usr/bin/rune"];
  const variables = env.flatMap((entry) => ["--env", `ENCLAVE_${entry}`]);
  await containerd.must("run", ...flags, ...variables, hello, id, "hello", "wait_timeout", "600");
  expect(await containerd.call(["task", "checkpoint", id])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("checkpoint"),
  });
  expect(await containerd.call(["task", "exec", "--exec-id", "after", id, "hello"])).toMatchObject({
    status: 0,
    stderr: "Enclave runtime skeleton initialization succeeded\n",
  });
  await containerd.remove(id);
});
