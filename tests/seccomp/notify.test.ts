// SPDX-License-Identifier: Apache-2.0
/** System calls that an agent outside the container decides on: SCMP_ACT_NOTIFY. */
import { expect } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, shell } from "../support/bundle.ts";
import { eventually, Running } from "../support/command.ts";
import { listener } from "../support/probe.ts";
import { RootlessSandbox, test as testAsPerson } from "../support/rootless.ts";
import { comparison, except, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const notified = ["mkdir", "mkdirat", "openat"];

class Notifying extends Sandbox {
  readonly socket = join(this.path, "agent");
  readonly gift = join(this.path, "gift");

  /** Starts an agent for so many processes; ended with the test. */
  async agent(processes: number): Promise<Running> {
    writeFileSync(this.gift, "from outside\n");
    const words = ["agent", this.socket, String(processes), join(this.path, "message"), this.gift];
    const agent = new Running([await listener(), ...words]);
    await eventually("the agent listens", () => existsSync(this.socket));
    return agent;
  }

  /** The N-th message that the agent got, once it has written that down. */
  async message(n: number) {
    const file = join(this.path, `message.${n}`);
    return await eventually(`message ${n}`, () => {
      try {
        return JSON.parse(readFileSync(file, "utf8"));
      } catch {
        return undefined; // not there, or not whole
      }
    });
  }

  profile(names: readonly string[] = notified, more: JsonObject = {}): JsonObject {
    const syscalls = [{ names, action: "SCMP_ACT_NOTIFY" }];
    const seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86_64"],
      listenerPath: this.socket,
      listenerMetadata: "told: so",
      syscalls,
      ...more,
    };
    return { linux: { seccomp } };
  }
}

const script =
  "mkdir /tmp/a-fail; mkdir /tmp/b-fake && ls /tmp; mkdir /tmp/c && ls /tmp; cat /tmp/d-gift";

for (const noNewPrivileges of [true, false]) {
  test(`an agent fails, fakes, lets through and answers (${noNewPrivileges ? "" : "without "}no_new_privs)`, async () => {
    await using sandbox = new Notifying();
    using agent = await sandbox.agent(1);
    const result = await sandbox.run(sandbox.profile(), shell(script), {
      process: { noNewPrivileges },
    });
    expect(result.stderr).toContain("/tmp/a-fail': No medium found");
    expect(result.stdout).toBe("c\nfrom outside\n"); // b-fake is not there
    expect(await agent.exited()).toBe(0);
  });
}

// covers: linux.seccomp.listenerPath, linux.seccomp.listenerMetadata
except("crun", "1.8.1 loads the filter only at start")(
  "the agent gets the container process state",
  async () => {
    await using sandbox = new Notifying();
    using agent = await sandbox.agent(2);
    const annotations = { colour: "blue" };
    const sleeper = { process: { args: ["/bin/sleep", "1000"] }, annotations };
    const id = await sandbox.created(sandbox.profile(), sleeper);
    const { pid } = await sandbox.state(id);
    expect(await sandbox.message(0)).toMatchObject({
      fds: ["seccompFd"],
      pid,
      metadata: "told: so",
      state: { id, status: "creating", pid, bundle: sandbox.bundle.path, annotations },
    });
    expect(Object.keys(await sandbox.message(0)).toSorted()).toEqual(
      ["fds", "metadata", "ociVersion", "pid", "state"].toSorted(),
    );
    await sandbox.must(["start", id]);
    const pidFile = join(sandbox.path, "pid");
    await sandbox.must(["exec", "--detach", "--pid-file", pidFile, id, "/bin/sleep", "1000"]);
    const execPid = Number(readFileSync(pidFile, "utf8"));
    expect(execPid).not.toBe(pid);
    expect(await sandbox.message(1)).toMatchObject({
      fds: ["seccompFd"],
      pid: execPid,
      metadata: "told: so",
      state: { id, status: "running", pid, bundle: sandbox.bundle.path, annotations },
    });
    await sandbox.must(["delete", "--force", id]);
    expect(await agent.exited()).toBe(0);
  },
);

