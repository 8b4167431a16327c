// SPDX-License-Identifier: Apache-2.0
/** Containers of dockerd from their first to their last moment. */
import { expect } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/command.ts";
import { Docker, image } from "../support/engines/docker.ts";
import { dockerObstacle, shared } from "../support/engines/shared.ts";
import { needs } from "../support/runtime.ts";

const test = needs(dockerObstacle);
const engine = shared(() => Docker.start());

test("the exit status of docker run is the program's, or says why it did not start", async () => {
  const docker = await engine();
  const status = async (...words: string[]) =>
    (await docker.call(["run", "--rm", image, ...words])).status;
  expect(await status("true")).toBe(0);
  expect(await status("sh", "-c", "exit 42")).toBe(42);
  expect(await status("/etc/passwd")).toBe(126);
  expect(await status("/nonexistent")).toBe(127);
  expect(await status("nonexistent")).toBe(127);
  expect(await status("sh", "-c", "sh -c 'kill -9 $$'; exit $?")).toBe(137);
});

test("a mebibyte through standard input and output", async () => {
  const docker = await engine();
  const bytes = randomBytes(512 * 1024).toString("hex"); // 1 MiB
  const hash = createHash("sha256").update(bytes).digest("hex");
  const summed = await docker.call(["run", "--rm", "-i", image, "sha256sum"], { stdin: bytes });
  expect(summed).toMatchObject({ status: 0, stdout: `${hash}  -\n` });
  const back = await docker.call(["run", "--rm", "-i", image, "cat"], { stdin: bytes });
  expect({ status: back.status, same: back.stdout === bytes }).toEqual({ status: 0, same: true });
});

test("a detached container: logs, wait, a second start", async () => {
  const docker = await engine();
  const id = await docker.background([], "echo out; echo err >&2; exit 7");
  expect(await docker.must(["wait", id])).toBe("7");
  expect(await docker.call(["logs", id])).toEqual({ status: 0, stdout: "out\n", stderr: "err\n" });
  expect((await docker.call(["start", "--attach", id])).status).toBe(7);
  expect(await docker.inspect(id, "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 7");
});

test("create, and start with its output attached", async () => {
  const docker = await engine();
  const id = await docker.must(["create", "-i", image, "cat"]);
  expect(await docker.inspect(id, "{{.State.Status}}")).toBe("created");
  const started = await docker.call(["start", "--attach", "--interactive", id], { stdin: "typed" });
  expect(started).toMatchObject({ status: 0, stdout: "typed" });
  const broken = await docker.must(["create", image, "/nonexistent"]);
  expect(await docker.call(["start", broken])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("no such file or directory"),
  });
});

test("stop asks, then kills; kill sends what it is told; restart starts anew", async () => {
  const docker = await engine();
  const script = 'trap "exit 9" TERM; trap "echo usr1" USR1; echo up; while :; do sleep 0.1; done';
  const id = await docker.background([], script);
  const says = (text: string) =>
    eventually(`the container says ${text}`, async () =>
      (await docker.must(["logs", id])).endsWith(text),
    );
  const exitCode = () => docker.inspect(id, "{{.State.ExitCode}}");
  await says("up");
  await docker.must(["kill", "--signal", "USR1", id]);
  await says("usr1");
  await docker.must(["restart", id]);
  await says("usr1\nup");
  expect(await docker.inspect(id, "{{.State.Running}}")).toBe("true");
  await docker.must(["stop", id]);
  expect(await exitCode()).toBe("9");
  await docker.must(["start", id]);
  await says("up\nup");
  await docker.must(["kill", id]);
  expect(await exitCode()).toBe("137");

  const deaf = await docker.background([]); // sleep as process 1 does not hear SIGTERM
  await docker.must(["stop", "--time", "1", deaf]);
  expect(await docker.inspect(deaf, "{{.State.ExitCode}}")).toBe("137");
});

test("a container that uses more memory than it may is killed, and the engine hears why", async () => {
  const docker = await engine();
  const script = "x=a; while :; do x=$x$x; done";
  const id = await docker.must(["create", "-m", "16m", image, "sh", "-c", script]);
  expect((await docker.call(["start", "--attach", id])).status).toBe(137);
  expect(await docker.inspect(id, "{{.State.OOMKilled}}")).toBe("true");
});

test("pause stops every process, unpause lets them go on", async () => {
  const docker = await engine();
  const ticks = join(docker.host.path, "ticks");
  writeFileSync(ticks, "");
  const script = "while :; do echo x >> /ticks; sleep 0.02; done";
  const id = await docker.background(["-v", `${ticks}:/ticks`], script);
  const size = () => statSync(ticks).size;
  await eventually("it ticks", () => size() > 0);
  await docker.must(["pause", id]);
  expect(await docker.inspect(id, "{{.State.Status}}")).toBe("paused");
  const before = size();
  expect(await docker.call(["exec", id, "true"])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("is paused, unpause the container before exec"),
  });
  expect(size()).toBe(before);
  await docker.must(["unpause", id]);
  await eventually("it ticks again", () => size() > before);
  await docker.must(["pause", id]);
  await docker.must(["rm", "--force", id]);
});

test("--init puts docker-init before the program and passes signals on", async () => {
  const docker = await engine();
  const script = 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done';
  const id = await docker.background(["--init"], script);
  await eventually("it is up", async () => (await docker.must(["logs", id])) === "up");
  expect(await docker.inContainer(id, "tr '\\0' ' ' < /proc/1/cmdline")).toStartWith(
    "/sbin/docker-init -- sh -c",
  );
  await docker.must(["stop", id]);
  expect(await docker.inspect(id, "{{.State.ExitCode}}")).toBe("3");
});

test("--rm leaves no container, --restart starts a failed one again", async () => {
  const docker = await engine();
  const name = "again";
  const script = "echo run; exit 1";
  const id = await docker.background(["--name", name, "--restart", "on-failure:2"], script);
  await docker.must(["wait", id]);
  await eventually(
    "it ran three times",
    async () => (await docker.must(["logs", id])) === "run\nrun\nrun",
  );
  await docker.must(["run", "--rm", "--name", "gone", image, "true"]);
  const names = await docker.must(["ps", "--all", "--format", "{{.Names}}"]);
  expect(names.split("\n")).toContain(name);
  expect(names.split("\n")).not.toContain("gone");
});
