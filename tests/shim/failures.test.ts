// SPDX-License-Identifier: Apache-2.0
/** What containerd-shim-rune-v2 survives, and what is left when it does not. */
import { expect } from "bun:test";
import { command, eventually } from "../support/command.ts";
import { Containerd, withShim } from "../support/engines/containerd.ts";
import { engineObstacle, shared } from "../support/engines/shared.ts";
import { TerminalSession } from "../support/engines/terminal.ts";
import { processes } from "../support/leftovers.ts";
import { needs, repository, runtimeName } from "../support/runtime.ts";

const test = needs(
  runtimeName === "rune" ? engineObstacle("containerd", "ctr", "ip") : "it is about rune's shim",
);
const pal = "/usr/lib/liberpal-skeleton-v2.so";
const skeleton = (name: string) => `${repository}/dist/lib/inclavare/${name}`;
const engine = shared(() => Containerd.start(withShim));

/** The pid of the server of a namespace. */
function serverOf({ host }: Containerd, namespace = "default"): number {
  const found = processes(host.mark).find(
    (line) => line.includes(" serve") && line.includes(`-namespace ${namespace} `),
  );
  return Number(/^process (\d+)/.exec(found ?? "")?.[1] ?? 0);
}

async function statusOf(containerd: Containerd, id: string): Promise<string> {
  const lines = (await containerd.must("task", "ls")).split("\n");
  return (
    lines
      .find((line) => line.startsWith(`${id} `))
      ?.trimEnd()
      .split(/ +/)
      .at(-1) ?? "gone"
  );
}

/** What is below /run of the host that is the shim's: servers' and pods' directories, and containers'. */
async function filesOf({ host }: Containerd): Promise<string> {
  const script =
    "for d in /run/inclavare/shim /run/containerd/rune/default; do " +
    '[ ! -d "$d" ] || find "$d" -ignore_readdir_race -mindepth 1; done';
  return await host.must(["sh", "-c", script]);
}

test("a killed server: containerd ends and removes all of its tasks, and the next one starts anew", async () => {
  const containerd = await engine();
  const ids = [await containerd.background(), await containerd.background()];
  const files = await filesOf(containerd);
  for (const name of ["server.sock", ...ids.map((id) => `${id}/state.json`)])
    expect(files).toContain(name);
  process.kill(serverOf(containerd), "SIGKILL");
  for (const id of ids) {
    await eventually("the task is gone", async () => (await statusOf(containerd, id)) === "gone");
    await containerd.must("container", "rm", id);
  }
  await eventually("its files are gone", async () => (await filesOf(containerd)) === "");
  const next = containerd.runWords(["--rm"], containerd.id(), "echo", "again");
  expect(await containerd.must(...next)).toBe("again");
});

test("a server killed while containerd is away: `delete` tells the status of what had ended", async () => {
  const containerd = await engine();
  const { host, env } = containerd;
  const id = await containerd.background([], "sh", "-c", "sleep 1; exit 23");
  await containerd.stopDaemon("SIGKILL");
  const isOver = async () =>
    (await host.must(["sh", "-c", "cat /run/inclavare/shim/*/pod-*/exits; true"])) !== "";
  await eventually("it has ended", isOver);
  process.kill(serverOf(containerd), "SIGKILL");
  const bundle = `${host.path}/containerd/state/io.containerd.runtime.v2.task/default/${id}`;
  const address = env["CONTAINERD_ADDRESS"] ?? "";
  const words = ["-namespace", "default", "-address", address, "-id", id, "-bundle", bundle];
  const answer = await host.must(["containerd-shim-rune-v2", ...words, "delete"]);
  expect(answer).toContain("\u0010\u0017"); // field 2, 23
  await containerd.startDaemon();
  expect(await statusOf(containerd, id)).toBe("gone");
  await containerd.must("container", "rm", id);
  await eventually("its files are gone", async () => (await filesOf(containerd)) === "");
});

test("a full disk: what runs is told of and removed, and what cannot be made leaves nothing", async () => {
  const containerd = await engine();
  const { host } = containerd;
  const waiting = ["sh", "-c", "until [ -e /end ]; do sleep 0.1; done; exit 9"];
  const id = await containerd.background([], ...waiting);
  // Both of the shim's own places are in the host's /run, which is made no larger than what is in it.
  await host.must([
    "sh",
    "-c",
    "mount -o remount,size=64k /run; cat /dev/zero > /run/fill || true",
  ]);
  const failing = await containerd.call(containerd.runWords([], containerd.id(), "true"));
  expect(failing.status).toBe(1);
  expect(failing.stderr).toMatch(/no space left on device/i);
  const exec = ["task", "exec", "--exec-id", "e", id, "touch", "/end"];
  expect(await containerd.call(exec)).toMatchObject({ status: 0 });
  await eventually("it has stopped", async () => (await statusOf(containerd, id)) === "STOPPED");
  expect(await containerd.call(["task", "rm", id])).toMatchObject({
    stderr: expect.stringContaining("exit code 9"),
  });
  await containerd.must("container", "rm", id);
  await host.must(["sh", "-c", "rm /run/fill; mount -o remount,size=50% /run"]);
  const next = containerd.runWords(["--rm"], containerd.id(), "echo", "again");
  expect(await containerd.must(...next)).toBe("again");
  await eventually("its files are gone", async () => (await filesOf(containerd)) === "");
});

