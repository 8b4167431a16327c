// SPDX-License-Identifier: Apache-2.0
/** The six kinds of hooks: where and when they run, what they are told, what their failure does. */
import { expect } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Json, JsonObject } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { except, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const names = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;
type Name = (typeof names)[number];

/** What a hook has left in the log, one JSON object a line. */
type Record = {
  readonly name: Name;
  readonly state: { status: string; pid?: number; id: string; bundle: string };
  readonly namespaces: string;
  readonly cwd: string;
  readonly env: string;
};

/**
 * Hooks that write down what they see. The log is bound into the container at its own path, so that
 * all six can write it; what they need is the shell of the bundle, which is there on both sides.
 */
class Hooked extends Sandbox {
  readonly log: string;

  constructor() {
    super();
    mkdirSync(join(this.path, "log"));
    chmodSync(join(this.path, "log"), 0o777);
    this.log = join(this.path, "log/hooks");
    writeFileSync(this.log, "");
    chmodSync(this.log, 0o666);
  }

  /** The hook that records; `then` follows in its script. */
  hook(name: Name, then = "", more: JsonObject = {}): JsonObject {
    const script = [
      "state=$(cat)",
      'ns="$(readlink /proc/self/ns/mnt) $(readlink /proc/self/ns/uts)"',
      `echo "{\\"name\\":\\"${name}\\",\\"state\\":$state,\\"namespaces\\":\\"$ns\\",` +
        `\\"cwd\\":\\"$(pwd)\\",\\"env\\":\\"$MARK$HOME\\"}" >> ${this.log}`,
      then,
    ].join("\n");
    return {
      path: "/bin/busybox",
      args: ["busybox", "sh", "-c", script],
      env: [`MARK=${name}`, "PATH=/bin:/usr/bin"],
      ...more,
    };
  }

  hooks(over: Partial<{ [name in Name]: readonly Json[] }> = {}): JsonObject {
    const all = Object.fromEntries(names.map((name) => [name, over[name] ?? [this.hook(name)]]));
    const log = join(this.path, "log");
    return {
      hooks: all,
      annotations: { colour: "blue" },
      mounts: [
        { destination: "/proc", type: "proc", source: "proc" },
        { destination: "/dev", type: "tmpfs", source: "tmpfs" },
        { destination: log, type: "bind", source: log, options: ["bind", "rw"] },
      ],
    };
  }

  records(): Record[] {
    const lines = readFileSync(this.log, "utf8").split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line));
  }

  ran(): Name[] {
    return this.records().map(({ name }) => name);
  }

  of(name: Name): Record {
    const found = this.records().find((record) => record.name === name);
    if (found === undefined) throw new Error(`${name} has not run`);
    return found;
  }
}

const own = () => `${readlinkSync("/proc/self/ns/mnt")} ${readlinkSync("/proc/self/ns/uts")}`;
const beforeStart: readonly Name[] = ["prestart", "createRuntime", "createContainer"];

// runc 1.1 runs poststart hooks when it has created the container (mended in 1.3).
const poststartAtStart = only("rune", "runc 1.1 runs poststart hooks in create");

// covers: hooks.prestart, hooks.createRuntime, hooks.createContainer, hooks.startContainer, hooks.poststart, hooks.poststop
test("create, start and delete run hooks in the order of the specification", async () => {
  await using sandbox = new Hooked();
  const id = await sandbox.created(sandbox.hooks());
  expect(
    sandbox
      .ran()
      .filter((name) => name !== "poststart")
      .join(" "),
  ).toBe(beforeStart.join(" "));
  await sandbox.must(["start", id]);
  await eventually("startContainer has run", () => sandbox.ran().includes("startContainer"));
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  expect(sandbox.ran()).not.toContain("poststop");
  await sandbox.must(["delete", id]);
  expect(sandbox.ran().toSorted()).toEqual([...names].toSorted());
  expect(sandbox.ran().at(-1)).toBe("poststop");
});

poststartAtStart("poststart hooks run once the program does, before start comes back", async () => {
  await using sandbox = new Hooked();
  const slow = sandbox.hook("startContainer", "sleep 0.3");
  const id = await sandbox.created(sandbox.hooks({ startContainer: [slow] }));
  expect(sandbox.ran()).toEqual([...beforeStart]);
  await sandbox.must(["start", id]);
  expect(sandbox.ran()).toEqual([...beforeStart, "startContainer", "poststart"]);
});

except("crun", "1.8.1 tells startContainer hooks that the bundle is /")(
  "what hooks are told",
  async () => {
    await using sandbox = new Hooked();
    const id = await sandbox.created(sandbox.hooks());
    const { pid } = await sandbox.state(id);
    await sandbox.must(["start", id]);
    await eventually("hooks have run", () => sandbox.ran().length === 5);
    await sandbox.must(["delete", "--force", id]);
    for (const name of names) {
      expect(sandbox.of(name).state, name).toMatchObject({
        id,
        bundle: sandbox.bundle.path,
        annotations: { colour: "blue" },
      });
    }
    const told = (name: Name) => {
      const { status, pid } = sandbox.of(name).state;
      return { status, pid };
    };
    expect(told("prestart")).toEqual({ status: "creating", pid });
    expect(told("createRuntime")).toEqual({ status: "creating", pid });
    expect(told("createContainer")).toEqual({ status: "creating", pid: 1 });
    expect(told("startContainer")).toEqual({ status: "created", pid: 1 });
    expect(told("poststart").pid).toBe(pid);
    if (runtimeName === "rune") expect(told("poststart").status).toBe("running");
    const { status, pid: last = 0 } = sandbox.of("poststop").state;
    expect({ status, last }).toEqual({ status: "stopped", last: 0 });
  },
);

