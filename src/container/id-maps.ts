// SPDX-License-Identifier: Apache-2.0
/** Mapping the ids of a new user namespace for a caller whom the kernel lets map only its own. */
import { RuneError } from "../errors/error.ts";
import { EPERM } from "../kernel/constants.ts";
import { type Kernel, type Pid, readText, unlessErrno, writeFile } from "../kernel/kernel.ts";
import type { IdMaps } from "../plan/user.ts";
import type { Deps } from "./deps.ts";

/** Package `uidmap` of Debian; set-user-id root, and bound to /etc/subuid and /etc/subgid. */
const tools = { uid_map: "newuidmap", gid_map: "newgidmap" } as const;

/** Writes both maps of a process that waits in its new user namespace. */
export function mapIds(deps: Deps, pid: Pid, { uidMap, gidMap, denySetgroups }: IdMaps): void {
  mapWith(deps, pid, "uid_map", uidMap);
  if (denySetgroups) writeFile(deps.kernel, `/proc/${pid}/setgroups`, "deny");
  mapWith(deps, pid, "gid_map", gidMap);
}

function mapWith(deps: Deps, pid: Pid, file: keyof typeof tools, text: string): void {
  const { kernel } = deps;
  const path = `/proc/${pid}/${file}`;
  // A caller with more rights than its user id tells needs nobody's help.
  const written = unlessErrno(() => {
    writeFile(kernel, path, text);
    return true;
  }, EPERM);
  if (written === true) return;
  const tool = findProgram(kernel, deps.searchPath(), tools[file]);
  if (tool === undefined) throw noTool(tools[file], text);
  const argv = [tools[file], String(pid), ...text.trim().split(/\s+/)];
  kernel.reap(kernel.spawn({ path: tool, argv, env: [] }));
  // It has no other way to succeed; what it has to say is on standard error.
  if (readText(kernel, path).trim() === "") throw refused(tools[file], text);
}

function findProgram(kernel: Kernel, searchPath: string, name: string): string | undefined {
  for (const directory of searchPath.split(":")) {
    // An empty or relative entry would be the bundle's: whoever wrote that is not trusted to map ids.
    if (!directory.startsWith("/")) continue;
    const path = `${directory}/${name}`;
    try {
      if ((kernel.stat(path).mode & 0o111) !== 0) return path;
    } catch {
      // Not there, or not for us: the next one.
    }
  }
  return undefined;
}

function noTool(tool: string, map: string): RuneError {
  return new RuneError({
    code: "HOST_UNSUPPORTED",
    doing: `map ids \`${oneLine(map)}\``,
    reason: `an ordinary user may map only its own id by itself, and \`${tool}\` is not in the PATH`,
    hint: "install newuidmap and newgidmap (Debian's package uidmap), or map one id, as `rune spec --rootless` does",
  });
}

function refused(tool: string, map: string): RuneError {
  return new RuneError({
    code: "HOST_UNSUPPORTED",
    doing: `map ids \`${oneLine(map)}\``,
    reason: `\`${tool}\` refused; what it says stands above`,
    hint: "the ids have to be in the user's ranges of /etc/subuid and /etc/subgid",
  });
}

/** "0 1000 1, 1 100000 65536": inside, outside, count. */
function oneLine(map: string): string {
  return map.trim().split("\n").join(", ");
}
