// SPDX-License-Identifier: Apache-2.0
/** What /proc/self/mountinfo says (proc_pid_mountinfo(5)), as far as it takes thought to read it. */

/**
 * Tells whether a mount is what its mount point leads to, or lies under another one: with something
 * mounted over /sys/fs/cgroup, what was in it is still listed. Follows a path as the kernel does, from
 * each mount to the one that is on it there.
 */
export function visibility(lines: readonly string[]): (id: string, mountPoint: string) => boolean {
  const fields = lines.map((line) => line.split(" ", 5));
  const ids = new Set(fields.map(([id]) => id));
  const on = new Map<string, string>();
  for (const [id = "", parent = "", , , mountPoint = ""] of fields) {
    const isTop = parent === id || !ids.has(parent);
    on.set(`${isTop ? "" : parent} ${mountPoint}`, id);
  }
  return (id, mountPoint) => {
    let at = "";
    for (let end = 0; end >= 0; ) {
      const path = end === 0 ? "/" : mountPoint.slice(0, end);
      for (let next = on.get(`${at} ${path}`); next !== undefined; ) {
        at = next;
        next = on.get(`${at} ${path}`);
      }
      if (path === mountPoint) break;
      end = mountPoint.indexOf("/", end + 1);
      if (end < 0) end = mountPoint.length;
    }
    return at === id;
  };
}

/** mountinfo writes space, tab, newline and backslash as three octal digits. */
export function plainPath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