// covers: hook.path, hook.args, hook.env
except("crun", "it runs here in a mount namespace of its own, see callOf")(
  "where hooks run: namespaces, directory, environment",
  async () => {
    await using sandbox = new Hooked();
    const id = await sandbox.started(sandbox.hooks(), { process: { cwd: "/tmp" } });
    await eventually("hooks have run", () => sandbox.ran().length === 5);
    const { pid } = await sandbox.state(id);
    const inside = `${readlinkSync(`/proc/${pid}/ns/mnt`)} ${readlinkSync(`/proc/${pid}/ns/uts`)}`;
    await sandbox.must(["delete", "--force", id]);
    for (const name of names) {
      const contained = name === "createContainer" || name === "startContainer";
      expect(sandbox.of(name).namespaces, name).toBe(contained ? inside : own());
      expect(sandbox.of(name).env, name).toBe(name); // its own variable, and no HOME of anybody's
    }
    expect(sandbox.of("prestart").cwd).toBe(sandbox.bundle.path);
    expect(sandbox.of("createRuntime").cwd).toBe(sandbox.bundle.path);
    expect(sandbox.of("createContainer").cwd).toBe(sandbox.bundle.rootfs);
    expect(sandbox.of("startContainer").cwd).toBe("/tmp");
  },
);

test("a createContainer hook still sees the host's files; its mounts are the container's", async () => {
  await using sandbox = new Hooked();
  const into = join(sandbox.bundle.rootfs, "mnt");
  const hook = sandbox.hook(
    "createContainer",
    `mount -t tmpfs hooked ${into} && touch ${into}/here`,
  );
  sandbox.configure(sandbox.hooks({ createContainer: [hook] }), {
    process: { args: ["/bin/ls", "/mnt"] },
  });
  expect((await sandbox.must(["run", sandbox.id()])).stdout).toBe("here\n");
  expect(existsSync(join(into, "here"))).toBe(false);
});

test("a foreground run runs them all, poststop hooks last", async () => {
  await using sandbox = new Hooked();
  sandbox.configure(sandbox.hooks(), { process: { args: ["/bin/sh", "-c", "exit 7"] } });
  expect((await sandbox.call(["run", sandbox.id()])).status).toBe(7);
  expect(sandbox.ran().toSorted()).toEqual([...names].toSorted());
  expect(sandbox.ran().at(-1)).toBe("poststop");
});

test("a hook without arguments, and hooks one after the other", async () => {
  await using sandbox = new Hooked();
  const path = join(sandbox.path, "plain");
  writeFileSync(path, `#!/bin/sh\necho "plain $#" > ${sandbox.path}/said\n`, { mode: 0o755 });
  const last = sandbox.hook("createRuntime", `cat ${sandbox.path}/said`);
  await sandbox.created(sandbox.hooks({ createRuntime: [{ path }, last] }));
  expect(readFileSync(join(sandbox.path, "said"), "utf8")).toBe("plain 0\n");
});

for (const name of ["prestart", "createRuntime", "createContainer"] as const) {
  for (const verb of ["create", "run", "run --detach"]) {
    except("crun", "1.8.1 drops what a hook says, and exits with 255")(
      `${verb}: a failed ${name} hook ends it, poststop hooks run, nothing is left`,
      async () => {
        await using sandbox = new Hooked();
        sandbox.configure(sandbox.hooks({ [name]: [sandbox.hook(name, "echo no way; exit 9")] }));
        const failed = await sandbox.call([...verb.split(" "), sandbox.id()]);
        expect(failed.status).toBe(1);
        expect(failed.stderr).toContain("no way");
        if (runtimeName === "rune") {
          expect(failed.stderr).toMatch(/hook.*exit status 9: no way/);
          expect(failed.stderr).toContain("code=HOOK_FAILED");
        }
        expect(sandbox.ran()).not.toContain("startContainer");
        expect(sandbox.ran().at(-1)).toBe("poststop");
        await sandbox.expectNothingLeft();
      },
    );
  }
}

// runc 1.1 leaves the error to the init, which nobody hears any more.
only("rune", "runc 1.1 exits with 0")(
  "run: a failed startContainer hook is told of, poststop hooks run",
  async () => {
    await using sandbox = new Hooked();
    const hook = sandbox.hook("startContainer", "echo no way; exit 9");
    for (const verb of [["run"], ["run", "--detach"]]) {
      sandbox.configure(sandbox.hooks({ startContainer: [hook] }));
      const failed = await sandbox.call([...verb, sandbox.id()]);
      expect(failed.status).toBe(1);
      expect(failed.stderr).toContain("exit status 9: no way");
      expect(failed.stderr.match(/level=error/g)).toHaveLength(1);
      expect(sandbox.ran()).not.toContain("poststart");
      expect(sandbox.ran().at(-1)).toBe("poststop");
      await sandbox.expectNothingLeft();
    }
  },
);

