// SPDX-License-Identifier: Apache-2.0
/** podman with `--runtime`, as far as a machine without CAP_SYS_RESOURCE lets it. */
import { expect } from "bun:test";
import { Podman, podmanImage } from "../support/engines/podman.ts";
import { engineObstacle, shared } from "../support/engines/shared.ts";
import { needs } from "../support/runtime.ts";

const test = needs(engineObstacle("podman", "conmon", "ip"));
const engine = shared(() => Podman.start());

/** podman asks for 1048576 of both, which a caller without CAP_SYS_RESOURCE cannot give. */
const limits = ["--ulimit", "nofile=16384:16384", "--ulimit", "nproc=8192:8192"];

function flags(podman: Podman): string[] {
  return [...limits, "--network=none", "--cgroup-parent", `/${podman.host.mark}`];
}

test("podman run: output, standard input, exit statuses", async () => {
  const podman = await engine();
  const run = (argv: string[], stdin = "") =>
    podman.call(["run", "--rm", "-i", ...flags(podman), podmanImage, ...argv], { stdin });
  expect(await run(["sh", "-c", "cat; echo err >&2; exit 42"], "typed\n")).toEqual({
    status: 42,
    stdout: "typed\n",
    stderr: "err\n",
  });
  expect((await run(["/etc/passwd"])).status).toBe(126);
  expect((await run(["/nonexistent"])).status).toBe(127);
});

test("a container in the background: exec, pause, kill, logs, stop", async () => {
  const podman = await engine();
  const script = 'trap "echo usr1" USR1; echo up; while :; do sleep 0.1; done';
  const id = await podman.must("run", "-d", ...flags(podman), podmanImage, "sh", "-c", script);
  expect(await podman.must("exec", "-u", "user", "-w", "/tmp", id, "sh", "-c", "id -u; pwd")).toBe(
    "1000\n/tmp",
  );
  expect((await podman.call(["exec", id, "sh", "-c", "exit 5"])).status).toBe(5);
  await podman.must("pause", id);
  expect(await podman.must("inspect", "--format", "{{.State.Status}}", id)).toBe("paused");
  await podman.must("unpause", id);
  await podman.must("stop", "-t", "1", id);
  expect(await podman.must("inspect", "--format", "{{.State.ExitCode}}", id)).toBe("137");
  expect(await podman.must("logs", id)).toBe("up");
  await podman.must("rm", id);
});
