// SPDX-License-Identifier: Apache-2.0
/** Verbs in every state of a container. */
import { expect } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../support/bundle.ts";
import { command, eventually } from "../support/command.ts";
import { probe } from "../support/probe.ts";
import { except, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** A container that has ended and was not deleted. */
async function stopped(sandbox: Sandbox): Promise<string> {
  const id = await sandbox.started({ process: { args: ["/bin/true"] } });
  await sandbox.reaches(id, "stopped");
  return id;
}

/** Every state a container can be in, and how it gets there; "absent" never did. */
const inState = {
  absent: async (sandbox: Sandbox) => sandbox.id(),
  created: (sandbox: Sandbox) => sandbox.created(),
  running: (sandbox: Sandbox) => sandbox.started(),
  stopped,
} as const;

type StateName = keyof typeof inState;

/** Which verbs succeed in which state. */
const outcomes: Readonly<Record<string, Readonly<Record<StateName, boolean>>>> = {
  create: { absent: true, created: false, running: false, stopped: false },
  start: { absent: false, created: true, running: false, stopped: false },
  state: { absent: false, created: true, running: true, stopped: true },
  "exec ID /bin/true": { absent: false, created: true, running: true, stopped: false },
  "kill ID 0": { absent: false, created: true, running: true, stopped: false },
  "kill ID KILL": { absent: false, created: true, running: true, stopped: false },
  delete: { absent: false, created: true, running: false, stopped: true },
  "delete --force": { absent: true, created: true, running: true, stopped: true },
  "run --detach": { absent: true, created: false, running: false, stopped: false },
};

for (const [verb, byState] of Object.entries(outcomes)) {
  for (const [state, succeeds] of Object.entries(byState)) {
    test(`${verb.replace(" ID", "")} of a container that is ${state} ${succeeds ? "succeeds" : "fails"}`, async () => {
      await using sandbox = new Sandbox();
      sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
      // The keys of byState are those of inState.
      const id = await inState[state as StateName](sandbox);
      const before = sandbox.containers().length;
      const words = verb.includes("ID") ? verb.split(" ") : [...verb.split(" "), "ID"];
      const result = await sandbox.call(words.map((word) => (word === "ID" ? id : word)));
      if (succeeds) {
        expect([result.status, result.stderr]).toEqual([0, ""]);
      } else {
        expect(result.status).not.toBe(0);
        expect(result.stderr).not.toBe("");
        expect(sandbox.containers().length).toBe(before); // nothing was made, nothing taken away
        if (state !== "absent") expect((await sandbox.state(id)).status).toBe(state);
      }
    });
  }
}

// covers: create, start, state, delete, annotations, --root
test("the statuses of a life, and what the state says", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.created({ annotations: { "org.example.key": "value" } });
  const created = await sandbox.state(id);
  expect(created).toMatchObject({
    id,
    status: "created",
    bundle: sandbox.bundle.path,
    // Not in the specification; crun repeats what config.json says.
    rootfs: runtimeName === "crun" ? "rootfs" : sandbox.bundle.rootfs,
    annotations: { "org.example.key": "value" },
    ociVersion: expect.stringMatching(/^1\./),
    created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
  });
  expect(existsSync(`/proc/${created.pid}`)).toBe(true);
  await sandbox.must(["start", id]);
  expect(await sandbox.state(id)).toMatchObject({ status: "running", pid: created.pid });
  await sandbox.must(["kill", id, "KILL"]);
  expect(await sandbox.reaches(id, "stopped")).toMatchObject({ pid: 0 });
  await sandbox.must(["delete", id]);
  await sandbox.expectNothingLeft();
});

test("a created container does not run its program", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.created(shell("touch /ran"));
  await Bun.sleep(200);
  const ran = join(sandbox.bundle.rootfs, "ran");
  expect(existsSync(ran)).toBe(false);
  await sandbox.must(["start", id]);
  await eventually("the program has run", () => existsSync(ran));
});

test("a created container that dies is stopped, and cannot be started", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.created();
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  expect((await sandbox.call(["start", id])).status).toBe(1);
  await sandbox.must(["delete", id]);
});