test("a killed monitor: its task is told as killed, others go on", async () => {
  const containerd = await engine();
  const other = await containerd.background();
  const id = await containerd.background();
  const list = await containerd.must("task", "ls");
  const pid = new RegExp(`^${id} +(\\d+)`, "m").exec(list)?.[1] ?? "0";
  const { stdout } = await command(["ps", "-o", "ppid=", "-p", pid]);
  process.kill(Number(stdout), "SIGKILL");
  await eventually("it has stopped", async () => (await statusOf(containerd, id)) === "STOPPED");
  expect(await statusOf(containerd, other)).toBe("RUNNING");
  expect(await containerd.call(["task", "rm", id])).toMatchObject({
    stderr: expect.stringContaining("exit code 137"),
  });
  await containerd.must("container", "rm", id);
  await containerd.remove(other);
});

test("malformed frames end their connection, and nothing else", async () => {
  const containerd = await engine();
  const id = await containerd.background();
  const python = `
import glob, socket
for path in glob.glob("/run/inclavare/shim/*/server.sock"):
    for data in (b"\\xff" * 10, b"\\0\\0\\0\\5\\0\\0\\0\\1\\1\\0xxxxx", b"x", b"\\0\\0\\0\\0\\0\\0\\0\\1\\7\\0"):
        s = socket.socket(socket.AF_UNIX); s.connect(path); s.sendall(data); s.close()`;
  await containerd.host.must(["python3", "-c", python]);
  const exec = ["task", "exec", "--exec-id", "e", id, "echo", "alive"];
  expect(await containerd.must(...exec)).toBe("alive");
  await containerd.remove(id);
});

test("a client that never reads keeps its own program waiting, and nobody else", async () => {
  const containerd = await engine();
  const id = await containerd.background();
  const words = ["task", "exec", "--exec-id", "stuck", id, "yes"];
  const stuck = Bun.spawn(containerd.argv(...words), {
    env: containerd.env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await eventually("it runs", async () =>
    /\n\d+ +stuck|stuck/.test(await containerd.must("task", "ps", id)),
  );
  const exec = ["task", "exec", "--exec-id", "e", id, "echo", "alive"];
  expect(await containerd.must(...exec)).toBe("alive");
  await containerd.must("task", "kill", "--exec-id", "stuck", "--signal", "SIGKILL", id);
  await new Response(stuck.stdout).text();
  expect(await stuck.exited).toBe(137);
  await containerd.remove(id);
});

test("a hook that asks containerd about tasks is answered", async () => {
  const containerd = await engine();
  const { host } = containerd;
  const config = `${host.path}/hooked.json`;
  const id = await containerd.background();
  const spec = JSON.parse(await containerd.must("oci", "spec"));
  spec.linux.cgroupsPath = `/${host.mark}/hooked`;
  spec.process.args = ["/bin/busybox", "echo", "ran"];
  spec.process.terminal = false;
  spec.hooks = {
    createRuntime: [
      {
        path: "/usr/bin/timeout",
        args: [
          "timeout",
          "20",
          "ctr",
          "--address",
          containerd.env["CONTAINERD_ADDRESS"],
          "task",
          "ps",
          id,
        ],
        env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
      },
    ],
  };
  await host.write(config, JSON.stringify(spec));
  const rootfs = `${host.path}/hook-rootfs`;
  const script =
    'mkdir -p "$1/bin" && cp /bin/busybox "$1/bin/" && for d in proc dev sys run tmp; do mkdir -p "$1/$d"; done';
  await host.must(["sh", "-c", script, "sh", rootfs]);
  spec.root.path = rootfs;
  await host.write(config, JSON.stringify(spec));
  const hooked = containerd.id();
  const run = ["run", "--rm", ...withShim, "--config", config, hooked];
  expect(await containerd.must(...run)).toBe("ran");
  await containerd.remove(id);
});

test("enclave containers: exec, with a terminal too, statistics, kill", async () => {
  const containerd = await engine();
  const id = containerd.id();
  await containerd.host.must(["install", "-m", "755", skeleton("liberpal-skeleton-v2.so"), pal]);
  const image = "docker.io/library/hello:latest";
  await containerd.load(image, skeleton("encl.bin"), skeleton("encl.ss"));
  const variables = ["TYPE=intelSgx", "PLATFORM=simulation", `RUNTIME_PATH=${pal}`];
  const flags = variables.flatMap((entry) => ["--env", `ENCLAVE_${entry}`]);
  const run = ["run", "--detach", "--null-io", ...withShim, ...flags, image, id];
  await containerd.must(...run, "hello", "wait_timeout", "600");
  expect(await containerd.call(["task", "exec", "--exec-id", "e", id, "hello"])).toMatchObject({
    status: 0,
    stderr: "Enclave runtime skeleton initialization succeeded\n",
  });
  const exec = ["task", "exec", "--tty", "--exec-id", "t", id, "hello"];
  using terminal = new TerminalSession(containerd.argv(...exec), containerd.env);
  await terminal.shows("Enclave runtime skeleton initialization succeeded");
  expect(await terminal.exited()).toBe(0);
  const metrics = JSON.parse(await containerd.must("task", "metrics", "--format", "json", id));
  expect(metrics.memory.usage.usage).toBeGreaterThan(0);
  await containerd.must("task", "kill", "--signal", "SIGKILL", id);
  await eventually("it has stopped", async () => (await statusOf(containerd, id)) === "STOPPED");
  await containerd.remove(id);
});