test("start: after a failed startContainer hook the program does not run", async () => {
  await using sandbox = new Hooked();
  const hook = sandbox.hook("startContainer", "exit 9");
  const id = await sandbox.created(sandbox.hooks({ startContainer: [hook] }));
  await sandbox.call(["start", id]);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
  expect(sandbox.ran().at(-1)).toBe("poststop");
});

// Runtime specification 1.2.1 and runc 1.3: it is an error.
poststartAtStart("a failed poststart hook fails start and kills the program", async () => {
  await using sandbox = new Hooked();
  const failing = [sandbox.hook("poststart", "echo too late; exit 9")];
  const id = await sandbox.created(sandbox.hooks({ poststart: failing }));
  const failed = await sandbox.call(["start", id]);
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain("exit status 9: too late");
  await sandbox.reaches(id, "stopped");
  for (const verb of [["run"], ["run", "--detach"]]) {
    const { status, stderr } = await sandbox.call([...verb, sandbox.id()]);
    expect(status).toBe(1);
    expect(stderr).toContain("exit status 9: too late");
    expect(sandbox.ran().at(-1)).toBe("poststop");
  }
});

// Runtime specification, "Lifecycle", 13: a warning. runc gives its exit status 1.
only("rune", "runc fails where the specification wants a warning")(
  "a failed poststop hook is a warning, and the next one runs",
  async () => {
    await using sandbox = new Hooked();
    const poststop = [
      sandbox.hook("poststop", "echo never mind; exit 9"),
      sandbox.hook("poststop"),
    ];
    const id = await sandbox.created(sandbox.hooks({ poststop }));
    const deleted = await sandbox.must(["delete", "--force", id]);
    expect(deleted.stderr).toMatch(/level=warning .*exit status 9: never mind/);
    expect(sandbox.ran().filter((name) => name === "poststop")).toHaveLength(2);
    sandbox.configure(sandbox.hooks({ poststop }));
    const log = join(sandbox.path, "rune.log");
    const run = await sandbox.must(["--log", log, "run", sandbox.id()]);
    expect(run.stderr).toBe("");
    expect(readFileSync(log, "utf8")).toMatch(/level=warning .*exit status 9: never mind/);
    expect(sandbox.ran().filter((name) => name === "poststop")).toHaveLength(4);
  },
);

only("rune", "runc and crun run them a second time")(
  "poststop hooks run once where a container is deleted under its foreground run",
  async () => {
    await using sandbox = new Hooked();
    sandbox.configure(sandbox.hooks({ poststop: [sandbox.hook("poststop")] }), {
      process: { args: ["/bin/sleep", "900"] },
    });
    const id = sandbox.id();
    using running = sandbox.begin(["run", id]);
    await sandbox.reaches(id, "running");
    await sandbox.must(["delete", "--force", id]);
    expect(await running.exited()).toBe(137);
    expect(sandbox.ran().filter((name) => name === "poststop")).toHaveLength(1);
  },
);

// covers: hook.timeout
test("a hook that takes too long is killed, and fails", async () => {
  await using sandbox = new Hooked();
  for (const name of ["createRuntime", "createContainer"] as const) {
    const pid = join(sandbox.path, "log", name);
    const slow = sandbox.hook(name, `echo $$ > ${pid}; exec sleep 1000`, { timeout: 1 });
    sandbox.configure(sandbox.hooks({ [name]: [slow] }));
    const failed = await sandbox.call(["create", sandbox.id()]);
    expect(failed.status).toBe(1);
    // createContainer's is a pid of the container, which is gone.
    const hook = Number(readFileSync(pid, "utf8"));
    if (name === "createRuntime") expect(existsSync(`/proc/${hook}`)).toBe(false);
    await sandbox.expectNothingLeft();
  }
});

only("rune", "runc 1.1 leaves the cgroups of such a container")(
  "delete --force of a container whose maker was killed in a hook",
  async () => {
    await using sandbox = new Hooked();
    const marker = join(sandbox.path, "log/waiting");
    const hook = sandbox.hook("createRuntime", `echo $$ > ${marker}; exec sleep 1000`);
    sandbox.configure(sandbox.hooks({ createRuntime: [hook] }));
    const id = sandbox.id();
    using creating = sandbox.begin(["create", id]);
    await eventually("the hook runs", () => existsSync(marker) && readFileSync(marker, "utf8"));
    creating.kill("SIGKILL");
    await creating.exited();
    await sandbox.must(["delete", "--force", id]);
    expect(sandbox.ran().at(-1)).toBe("poststop");
    process.kill(Number(readFileSync(marker, "utf8")), "SIGKILL"); // its maker's, not the container's
  },
);