test("a changed config.json does not change a created container", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.created(shell("echo original >/out"));
  sandbox.configure(shell("echo changed >/out"));
  await sandbox.must(["start", id]);
  const out = join(sandbox.bundle.rootfs, "out");
  await eventually("the program has run", () => existsSync(out) && readFileSync(out).length > 0);
  expect(readFileSync(out, "utf8")).toBe("original\n");
});

// covers: list, list --quiet, list --format
except("crun", "1.8.1 lists in no order")("list", async () => {
  await using sandbox = new Sandbox();
  expect((await sandbox.must(["list", "--quiet"])).stdout).toBe("");
  const [one, two] = [await sandbox.created(), await sandbox.started()];
  expect((await sandbox.must(["list", "-q"])).stdout).toBe(`${one}\n${two}\n`);
  const listed = JSON.parse((await sandbox.must(["list", "--format", "json"])).stdout);
  expect(listed).toMatchObject([
    { id: one, status: "created", bundle: sandbox.bundle.path },
    { id: two, status: "running", bundle: sandbox.bundle.path },
  ]);
  const table = (await sandbox.must(["list"])).stdout.split("\n");
  expect(table[0]).toMatch(/^ID +PID +STATUS +BUNDLE +CREATED +OWNER/);
  expect(table[1]).toMatch(new RegExp(`^${one} +[0-9]+ +created +${sandbox.bundle.path} `));
});

except("crun", "1.8.1 prints an empty list")("list as JSON of no containers", async () => {
  await using sandbox = new Sandbox();
  expect((await sandbox.must(["list", "--format", "json"])).stdout.trim()).toBe("null");
});

// covers: create --pid-file, run --pid-file
test("--pid-file has the pid, and nothing else", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
  const file = join(sandbox.path, "pid");
  for (const verb of [["create"], ["run", "--detach"]]) {
    const id = sandbox.id();
    await sandbox.must([...verb, "--pid-file", file, id]);
    expect(readFileSync(file, "utf8")).toBe(String((await sandbox.state(id)).pid));
  }
});

test("a pid file that cannot be written fails, and leaves nothing", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure();
  const { status } = await sandbox.call(["create", "--pid-file", "/no/such/pid", sandbox.id()]);
  expect(status).toBe(1);
  await sandbox.expectNothingLeft();
});

test("commands leave no zombie to whoever inherits their orphans", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
  const id = sandbox.id();
  const zombies = async (...words: string[]) => {
    const argv = [await probe(), "adopt", ...sandbox.argv(...words)];
    return (await command(argv, { cwd: sandbox.bundle.path })).stdout;
  };
  expect(await zombies("create", id)).toBe("0\n");
  expect(await zombies("start", id)).toBe("0\n");
  expect(await zombies("exec", id, "true")).toBe("0\n");
  expect(await zombies("exec", "--detach", id, "sleep", "1000")).toBe("0\n");
  sandbox.configure({ process: { args: ["/no/such"] } });
  expect(await zombies("create", sandbox.id())).toBe("0\n");
  expect(await zombies("run", sandbox.id())).toBe("0\n");
  writeFileSync(join(sandbox.bundle.rootfs, "bin/garbage"), "\x01", { mode: 0o755 });
  sandbox.configure({ process: { args: ["/bin/garbage"] } });
  for (const flags of [[], ["--detach"]]) {
    const left = await zombies("run", ...flags, sandbox.id());
    if (runtimeName === "rune") expect(left).toBe("0\n"); // runc -d: a container that stopped
  }
});

// covers: run --detach, delete --force
test("an id may be used again after delete", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(shell("echo hello"));
  const id = sandbox.id();
  for (const _ of [1, 2, 3]) {
    expect((await sandbox.must(["run", id])).stdout).toBe("hello\n");
  }
});

/** Ids that crun 1.8.1 takes, or (the slash) waits over for ever. */
const takenByCrun = ["a b", "é", "a:b", "/"];

