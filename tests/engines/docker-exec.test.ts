// SPDX-License-Identifier: Apache-2.0
/** docker exec: identity, surroundings, streams, statuses, and what it joins. */
import { expect } from "bun:test";
import { eventually } from "../support/command.ts";
import { Docker, image } from "../support/engines/docker.ts";
import { dockerObstacle, shared } from "../support/engines/shared.ts";
import { needs, runtimeName } from "../support/runtime.ts";

const test = needs(dockerObstacle);
const engine = shared(() => Docker.start());

test("-u, -w and -e say who, where, and with what", async () => {
  const docker = await engine();
  const id = await docker.background(["-e", "KEPT=container", "-w", "/tmp"]);
  const script = "id; pwd; echo $KEPT $MORE";
  expect(await docker.inContainer(id, script)).toBe("uid=0(root) gid=0 groups=0\n/tmp\ncontainer");
  const flags = ["-u", "1000:5", "-w", "/bin", "-e", "KEPT=exec", "-e", "MORE=more"];
  expect(await docker.must(["exec", ...flags, id, "sh", "-c", script])).toBe(
    "uid=1000(user) gid=5 groups=5\n/bin\nexec more",
  );
  const byName = await docker.must(["exec", "-u", "user", id, "sh", "-c", "id -u; echo $HOME"]);
  expect(byName).toBe("1000\n/home/user");
  await docker.must(["rm", "-f", id]);
});

test("streams stay apart, standard input ends, the exit status is the program's", async () => {
  const docker = await engine();
  const id = await docker.background([]);
  const exec = (...words: string[]) => docker.call(["exec", ...words]);
  expect(await exec(id, "sh", "-c", "echo out; echo err >&2; exit 5")).toEqual({
    status: 5,
    stdout: "out\n",
    stderr: "err\n",
  });
  const text = "0123456789abcdef".repeat(65536);
  const echoed = await docker.call(["exec", "-i", id, "cat"], { stdin: text });
  expect({ status: echoed.status, same: echoed.stdout === text }).toEqual({
    status: 0,
    same: true,
  });
  // docker 20.10 makes 126 of every program that did not start.
  expect((await exec(id, "nonexistent")).status).toBe(126);
  expect((await exec(id, "/etc/passwd")).status).toBe(126);
  expect((await exec(id, "sh", "-c", "kill -9 $$")).status).toBe(137);
  await docker.must(["exec", "--detach", id, "sh", "-c", "echo done > /tmp/detached"]);
  await eventually(
    "the detached program has written",
    async () => (await exec(id, "cat", "/tmp/detached")).stdout === "done\n",
  );
  await docker.must(["rm", "-f", id]);
});

test("it joins every namespace and cgroup, the limits and the filter of the container", async () => {
  const docker = await engine();
  const flags = ["--hostname", "inner", "--cap-drop", "ALL", "--cap-add", "CHOWN"];
  // runc 1.1.5 gives what exec starts the hard limit of files as its soft one.
  const files = runtimeName === "rune" ? "123:456" : "456:456";
  const more = ["--security-opt", "no-new-privileges", "--ulimit", `nofile=${files}`];
  const script =
    "readlink /proc/self/ns/cgroup /proc/self/ns/ipc /proc/self/ns/mnt /proc/self/ns/net " +
    "/proc/self/ns/pid /proc/self/ns/uts; cat /proc/self/cgroup; hostname; ulimit -n; ulimit -Hn; " +
    "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; cat /proc/self/oom_score_adj";
  const id = await docker.background(
    [...flags, ...more],
    `{ ${script}; } > /tmp/own; exec sleep 1000`,
  );
  const own = await eventually("the container has written", async () => {
    const text = await docker.inContainer(id, "[ -s /tmp/own ] && cat /tmp/own || :");
    return text.split("\n").length > 20 && text;
  });
  expect(await docker.inContainer(id, script)).toBe(own);
  expect(own).toContain("CapEff:\t0000000000000001");
  expect(own).toContain("Seccomp:\t2");
  await docker.must(["rm", "-f", id]);
});

test("nothing can be executed in a container that does not run", async () => {
  const docker = await engine();
  const id = await docker.must(["create", "--network=none", image, "true"]);
  const notRunning = { status: 1, stderr: expect.stringContaining("is not running") };
  expect(await docker.call(["exec", id, "true"])).toMatchObject(notRunning);
  await docker.must(["start", "--attach", id]);
  expect(await docker.call(["exec", id, "true"])).toMatchObject(notRunning);
});

test("what exec started ends with the container", async () => {
  const docker = await engine();
  const id = await docker.background([]);
  const exec = docker.begin("exec", id, "sh", "-c", "echo up; exec sleep 1000");
  try {
    await eventually("it is up", () => exec.stdout() === "up\n");
    await docker.must(["kill", id]);
    expect(await exec.exited()).toBe(137);
  } finally {
    exec[Symbol.dispose]();
  }
});