test("a program of exec is under the agent too", async () => {
  await using sandbox = new Notifying();
  using agent = await sandbox.agent(2);
  const id = await sandbox.started(sandbox.profile());
  const result = await sandbox.call(["exec", id, "/bin/sh", "-c", script]);
  expect(result.stderr).toContain("/tmp/a-fail': No medium found");
  expect(result.stdout).toBe("c\nfrom outside\n");
  await sandbox.must(["delete", "--force", id]);
  expect(await agent.exited()).toBe(0);
});

test("the runtime's own reads and closes may be notified of", async () => {
  await using sandbox = new Notifying();
  using agent = await sandbox.agent(1);
  const result = await sandbox.run(
    sandbox.profile(["read", "close", "openat"]),
    shell("cat /tmp/x-gift"),
  );
  expect(result.stdout).toBe("from outside\n");
  expect(await agent.exited()).toBe(0);
});

test("startContainer hooks run behind the filter", async () => {
  await using sandbox = new Notifying();
  using agent = await sandbox.agent(1);
  const args = ["sh", "-c", "/bin/mkdir /tmp/hook-fake && ! test -e /tmp/hook-fake"];
  const result = await sandbox.run(sandbox.profile(), shell("echo ran"), {
    hooks: { startContainer: [{ path: "/bin/sh", args }] },
  });
  expect(result).toEqual({ status: 0, stdout: "ran\n", stderr: "" });
  expect(await agent.exited()).toBe(0);
});

// covers: hooks.startContainer, process.noNewPrivileges
for (const noNewPrivileges of [false, true]) {
  test(`so they do where nothing notifies, no_new_privs ${noNewPrivileges}`, async () => {
    await using sandbox = new Sandbox();
    const args = ["sh", "-c", "mkdir /tmp/made"];
    const syscalls = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL" }];
    const result = await sandbox.run(shell("echo ran"), {
      process: { noNewPrivileges },
      linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls } },
      hooks: { startContainer: [{ path: "/bin/sh", args }] },
    });
    expect([result.status, result.stdout]).toEqual([1, ""]);
    expect(existsSync(join(sandbox.bundle.rootfs, "tmp/made"))).toBe(false);
  });
}

test("without an agent nothing starts, and nothing is left", async () => {
  await using sandbox = new Notifying();
  sandbox.configure(sandbox.profile());
  for (const verb of [["create"], ["run"], ["run", "--detach"]]) {
    const failed = await sandbox.call([...verb, sandbox.id()]);
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain(sandbox.socket);
    await sandbox.expectNothingLeft();
  }
});

except("crun", "1.8.1 asks for the agent in any case")(
  "a listener that no rule uses needs no agent",
  async () => {
    await using sandbox = new Notifying();
    const syscalls = [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO" }];
    const profile = sandbox.profile([], { syscalls });
    expect((await sandbox.run(profile, shell("echo ran"))).stdout).toBe("ran\n");
  },
);

const flags = ["LOG", "SPEC_ALLOW", "TSYNC"].map((name) => `SECCOMP_FILTER_FLAG_${name}`);
only("rune", "1.1.5 takes no such flags with a listener")("flags beside notification", async () => {
  await using sandbox = new Notifying();
  using agent = await sandbox.agent(1);
  const result = await sandbox.run(
    sandbox.profile(notified, { flags }),
    shell("mkdir /tmp/a-fail"),
  );
  expect(result.stderr).toContain("No medium found");
  expect(await agent.exited()).toBe(0);
});

only("rune", "Debian's runc 1.1.5 does not know the flag")("WAIT_KILLABLE_RECV", async () => {
  await using sandbox = new Notifying();
  using agent = await sandbox.agent(1);
  const killable = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];
  const profile = sandbox.profile(notified, { flags: killable });
  expect((await sandbox.run(profile, shell("mkdir /tmp/a-fail"))).stderr).toContain("No medium");
  expect(await agent.exited()).toBe(0);
});