for (const id of [
  "",
  ".",
  "..",
  "a/b",
  "../a",
  "a b",
  "é",
  "a\nb",
  "-a",
  "a:b",
  "/",
  "x".repeat(1025),
]) {
  const judged = takenByCrun.includes(id) ? except("crun", "1.8.1 does not refuse it") : test;
  judged(`the id ${JSON.stringify(id.slice(0, 20))} is refused`, async () => {
    await using sandbox = new Sandbox();
    sandbox.configure();
    for (const verb of [["create"], ["run"], ["state"], ["start"], ["kill"], ["delete"]]) {
      const { status, stderr } = await sandbox.call([...verb, id]);
      expect(status).not.toBe(0);
      expect(stderr).not.toBe("");
    }
    expect(sandbox.containers()).toEqual([]);
  });
}

for (const id of ["a", "A-b_c.d+e", "0", "_", "..a", "x".repeat(200)]) {
  const judged = id === "..a" ? except("crun", "1.8.1 refuses it") : test;
  judged(`the id ${id.slice(0, 20)} is accepted`, async () => {
    await using sandbox = new Sandbox();
    sandbox.configure({ linux: { cgroupsPath: `/${sandbox.mark}` } });
    expect((await sandbox.call(["run", id])).status).toBe(0);
  });
}

test("no container id, or one too many", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure();
  for (const words of [["create"], ["run"], ["start"], ["state"], ["kill"], ["delete"], ["exec"]]) {
    expect((await sandbox.call(words)).status).not.toBe(0);
  }
  expect((await sandbox.call(["create", "a", "b"])).status).not.toBe(0);
  expect(sandbox.containers()).toEqual([]);
});

// covers: --version
test("unknown verbs and options", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure();
  expect((await sandbox.call(["conjure"])).status).not.toBe(0);
  expect((await sandbox.call(["create", "--conjure", sandbox.id()])).status).not.toBe(0);
  expect(sandbox.containers()).toEqual([]);
});

test("a container outlives the bundle's configuration and can be deleted", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  sandbox.configureExactly("nonsense");
  expect((await sandbox.state(id)).status).toBe("running");
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
});

// covers: run --keep
except("crun", "1.8.1 has no --keep")("run leaves the container where it is told to", async () => {
  await using sandbox = new Sandbox();
  const id = sandbox.id();
  sandbox.configure(shell("exit 5"));
  expect((await sandbox.call(["run", "--keep", id])).status).toBe(5);
  expect((await sandbox.state(id)).status).toBe("stopped");
  await sandbox.must(["delete", id]);
  await sandbox.expectNothingLeft();
});

only("rune", "its state is its own")(
  "a state that is broken is refused, and removed by force",
  async () => {
    await using sandbox = new Sandbox();
    for (const content of [
      "",
      "{",
      "[]",
      '{"schema":1}',
      '{"schema":-1}',
      '{"schema":999,"id":"a"}',
    ]) {
      const id = await sandbox.created({ linux: { cgroupsPath: `/${sandbox.mark}` } });
      const { pid } = await sandbox.state(id);
      writeFileSync(join(sandbox.stateRoot, id, "state.json"), content);
      const { status, stderr } = await sandbox.call(["state", id]);
      expect(status).toBe(1);
      expect(stderr).toMatch(/code=STATE_(CORRUPT|NEWER)/);
      expect((await sandbox.call(["list", "-q"])).stdout).toBe("");
      process.kill(pid, "SIGKILL"); // rune cannot know of it any more
      const forced = await sandbox.call(["delete", "--force", id]);
      expect(forced.status).toBe(content.includes("999") ? 1 : 0);
      await Bun.write(join(sandbox.stateRoot, id, "state.json"), "{").catch(() => 0);
      await sandbox.call(["delete", "--force", id]);
      Bun.spawnSync(["sh", "-c", `rmdir /sys/fs/cgroup/*/${sandbox.mark}`]);
    }
  },
);

except("crun", "1.8.1 wants them first")("flags may stand behind the id", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  await sandbox.must(["ps", id]);
  await sandbox.must(["kill", id, "KILL", "--all"]);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id, "--force"]);
  await sandbox.expectNothingLeft();
});
