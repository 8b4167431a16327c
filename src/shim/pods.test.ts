// SPDX-License-Identifier: Apache-2.0
/** Pods with real sockets and a program in the monitor's place. */
import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fd } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import { plannerCalls } from "../kernel/planner-calls.ts";
import { RecordWriter } from "../record/record.ts";
import type { Place } from "./place.ts";
import { type Listener, type Pod, Pods } from "./pods.ts";

/** Its monitor writes its pid down, and waits; what it is told is in the test's hands. */
class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "shim-pods-"));
  readonly told: string[] = [];

  constructor() {
    const script = `#!/bin/sh\necho $$ > ${this.path}/monitor\nexec tail -f ${this.path}/monitor\n`;
    writeFileSync(join(this.path, "shim-monitor"), script);
    chmodSync(join(this.path, "shim-monitor"), 0o755);
    mkdirSync(join(this.path, "place"));
  }

  /** Only what pods ask of it. */
  get place(): Place {
    const path = join(this.path, "place");
    return { events: join(path, "events"), pod: (n: number) => join(path, `pod-${n}`) } as Place;
  }

  pods(calls: Partial<typeof plannerCalls> = {}): Pods {
    const listener: Listener = {
      onExit: (token, { status, at }) => this.told.push(`exit ${token} ${status} ${at}`),
      onOom: (token, count) => this.told.push(`oom ${token} ${count}`),
      onLost: ({ group }: Pod) => this.told.push(`lost ${group}`),
    };
    const all = { ...plannerCalls, ...calls };
    return new Pods({ kernel: linux, calls: all, libDir: this.path }, this.place, listener);
  }

  /** Of the program in the monitor's place. */
  async monitor(): Promise<number> {
    for (;;) {
      const text = await Bun.file(join(this.path, "monitor"))
        .text()
        .catch(() => "");
      if (text.endsWith("\n")) return Number(text);
      await Bun.sleep(1);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Whether there is a process that has the folder among its words. */
function isAtWork({ path }: Folder): boolean {
  return readdirSync("/proc").some((pid) => /^\d+$/.test(pid) && wordsOf(pid).includes(path));
}

function wordsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it has ended
  }
}

test("a monitor that cannot be reached is ended, and nothing is left of its pod", async () => {
  using folder = new Folder();
  let connected = 0;
  const pods = folder.pods({
    connectPackets: () => {
      connected++;
      throw new Error("no way");
    },
  });
  expect(() => pods.enter("web", "")).toThrow("no way");
  expect(connected).toBe(1);
  expect(readdirSync(join(folder.path, "place"))).toEqual(["events"]);
  while (isAtWork(folder)) await Bun.sleep(1);
  pods.close();
});

test("what monitors tell is heard in any pieces, and nonsense ends the connection", async () => {
  using folder = new Folder();
  const pods = folder.pods();
  const events = linux.connectUnix(folder.place.events);
  const bytes = [
    new RecordWriter().begin(20).u64(7n).u32(99).u32(256).u64(5n).end().finish(),
    new RecordWriter().begin(21).u64(8n).u32(3).end().finish(),
  ].flatMap((record) => [...record]);
  for (const byte of bytes) {
    linux.write(events, Uint8Array.of(byte));
    await Bun.sleep(0);
  }
  while (folder.told.length < 2) await Bun.sleep(1);
  expect(folder.told).toEqual(["exit 7 256 5", "oom 8 3"]);
  linux.write(events, new Uint8Array(64).fill(0xff));
  while (!linux.waitReadable(events, 0)) await Bun.sleep(1);
  expect(linux.read(events, 1).length).toBe(0);
  linux.close(events);
  pods.close();
});

test("containers of a group share a pod, which ends with the last; a dead monitor is told of", async () => {
  using folder = new Folder();
  // The monitor's end of its control socket, in this process.
  const [ours, theirs] = linux.packetPair();
  const done = new RecordWriter().begin(10).u64(0n).end().finish();
  const pods = folder.pods({ connectPackets: () => ours });
  const pod = pods.enter("web", "");
  expect(pods.enter("web", "")).toBe(pod);
  expect(pod.members).toBe(2);
  const pid = await folder.monitor();
  process.kill(pid, "SIGKILL");
  while (folder.told.length === 0) await Bun.sleep(1);
  expect(folder.told).toEqual(["lost web"]);
  linux.write(theirs as Fd, done); // to SHUTDOWN
  pods.leave(pod);
  expect(existsSync(pod.directory)).toBe(true);
  pods.leave(pod);
  expect(existsSync(pod.directory)).toBe(false);
  linux.close(theirs);
  pods.close();
});
