// SPDX-License-Identifier: Apache-2.0
/** events: statistics in runc's shape, running out of memory, and the end. */
import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { hierarchies } from "../cgroups/files.ts";
import { UnifiedSandbox, withoutView } from "../cgroups/unified-view.ts";
import { shell } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { comparison, except, needs, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

type Json = { readonly [key: string]: Json } | readonly Json[] | string | number | boolean | null;
type Event = { readonly type: string; readonly id: string; readonly data?: Json };

const parsed = (text: string): Event[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Every key by its path, in order; what is in a list counts once. */
function keysOf(value: Json, path = ""): string[] {
  if (Array.isArray(value)) {
    return [...new Set(value.flatMap((one: Json) => keysOf(one, `${path}[]`)))];
  }
  if (typeof value !== "object" || value === null) return [path];
  const entries = Object.entries(value);
  return entries.length === 0
    ? [path]
    : entries.flatMap(([key, one]) => keysOf(one, `${path}.${key}`));
}

/** Busy for long enough that every counter counts. */
const busy = shell(
  "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; touch /tmp/ready; exec sleep 1000",
);
const limits = {
  linux: {
    resources: {
      memory: { limit: 64 << 20 },
      pids: { limit: 50 },
      cpu: { quota: 50_000, period: 100_000 },
    },
  },
};

async function statistics(sandbox: Sandbox): Promise<Event> {
  const id = await sandbox.started(busy, limits);
  const ready = join(sandbox.bundle.rootfs, "tmp/ready");
  await eventually("it was busy", () => Bun.file(ready).exists());
  const [event, ...more] = parsed((await sandbox.must(["events", "--stats", id])).stdout);
  expect(more).toEqual([]);
  expect(event).toMatchObject({ type: "stats", id });
  return event as Event;
}

// covers: events --stats
except("crun", "has no such verb")("statistics are of this container", async () => {
  await using sandbox = new Sandbox();
  const { data } = await statistics(sandbox);
  expect(data).toMatchObject({
    cpu: { usage: { total: expect.any(Number) } },
    memory: { usage: { limit: 64 << 20, usage: expect.any(Number) } },
    pids: { current: 1, limit: 50 },
    network_interfaces: null,
  });
});

comparison("the keys of statistics and their order are runc's", async () => {
  await using ours = new Sandbox("rune");
  await using theirs = new Sandbox("runc");
  const keys = async (sandbox: Sandbox) => {
    const { data = null, ...event } = await statistics(sandbox);
    // What a counter has not counted is left out; pages of version 2 are not looked for by 1.1.5.
    const varies = /\.(failcnt|throttling|blkio|hugetlb|psi|usage\.max|cache)\b/;
    return [Object.keys(event), keysOf(data).filter((key) => !varies.test(key))];
  };
  expect(await keys(ours)).toEqual(await keys(theirs));
});

// covers: events, events --interval
except("crun", "has no such verb")(
  "statistics come at every interval until the container is gone",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    using watching = sandbox.begin(["events", "--interval", "50ms", id]);
    await eventually("three of them", () => parsed(watching.stdout()).length >= 3);
    await sandbox.must(["delete", "--force", id]);
    expect(await watching.exited()).toBe(0);
    expect(watching.stderr()).toBe("");
    const events = parsed(watching.stdout());
    expect(events.every((event) => event.type === "stats" && event.id === id)).toBe(true);
  },
);

const countsMemory = needs(
  hierarchies.some(({ controllers }) => controllers.includes("memory"))
    ? undefined
    : "needs the memory controller",
);

except(
  "crun",
  "has no such verb",
  countsMemory,
)("running out of memory is an event", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started(
    { linux: { resources: { memory: { limit: 16 << 20, swap: 16 << 20 } } } },
    shell("while ! [ -e /tmp/go ]; do sleep 0.05; done; tail /dev/zero; exec sleep 1000"),
  );
  using watching = sandbox.begin(["events", "--interval", "20ms", id]);
  await eventually("it watches", () => parsed(watching.stdout()).length > 0);
  writeFileSync(join(sandbox.bundle.rootfs, "tmp/go"), "");
  await eventually("it is told", () =>
    parsed(watching.stdout()).some(({ type }) => type === "oom"),
  );
  expect(parsed(watching.stdout()).find(({ type }) => type === "oom")).toEqual({ type: "oom", id });
  expect((await sandbox.state(id)).status).toBe("running");
});

test("events of a container that stopped, or never was, and times that are none", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started({ process: { args: ["/bin/true"] } });
  await sandbox.reaches(id, "stopped");
  for (const words of [
    ["events", id],
    ["events", "--stats", id],
    ["events", "--stats", sandbox.id()],
    ["events", "--interval", "0s", id],
    ["events", "--interval", "-1s", id],
    ["events", "--interval", "5", id],
    ["events"],
  ]) {
    const { status, stderr } = await sandbox.call(words);
    expect([words, status]).toEqual([words, 1]);
    expect(stderr).not.toBe("");
  }
});

const view = needs(withoutView());

except(
  "crun",
  "has no such verb",
  view,
)("in version 2: statistics, pause, resume, kill --all", async () => {
  await using sandbox = new UnifiedSandbox();
  const id = await sandbox.started();
  const [event] = parsed((await sandbox.must(["events", "--stats", id])).stdout);
  expect(event).toMatchObject({ type: "stats", data: { pids: { current: 1 } } });
  await sandbox.must(["pause", id]);
  expect((await sandbox.state(id)).status).toBe("paused");
  await sandbox.must(["resume", id]);
  expect((await sandbox.state(id)).status).toBe("running");
  await sandbox.must(["pause", id]);
  await sandbox.must(["kill", "--all", id, "KILL"]);
  await eventually("nobody is left", async () => {
    return JSON.parse((await sandbox.must(["ps", "--format", "json", id])).stdout) === null;
  });
});

const watches =
  runtimeName === "rune" ? view : only("rune", "runc watches only where it can count memory");

watches("in version 2: events end with the container", async () => {
  await using sandbox = new UnifiedSandbox();
  const id = await sandbox.started();
  using watching = sandbox.begin(["events", "--interval", "50ms", id]);
  await eventually("it watches", () => parsed(watching.stdout()).length > 0);
  await sandbox.must(["kill", id, "KILL"]);
  expect(await watching.exited()).toBe(0);
});
