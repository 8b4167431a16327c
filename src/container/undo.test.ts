// SPDX-License-Identifier: Apache-2.0
/**
 * Every call of a verb fails once, each in a run of its own: whatever it was, nothing is left of the
 * container. This finds the call after which somebody forgot to clean up.
 */
import { expect, test } from "bun:test";
import { EIO } from "../kernel/constants.ts";
import { Executed } from "../kernel/reactions.ts";
import { create } from "./create.ts";
import { exec } from "./exec.ts";
import {
  type Answers,
  existing,
  failedMessage,
  fakeHost,
  type Host,
  initPid,
  pidMessage,
  root,
} from "./fake-host.ts";
import { run } from "./run.ts";

const config = (terminal: boolean) => ({
  process: {
    terminal,
    user: { uid: 0, gid: 0 },
    args: ["sh"],
    cwd: "/",
  },
  hostname: "",
  linux: {
    resources: { memory: { limit: 1048576 } },
    namespaces: [{ type: "pid" }, { type: "mount" }, { type: "network", path: "/ns/net" }],
  },
});

function host(terminal: boolean, answers?: Answers): Host {
  const made = fakeHost(config(terminal), answers);
  made.kernel.file("/ns/net", "");
  made.kernel.given(3, "preserved");
  return { ...made, deps: { ...made.deps, openDescriptors: new Set([3]) } };
}

const request = {
  id: "web",
  bundle: "/bundle",
  pidFile: "/run/pid",
  noPivot: false,
  noNewKeyring: true,
  preserveFds: 0,
  listeningFds: 0,
};

type Verb = (host: Host) => Promise<void>;
const verbs: Record<string, { readonly terminal: boolean; readonly verb: Verb }> = {
  create: { terminal: false, verb: ({ deps }) => create(deps, request) },
  "create with a terminal": {
    terminal: true,
    verb: ({ deps }) => create(deps, { ...request, consoleSocket: "/run/console" }),
  },
  "run --detach": {
    terminal: false,
    verb: ({ deps }) => run(deps, { ...request, detach: true, subreaper: true, keep: false }),
  },
  "run with a terminal": {
    terminal: true,
    verb: ({ deps }) => run(deps, { ...request, detach: false, subreaper: true, keep: false }),
  },
};

/** What there is of a container on the host. */
function remains({ kernel }: Host) {
  const processes = kernel.below("/proc").filter((path) => path === `/proc/${initPid}/stat`);
  const cgroups = [...kernel.below("/cg/memory"), ...kernel.below("/cg/unified")];
  return {
    open: kernel.openNames(),
    files: kernel.below(root),
    cgroups: cgroups.filter((path) => path.includes("/web")),
    processes,
    temporary: kernel.below("/run").filter((path) => /^\/run\/(pid$|\.)/.test(path)),
  };
}
const nothing = { open: ["preserved"], files: [], cgroups: [], processes: [], temporary: [] };

/** The number of calls of a run in which nothing fails. */
async function calls(terminal: boolean, verb: Verb): Promise<number> {
  const whole = host(terminal);
  whole.kernel.reactions.execute = () => {
    total = whole.kernel.fallible; // what comes after is the fake's way out of execute
  };
  let total = 0;
  await verb(whole).catch((error) => expect(error).toBeInstanceOf(Executed));
  return total === 0 ? whole.kernel.fallible : total;
}

for (const [name, { terminal, verb }] of Object.entries(verbs)) {
  test(`${name}: whichever call fails, nothing is left`, async () => {
    const total = await calls(terminal, verb);
    expect(total).toBeGreaterThan(40);
    for (let call = 1; call <= total; call++) {
      const broken = host(terminal);
      broken.kernel.failCall(call, EIO);
      const failure: unknown = await verb(broken).catch((error: unknown) => error);
      const at = `call ${call}: ${broken.kernel.calls.join("\n")}`;
      expect(failure, at).toMatchObject({ errno: EIO });
      expect(remains(broken), at).toEqual(nothing);
      expect(broken.warnings, at).toEqual([]);
    }
  });
}

test("a terminal's console and our own descriptors are closed when create succeeds", async () => {
  const whole = host(true);
  await create(whole.deps, { ...request, consoleSocket: "/run/console" });
  expect(whole.kernel.openNames()).toEqual(["preserved"]);
  expect(whole.kernel.text("/run/pid")).toBe(String(initPid));
  expect(remains(whole).temporary).toEqual(["/run/pid"]);
});

test("preserved descriptors are handed over, and only what the caller had open", async () => {
  const whole = host(false);
  await create(whole.deps, { ...request, preserveFds: 1 });
  expect(whole.kernel.calls).toContain("setInherited preserved true");
  expect(whole.kernel.openNames()).toEqual([]);
  const other = host(false);
  await expect(create(other.deps, { ...request, preserveFds: 2 })).rejects.toThrow(
    "descriptor 4 is not open",
  );
  expect(remains(other)).toEqual(nothing);
});

