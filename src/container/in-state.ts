// SPDX-License-Identifier: Apache-2.0
/** For tests of verbs: a host whose container is in one of the states that there are. */
import { existing, fakeHost, type Host, initPid, root } from "./fake-host.ts";

export const states = [
  "none",
  "unfinished",
  "creating",
  "created",
  "running",
  "paused",
  "stopped",
  "recycled",
] as const;
export type Name = (typeof states)[number];

/** A host with a container in a state. */
export function hostWith(name: Name, answers?: Parameters<typeof fakeHost>[1]): Host {
  const host = fakeHost({}, answers);
  const { kernel } = host;
  if (name === "none") return host;
  if (name === "unfinished") {
    kernel.directory(`${root}/web`);
    return host;
  }
  const state = existing(host, {}, name !== "stopped");
  if (name === "creating") {
    const { init: _, ...unfinished } = state;
    kernel.file(`${root}/web/state.json`, JSON.stringify(unfinished));
    kernel.endProcess(initPid);
  }
  if (name === "created") kernel.fifo(`${root}/web/exec.fifo`, true);
  if (name === "paused") kernel.file("/cg/unified/web/cgroup.freeze", "1\n");
  if (name === "recycled") {
    kernel.endProcess(initPid);
    kernel.process(initPid, { startTime: 99999, command: "innocent" });
  }
  return host;
}

/** "done", or the code of the error. */
export async function outcome(attempt: () => void | Promise<void>): Promise<string> {
  try {
    await attempt();
    return "done";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

export async function table(
  act: (host: Host) => void | Promise<void>,
): Promise<Record<Name, string>> {
  const entries: [Name, string][] = [];
  for (const name of states) entries.push([name, await outcome(() => act(hostWith(name)))]);
  // Every name is in `states`.
  return Object.fromEntries(entries) as Record<Name, string>;
}
