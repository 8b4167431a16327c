// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EIO } from "../kernel/constants.ts";
import { enclaveEvents, events, statistics } from "./events.ts";
import { existing, fakeHost, type Host, initPid, root } from "./fake-host.ts";
import { noteEnclaveEnd, noteEnclaveStart } from "./journal.ts";

/** A container whose memory version 1 counts. */
function v1(): Host {
  const host = fakeHost();
  existing(host);
  for (const name of ["memory.oom_control", "cgroup.event_control"]) {
    host.kernel.file(`/cg/memory/web/${name}`, "");
  }
  return host;
}

function v2(): Host {
  const host = fakeHost();
  existing(host, { cgroup: [{ version: 2, controllers: [], path: "/cg/unified/web" }] });
  host.kernel.file("/cg/unified/web/memory.events", "max 0\noom_kill 0\n");
  return host;
}

/** What is told, while the waits find these ready, one after the other; then init has ended. */
async function told(host: Host, waits: readonly (readonly string[])[]): Promise<string[]> {
  const left = [...waits, [`pidfd:${initPid}`]];
  let now: readonly string[] = [];
  host.kernel.reactions.wait = (names) => {
    // Asking once more what was ready is no further wait.
    if (names.includes(`pidfd:${initPid}`)) now = left.shift() ?? [];
    return now;
  };
  const found: string[] = [];
  await events(host.deps, "web", 1000, ({ type }) => found.push(type));
  expect(host.kernel.openNames()).toEqual([]);
  return found;
}

test("statistics at every interval, until the init ends", async () => {
  expect(await told(v1(), [[], []])).toEqual(["stats", "stats"]);
  expect(await told(v2(), [[]])).toEqual(["stats"]);
});

test("version 1: memory runs out, also as the init's end; a cgroup that is gone is the end", async () => {
  expect(await told(v1(), [["event"], []])).toEqual(["oom", "stats"]);
  const last = v1();
  expect(await told(last, [["event", `pidfd:${initPid}`]])).toEqual(["oom"]);
  expect(last.kernel.text("/cg/memory/web/cgroup.event_control")).toMatch(/^\d+ \d+$/);
  const gone = v1();
  gone.kernel.reactions.sleep = () => gone.kernel.unlink("/cg/memory/web/cgroup.event_control");
  expect(await told(gone, [[], ["event"]])).toEqual(["stats"]);
});

test("version 2: memory.events says how often", async () => {
  const host = v2();
  const counts = [2, 3];
  host.kernel.reactions.sleep = () => {
    host.kernel.file("/cg/unified/web/memory.events", `max 0\noom_kill ${counts.shift() ?? 3}\n`);
  };
  const changed = ["/cg/unified/web/memory.events"];
  expect(await told(host, [[], changed, [], changed])).toEqual([
    "stats",
    "oom",
    "oom",
    "stats",
    "oom",
  ]);
});

test("a container that has ended is refused", async () => {
  const host = fakeHost();
  existing(host, {}, false);
  await expect(events(host.deps, "web", 1000, () => {})).rejects.toThrow("container not running");
  expect(() => statistics(host.deps, "web", () => {})).toThrow("container not running");
  expect(() => statistics(fakeHost().deps, "web", () => {})).toThrow("does not exist");
});

test("every call that fails closes what was opened", async () => {
  const whole = v1();
  await told(whole, [["event"], []]);
  for (let call = 1; call <= whole.kernel.fallible; call++) {
    const broken = v1();
    broken.kernel.failCall(broken.kernel.fallible + call, EIO);
    await told(broken, [["event"], []]).catch((error: unknown) => {
      expect(String(error)).toContain("input/output error");
    });
    expect(broken.kernel.openNames(), `${root} ${call}`).toEqual([]);
  }
});

const pal = {
  type: "intelSgx",
  platform: "hardware",
  platformChosenBy: "x",
  pal: "/pal.so",
} as const;
const phases = { prepare: 1, launch: 2, attest: 0 };

test("an enclave's start comes first and its end last, where they are asked for", async () => {
  for (const withEnclave of [true, false]) {
    const host = fakeHost();
    const cgroup = [{ version: 2, controllers: [], path: "/cg/unified/web" }] as const;
    existing(host, { enclave: pal, cgroup });
    host.kernel.file("/cg/unified/web/memory.events", "max 0\noom_kill 0\n");
    noteEnclaveEnd(host.deps, "web"); // an earlier one's of that name
    noteEnclaveStart(host.deps, "web", "hardware", phases);
    noteEnclaveStart(host.deps, "db", "hardware", phases);
    host.kernel.reactions.wait = (names) => names.filter((name) => name === `pidfd:${initPid}`);
    const found: string[] = [];
    const emit = ({ type, id }: { type: string; id: string }) => void found.push(`${type} ${id}`);
    await events(host.deps, "web", 1000, emit, withEnclave);
    expect(found).toEqual(withEnclave ? ["enclave-started web", "enclave-ended web"] : []);
  }
});

test("all enclaves' events, each once", async () => {
  const host = fakeHost();
  existing(host);
  noteEnclaveStart(host.deps, "web", "hardware", phases);
  const found: string[] = [];
  const emit = ({ type, id }: { type: string; id: string }) => void found.push(`${type} ${id}`);
  await enclaveEvents(host.deps, undefined, emit);
  expect(found.splice(0)).toEqual(["enclave-started web"]);
  let looks = 0;
  Object.assign(host.kernel, {
    sleepMs: () => {
      if (looks++ === 2) throw new Error("enough");
      noteEnclaveEnd(host.deps, `web-${looks}`);
    },
  });
  expect(enclaveEvents(host.deps, 100, emit)).rejects.toThrow("enough");
  await Bun.sleep(0);
  expect(found).toEqual(["enclave-started web", "enclave-ended web-1", "enclave-ended web-2"]);
});