const hostile: Record<string, Answers> = {
  "the end of the channel": () => [],
  "a failure": () => [failedMessage(0, 13, "mount `/proc`", "Permission denied")],
  "a pid, then the end": () => [pidMessage(initPid)],
  "a pid that is no child of rune's": (kernel) => {
    kernel.process(1, { parent: 0 });
    return [pidMessage(1), readyPacket];
  },
  "a pid of nobody": () => [pidMessage(0xffffffff), readyPacket],
  "an unknown message": () => [new Uint8Array([99, 0, 0, 0, 0, 0, 0, 0])],
  "half a message": () => [pidMessage(initPid).slice(0, 11)],
  "a message that is too long": () => [new Uint8Array(65537)],
};
const readyPacket = new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0]);

for (const [name, answers] of Object.entries(hostile)) {
  test(`runelet answers with ${name}: nothing is left, and nobody else killed`, async () => {
    const broken = host(false, answers);
    const failure: unknown = await create(broken.deps, request).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: name === "a failure" ? "SYSCALL" : "RUNELET" });
    expect(remains(broken)).toEqual(nothing);
    expect(broken.kernel.signals).toEqual([]);
    expect(broken.kernel.text("/run/pid")).toBeUndefined();
  });
}

test("a cgroup with processes in it is refused and left alone", async () => {
  const busy = host(false);
  busy.kernel.mkdir("/cg/memory/web", 0o755);
  busy.kernel.file("/cg/memory/web/cgroup.procs", "77\n").process(77);
  await expect(create(busy.deps, request)).rejects.toThrow("it is not empty: 1 processes");
  expect(busy.kernel.signals).toEqual([]);
  expect(busy.kernel.text("/cg/memory/web/cgroup.procs")).toBe("77\n");
  expect(remains(busy).files).toEqual([]);
});

test("an undo that fails says what has to be done, and the first failure stays the error", async () => {
  const broken = host(false, () => []);
  broken.kernel.fail("rmdir /cg/memory/web", EIO);
  await expect(create(broken.deps, request)).rejects.toThrow("it died without a word");
  expect(broken.warnings).toEqual([
    "`rune delete --force web` has to finish this: rmdir /cg/memory/web: input/output error",
  ]);
  expect(broken.kernel.openNames()).toEqual(["preserved"]);
});

test("an init that the kernel killed for want of memory is told from one that died otherwise", async () => {
  const small = host(false, (kernel) => {
    kernel.file("/cg/memory/web/memory.oom_control", "under_oom 0\noom_kill 1\n");
    return [];
  });
  await expect(create(small.deps, request)).rejects.toMatchObject({
    code: "CGROUP",
    reason: "memory ran out within the limit of 1048576 bytes, and the kernel killed it",
    hint: expect.stringContaining("memory.limit"),
  });
});

test("exec: whichever call fails, nothing of it is left", async () => {
  for (const detach of [false, true]) {
    const attempt = (broken: Host) =>
      exec(broken.deps, {
        id: "web",
        process: () => ({ user: { uid: 0, gid: 0 }, args: ["ls"], cwd: "/", terminal: !detach }),
        pidFile: "/run/pid",
        detach,
        subreaper: true,
        preserveFds: 0,
        ignorePaused: false,
        cgroups: [],
      });
    const execPid = 4243;
    const answers: Answers = (kernel) => {
      kernel.process(execPid);
      return [pidMessage(execPid), readyPacket];
    };
    const container = () => {
      const made = host(false, answers);
      existing(made);
      return made;
    };
    const whole = container();
    const before = whole.kernel.fallible;
    let total = 0;
    whole.kernel.reactions.execute = () => {
      total = whole.kernel.fallible - before;
    };
    await attempt(whole).catch((error) => expect(error).toBeInstanceOf(Executed));
    if (detach) total = whole.kernel.fallible - before;
    expect(total).toBeGreaterThan(20);
    for (let call = 1; call <= total; call++) {
      const broken = container();
      broken.kernel.failCall(broken.kernel.fallible + call, EIO);
      const failure: unknown = await attempt(broken).catch((error: unknown) => error);
      const at = `call ${call}: ${broken.kernel.calls.join("\n")}`;
      expect(failure, at).toMatchObject({ errno: EIO });
      expect(remains(broken).open, at).toEqual(["preserved"]);
      expect(remains(broken).temporary, at).toEqual([]);
      expect(broken.kernel.text(`${root}/web/state.json`), at).toBeDefined();
    }
  }
});
