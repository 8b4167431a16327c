// SPDX-License-Identifier: Apache-2.0
/** Verbs in every state of a container, their failures, and what they leave behind: nothing. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  eventually,
  freshId,
  isRune,
  type Json,
  missing,
  Sandbox,
  sh,
} from "../support/scratch.ts";

const reason = missing();
const runeOnly = isRune ? "" : " (rune's own behaviour)";

describe.skipIf(reason !== undefined)(`life of a container${reason ? ` (${reason})` : ""}`, () => {
  const sleeper = ["/bin/sleep", "1000"];
  const status = (sandbox: Sandbox, id: string) =>
    JSON.parse(sandbox.run("state", id).stdout).status;

  test("exit codes are the program's, or 128 plus the signal", () => {
    using sandbox = new Sandbox();
    for (const [script, code] of [
      ["exit 0", 0],
      ["exit 42", 42],
      ["exit 255", 255],
      ["kill -TERM $$; exit 3", 3], // process 1 has no handler, so the signal is not delivered
    ] as const) {
      expect(sandbox.runBundle(["/bin/sh", "-c", script]).status).toBe(code);
    }
    const shared = sandbox.runBundle(["/bin/sh", "-c", "kill -KILL $$"], (config) => {
      config.linux.namespaces = config.linux.namespaces.filter(
        (n: { type: string }) => n.type !== "pid",
      );
      config.mounts[0] = {
        destination: "/proc",
        type: "bind",
        source: "/proc",
        options: ["rbind"],
      };
      config.linux.readonlyPaths = config.linux.maskedPaths = [];
    });
    expect(shared.status).toBe(137);
    expect(sandbox.left()).toEqual([]);
  });

  test("a program that cannot be run fails with what engines look for, and leaves nothing", () => {
    using sandbox = new Sandbox();
    const missingProgram = sandbox.runBundle(["nope"]);
    expect(missingProgram.status).toBe(1);
    expect(missingProgram.stderr).toContain("executable file not found in $PATH");
    expect(sandbox.runBundle(["/bin/nope"]).stderr).toContain("no such file or directory");
    const directory = sandbox.runBundle(["/bin"]);
    expect(directory.status).toBe(1);
    expect(directory.stderr).toMatch(/permission denied|is a directory/);
    expect(sandbox.left()).toEqual([]);
  });

  test("a program that the kernel refuses is told of once, where the log is", () => {
    using sandbox = new Sandbox();
    const bundle = sandbox.bundle(["/bin/garbage"]);
    writeFileSync(join(bundle, "rootfs/bin/garbage"), "\x7fELF nonsense", { mode: 0o755 });
    const failed = sandbox.run("run", "--bundle", bundle, freshId());
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain("exec format error");
    if (isRune) expect(failed.stderr.match(/level=error/g)).toHaveLength(1);
    const detached = sandbox.run("run", "--detach", "--bundle", bundle, freshId());
    expect(detached.stderr).toContain("exec format error");
    const id = freshId();
    const sleeping = sandbox.bundle(sleeper);
    writeFileSync(join(sleeping, "rootfs/bin/garbage"), "\x7fELF nonsense", { mode: 0o755 });
    sandbox.run("run", "--detach", "--bundle", sleeping, id);
    const log = join(sandbox.path, "log");
    expect(
      sandbox.run("--log", log, "--log-format", "json", "exec", id, "/bin/garbage").status,
    ).toBe(isRune ? 255 : 1); // runc learns of it only as the process's own exit status
    if (isRune) {
      const records = readFileSync(log, "utf8").trim().split("\n");
      expect(records).toHaveLength(1);
      expect(JSON.parse(records[0] ?? "")).toMatchObject({ level: "error", container: id });
    }
    sandbox.run("delete", "--force", id);
    expect(sandbox.left()).toEqual([]);
  });

  test("create, state, start, exec, kill, delete", async () => {
    using sandbox = new Sandbox();
    const id = freshId();
    const bundle = sandbox.bundle(sleeper);
    const pidFile = join(sandbox.path, "pid");
    expect(sandbox.run("create", "--bundle", bundle, "--pid-file", pidFile, id).status).toBe(0);
    const state = JSON.parse(sandbox.run("state", id).stdout);
    expect(state).toMatchObject({ id, status: "created", bundle, rootfs: join(bundle, "rootfs") });
    expect(readFileSync(pidFile, "utf8")).toBe(String(state.pid));
    expect(sandbox.run("create", "--bundle", bundle, id).status).toBe(1);
    expect(sandbox.run("start", id).status).toBe(0);
    expect(status(sandbox, id)).toBe("running");
    expect(sandbox.run("start", id).status).toBe(1);
    expect(sandbox.run("delete", id).status).toBe(1);
    expect(sandbox.run("list", "-q").stdout).toBe(`${id}\n`);
    expect(sandbox.run("kill", id, "KILL").status).toBe(0);
    await eventually(() => status(sandbox, id) === "stopped", "stopped");
    expect(sandbox.run("kill", id, "KILL").status).toBe(1);
    expect(sandbox.run("exec", id, "/bin/true").status).not.toBe(0);
    expect(sandbox.run("start", id).status).toBe(1);
    expect(sandbox.run("delete", id).status).toBe(0);
    expect(sandbox.run("state", id).status).toBe(1);
    expect(sandbox.run("delete", id).status).toBe(1);
    expect(sandbox.run("delete", "--force", id).status).toBe(0);
    expect(sandbox.left()).toEqual([]);
  });

  test("created containers can be deleted, running ones with --force", () => {
    using sandbox = new Sandbox();
    const [created, running] = [freshId(), freshId()];
    const bundle = sandbox.bundle(sleeper);
    sandbox.run("create", "--bundle", bundle, created);
    expect(sandbox.run("delete", created).status).toBe(0);
    expect(sandbox.run("run", "--detach", "--bundle", bundle, running).status).toBe(0);
    expect(sandbox.run("delete", "--force", running).status).toBe(0);
    expect(sandbox.left()).toEqual([]);
  });

  test("exec: exit code, environment, user, directory, terminal, process.json", () => {
    using sandbox = new Sandbox();
    const id = freshId();
    const bundle = sandbox.bundle(sleeper);
    sandbox.run("run", "--detach", "--bundle", bundle, id);
    expect(sandbox.run("exec", id, "/bin/sh", "-c", "exit 7").status).toBe(7);
    expect(sandbox.run("exec", id, "/bin/nope").status).toBe(255);
    expect(sandbox.run("exec", "-e", "A=b", id, "/bin/sh", "-c", "echo $A").stdout).toBe("b\n");
    expect(sandbox.run("exec", "--user", "5:6", "-g", "9", id, "/bin/id").stdout).toContain(
      "uid=5 gid=6 groups=9",
    );
    expect(sandbox.run("exec", "--cwd", "/tmp", id, "/bin/sh", "-c", "pwd").stdout).toBe("/tmp\n");
    expect(sandbox.run("exec", id, "/bin/sh", "-c", 'echo --flag "$1"', "x", "--user").stdout).toBe(
      "--flag --user\n",
    );
    const tty = sandbox.command("exec", "-t", id, "/bin/tty").join(" ");
    expect(sh(["script", "-qefc", tty, "/dev/null"]).stdout).toMatch(/\/dev\/pts\/[0-9]+/);
    const file = join(sandbox.path, "process.json");
    const process = { user: { uid: 3, gid: 4 }, args: ["/bin/id", "-u"], cwd: "/", env: [] };
    writeFileSync(file, JSON.stringify(process));
    expect(sandbox.run("exec", "--process", file, id).stdout).toBe("3\n");
    const pidFile = join(sandbox.path, "exec.pid");
    expect(
      sandbox.run("exec", "--detach", "--pid-file", pidFile, id, "/bin/sleep", "900").status,
    ).toBe(0);
    expect(readFileSync(`/proc/${readFileSync(pidFile, "utf8")}/cmdline`, "utf8")).toBe(
      "/bin/sleep\x00900\x00",
    );
    expect(sandbox.run("kill", "--all", id, "KILL").status).toBe(0);
    expect(sandbox.run("delete", "--force", id).status).toBe(0);
    expect(sandbox.left()).toEqual([]);
  });

  test("a terminal: console socket, and a foreground one that is the caller's", async () => {
    using sandbox = new Sandbox();
    const helper = join(sandbox.path, "console");
    sh(["gcc", "-o", helper, join(import.meta.dir, "../support/console.c")]);
    const bundle = sandbox.bundle(
      ["/bin/sh", "-c", "tty; stty size; ls -l /dev/console"],
      (config) => {
        config.process.terminal = true;
        config.process.consoleSize = { height: 33, width: 77 };
      },
    );
    const socket = join(sandbox.path, "s");
    const console = Bun.spawn([helper, socket], { stdin: "ignore", stdout: "pipe" });
    await eventually(() => existsSync(socket), "the socket");
    const id = freshId();
    expect(sandbox.run("create", "--bundle", bundle, id).status).toBe(1);
    expect(sandbox.run("create", "--bundle", bundle, "--console-socket", socket, id).status).toBe(
      0,
    );
    sandbox.run("start", id);
    const text = await console.stdout.text();
    expect(text).toContain("/dev/pts/0");
    expect(text).toContain("33 77");
    expect(text).toMatch(/136, +0 .*\/dev\/console/);
    await eventually(() => status(sandbox, id) === "stopped", "stopped");
    sandbox.run("delete", id);
    const foreground = sandbox.command("run", "--bundle", bundle, freshId()).join(" ");
    const shown = sh(["script", "-qefc", foreground, "/dev/null"]);
    expect(shown.status).toBe(0);
    expect(shown.stdout).toContain("/dev/pts/0");
    expect(sandbox.left()).toEqual([]);
  });

  test("signals to a foreground run reach the program", async () => {
    using sandbox = new Sandbox();
    const bundle = sandbox.bundle([
      "/bin/sh",
      "-c",
      "trap 'echo got; exit 9' USR1 TERM INT; echo up; while :; do sleep 0.1; done",
    ]);
    for (const signal of ["SIGUSR1", "SIGTERM", "SIGINT"] as const) {
      const child = Bun.spawn(sandbox.command("run", "--bundle", bundle, freshId()), {
        stdout: "pipe",
      });
      const reader = child.stdout.getReader();
      const first = new TextDecoder().decode((await reader.read()).value);
      expect(first).toBe("up\n");
      child.kill(signal);
      expect(await child.exited).toBe(9);
    }
    expect(sandbox.left()).toEqual([]);
  });

  test("64 MiB through a slow reader; descriptors keep their flags", async () => {
    using sandbox = new Sandbox();
    const bundle = sandbox.bundle(["/bin/sh", "-c", "head -c 67108864 /dev/zero"]);
    const run = sandbox.command("run", "--bundle", bundle, freshId()).join(" ");
    // Flags of the pipe before and after, as the shell that shares its description sees them.
    const flags = "grep flags /proc/$$/fdinfo/1 >&2; grep flags /proc/$$/fdinfo/0 >&2";
    const slow = "(for i in 1 2 3; do sleep 0.1; head -c 1000000; done; cat) | wc -c";
    const { stdout, stderr } = sh(["bash", "-c", `{ ${flags}; ${run}; ${flags}; } | ${slow}`]);
    expect(stdout.trim()).toBe("67108864");
    const seen = stderr.trim().split("\n");
    expect(seen).toHaveLength(4);
    expect(seen.slice(2)).toEqual(seen.slice(0, 2));
  });

  test("cgroup limits, and a path of one's own", () => {
    using sandbox = new Sandbox();
    const id = freshId();
    const bundle = sandbox.bundle(sleeper, (config) => {
      config.linux.cgroupsPath = `/${id}/below`;
      config.linux.resources = {
        ...config.linux.resources,
        memory: { limit: 64 << 20 },
        pids: { limit: 20 },
      };
    });
    sandbox.run("run", "--detach", "--bundle", bundle, id);
    const roots = readdirSync("/sys/fs/cgroup");
    if (roots.includes("pids")) {
      expect(readFileSync(`/sys/fs/cgroup/pids/${id}/below/pids.max`, "utf8").trim()).toBe("20");
      expect(
        readFileSync(`/sys/fs/cgroup/memory/${id}/below/memory.limit_in_bytes`, "utf8").trim(),
      ).toBe(String(64 << 20));
    }
    const bomb = sandbox.run(
      "exec",
      id,
      "/bin/sh",
      "-c",
      "for i in $(seq 40); do sleep 5 & done; wait",
    );
    expect(bomb.stderr).toMatch(/can't fork/);
    if (isRune)
      expect(sandbox.run("create", "--bundle", bundle, freshId()).stderr).toContain("not empty");
    expect(sandbox.run("delete", "--force", id).status).toBe(0);
    for (const root of roots) sh(["rmdir", `/sys/fs/cgroup/${root}/${id}`]); // the parent is the test's
    expect(sandbox.left()).toEqual([]);
  });

  test("--preserve-fds passes on just those", () => {
    using sandbox = new Sandbox();
    const bundle = sandbox.bundle(["/bin/sh", "-c", "cat <&3; ls /proc/self/fd"]);
    const run = (count: number) =>
      sandbox
        .command("run", "--preserve-fds", String(count), "--bundle", bundle, freshId())
        .join(" ");
    const { stdout } = sh(["bash", "-c", `exec 3<<<hello 4</dev/null 8</dev/null; exec ${run(2)}`]);
    expect(stdout).toBe("hello\n0\n1\n2\n3\n4\n5\n");
    // runc passes descriptors of its own where the caller has none.
    if (isRune) expect(sh(["bash", "-c", `exec ${run(3)}`]).status).toBe(1);
    expect(sandbox.left()).toEqual([]);
  });

  test.skipIf(!isRune)(`bad bundles and ids: a clear error and nothing left${runeOnly}`, () => {
    using sandbox = new Sandbox();
    const bad = (edit: (config: Json) => void) => {
      const { status, stderr } = sandbox.runBundle(["/bin/true"], edit);
      expect(status).toBe(1);
      expect(stderr.match(/level=error/g)).toHaveLength(1);
      return stderr;
    };
    expect(bad((c) => (c.process.args = []))).toContain("process.args");
    expect(bad((c) => (c.ociVersion = "9.0"))).toContain("ociVersion");
    expect(bad((c) => (c.root.path = "nowhere"))).toContain("nowhere");
    expect(bad((c) => (c.linux.namespaces = [{ type: "uts" }]))).toMatch(
      /namespace of type `mount`/,
    );
    expect(bad((c) => (c.hooks = { prestart: [{ path: "/bin/true" }] }))).toContain(
      "hooks.prestart",
    );
    expect(bad((c) => (c.linux.sysctl = { "kernel.panic": "1" }))).toContain("whole host");
    expect(
      bad((c) => c.mounts.push({ destination: "/x", type: "nosuchfs", source: "x" })),
    ).toContain("nosuchfs");
    expect(
      bad((c) => c.mounts.push({ destination: "/x", type: "bind", source: "/no/such" })),
    ).toContain("/no/such");
    expect(
      bad((c) =>
        c.mounts.push({ destination: "/x", type: "tmpfs", source: "t", options: ["size=zzz"] }),
      ),
    ).toContain("size=zzz");
    expect(bad((c) => (c.hostname = "x".repeat(100)))).toContain("hostname");
    for (const id of ["", "..", "a/b", "a b", "é"]) {
      expect(sandbox.run("create", "--bundle", sandbox.path, id).status).toBe(1);
    }
    expect(sandbox.run("create", "--bundle", sandbox.path, freshId()).stderr).toContain(
      "config.json",
    );
    expect(sandbox.left()).toEqual([]);
  });

  test.skipIf(!isRune)(
    `killed at any moment, it leaves what delete --force removes${runeOnly}`,
    async () => {
      using sandbox = new Sandbox();
      const bundle = sandbox.bundle(sleeper);
      for (let round = 0; round < 40; round++) {
        const id = freshId();
        const verb = round % 2 === 0 ? ["create"] : ["run", "--detach"];
        const child = Bun.spawn(sandbox.command(...verb, "--bundle", bundle, id), {
          stdin: "ignore",
          stderr: "ignore",
        });
        await Bun.sleep(2 + round * 0.4);
        child.kill("SIGKILL");
        await child.exited;
        expect(sandbox.run("delete", "--force", id)).toEqual({ status: 0, stdout: "", stderr: "" });
      }
      await eventually(() => sandbox.left().length === 0, `nothing left of ${sandbox.left()}`);
    },
  );

  test("twenty at once; one of several with the same id wins", async () => {
    using sandbox = new Sandbox();
    const bundle = sandbox.bundle(["/bin/true"]);
    const start = (id: string, ...verb: string[]) =>
      Bun.spawn(sandbox.command(...verb, "--bundle", bundle, id), {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
      }).exited;
    const many = await Promise.all(Array.from({ length: 20 }, () => start(freshId(), "run")));
    expect(many).toEqual(Array.from({ length: 20 }, () => 0));
    const id = freshId();
    const same = await Promise.all(Array.from({ length: 6 }, () => start(id, "create")));
    expect(same.filter((code) => code === 0)).toHaveLength(1);
    expect(sandbox.run("delete", "--force", id).status).toBe(0);
    await eventually(() => sandbox.left().length === 0, `nothing left of ${sandbox.left()}`);
  });

  test("logs: one record of level error, text or JSON", () => {
    using sandbox = new Sandbox();
    const log = join(sandbox.path, "log");
    sandbox.run("--log", log, "--log-format", "json", "state", "nobody");
    const records = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const errors = records.filter(({ level }) => level === "error");
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({
      msg: expect.stringContaining("does not exist"),
      time: expect.any(String),
    });
    expect(sandbox.run("state", "nobody").stderr).toMatch(/level=error|does not exist/);
  });
});