const refused: readonly [string, (sandbox: Notifying) => JsonObject][] = [
  [
    "as the default action",
    (s) => s.profile([], { defaultAction: "SCMP_ACT_NOTIFY", syscalls: [] }),
  ],
  ["of write", (s) => s.profile(["mkdir", "write"])],
  ["without a listener", (s) => s.profile(notified, { listenerPath: "" })],
];
for (const [what, profile] of refused) {
  const judged = what === "without a listener" ? test : except("crun", "1.8.1 does not refuse it");
  judged(`notification ${what} is refused`, async () => {
    await using sandbox = new Notifying();
    // With an agent there, nothing else can be the reason.
    using agent = await sandbox.agent(1);
    const failed = await sandbox.run(profile(sandbox), shell("echo ran"));
    expect(failed.stdout).toBe("");
    expect(failed.status).toBe(1);
    if (runtimeName === "rune") expect(failed.stderr).toMatch(/CONFIG_INVALID/);
    agent.kill("SIGKILL");
    await agent.exited();
    await sandbox.expectNothingLeft();
  });
}

comparison("rune and runc send the same message, but for versions and pids", async () => {
  const sent: object[] = [];
  for (const runtime of ["rune", "runc"] as const) {
    await using sandbox = new Notifying(runtime);
    using agent = await sandbox.agent(1);
    const id = await sandbox.created(sandbox.profile(), { annotations: { colour: "blue" } });
    const { ociVersion: _, pid, state, ...rest } = await sandbox.message(0);
    expect(state.pid).toBe(pid);
    const { ociVersion: __, pid: ___, id: ____, bundle: _____, ...stable } = state;
    sent.push({ ...rest, state: stable });
    await sandbox.must(["delete", "--force", id]);
    expect(await agent.exited()).toBe(0);
  }
  expect(sent[0]).toEqual(sent[1] ?? {});
});

testAsPerson(
  "an ordinary user's container has its agent, which gets the programs of exec, too",
  async () => {
    // runc 1.1.5 may not take the listener of an exec'ed process (SYS_PIDFD_GETFD: EPERM).
    const further = runtimeName === "rune";
    await using sandbox = new RootlessSandbox();
    const socket = join(sandbox.runtimeDirectory, "agent");
    const gift = join(sandbox.runtimeDirectory, "gift");
    writeFileSync(gift, "from outside\n");
    const words = ["agent", socket, further ? "3" : "1", join(sandbox.runtimeDirectory, "message")];
    using agent = new Running(sandbox.as([await listener(), ...words, gift]));
    await eventually("the agent listens", () => existsSync(socket));
    await sandbox.must(["spec", "--rootless"]);
    const path = join(sandbox.bundle.path, "config.json");
    const { linux, process, ...config } = JSON.parse(readFileSync(path, "utf8"));
    rmSync(path);
    const seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86_64"],
      listenerPath: socket,
      syscalls: [{ names: notified, action: "SCMP_ACT_NOTIFY" }],
    };
    sandbox.configureExactly({
      ...config,
      linux: { ...linux, seccomp },
      process: { ...process, terminal: false, args: ["/bin/sleep", "1000"] },
      root: { path: "rootfs" },
    });
    const id = sandbox.id();
    await sandbox.must(["run", "--detach", id]);
    if (further) {
      const result = await sandbox.call(["exec", id, "/bin/sh", "-c", script]);
      expect(result.stderr).toContain("/tmp/a-fail': No medium found");
      expect(result.stdout).toBe("c\nfrom outside\n");
      const listed = await sandbox.must([
        "exec",
        id,
        "/bin/sh",
        "-c",
        "cd /proc/self/fd && echo *",
      ]);
      expect(listed.stdout).toBe("0 1 2 3\n");
    }
    await sandbox.must(["delete", "--force", id]);
    expect(await agent.exited()).toBe(0);
  },
);
