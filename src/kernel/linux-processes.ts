// SPDX-License-Identifier: Apache-2.0
/** Starting, becoming and reaping processes on the real kernel. */
import { addon } from "./addon.ts";
import * as c from "./constants.ts";
import type { Pid, Program } from "./kernel.ts";
import { failure, place, placed, raw, reserve, text } from "./libc.ts";

export function reap(pid: Pid): void {
  for (;;) {
    const result = raw(c.sys.wait4, pid, 0, 0, 0);
    if (result === -c.EINTR) continue;
    if (result < 0 && result !== -c.ECHILD) throw failure("wait for a process", -result);
    return;
  }
}

export function reapChildren(): boolean {
  const WNOHANG = 1;
  for (;;) {
    const pid = raw(c.sys.wait4, -1, 0, WNOHANG, 0);
    if (pid === -c.ECHILD) return true;
    if (pid === 0) return false;
    if (pid < 0 && pid !== -c.EINTR) throw failure("wait for a process", -pid);
  }
}

/** argv or envp: the strings, then the NULL-terminated array of their addresses. */
function stringArray(strings: readonly string[]): number {
  const addresses = strings.map(text);
  const array = place(8 * (addresses.length + 1));
  const view = placed(array, 8 * (addresses.length + 1));
  addresses.forEach((address, index) => {
    view.setBigUint64(8 * index, BigInt(address), true);
  });
  return array;
}

function layProgram({ path, argv, env }: Program): [number, number, number] {
  const size = [path, ...argv, ...env].reduce((sum, s) => sum + 3 * s.length + 24, 4096);
  reserve(size);
  return [text(path), stringArray(argv), stringArray(env)];
}

export function spawn(program: Program): Pid {
  const [path, argv, env] = layProgram(program);
  const pid = place(8);
  const posixSpawn = addon.symbol(0, "posix_spawn");
  const errno = addon.invoke(posixSpawn, pid, path, 0, 0, argv, env);
  if (errno !== 0) throw failure(`start \`${program.argv[0] ?? program.path}\``, errno);
  return placed(pid, 4).getInt32(0, true) as Pid;
}

export async function execute(program: Program): Promise<never> {
  const [path, argv, env] = layProgram(program);
  const errno = -raw(c.sys.execve, path, argv, env);
  throw failure(`execute \`${program.argv[0] ?? program.path}\``, errno);
}
