// SPDX-License-Identifier: Apache-2.0
/**
 * A fresh Debian of a test's own: dist/debian-root (scripts/debian-root.sh) below an overlay. Every call is in
 * mount, pid, network, UTS and IPC namespaces of its own, so nothing that it starts or mounts outlives it.
 */
import { existsSync, mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { type CommandResult, command } from "./command.ts";
import { removeTree } from "./remove.ts";
import { repository } from "./runtime.ts";

const base = join(repository, "dist/debian-root/bookworm");

/** Why there is none; undefined if there can be. */
export function debianRootMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (existsSync(`${base}.complete`)) return undefined;
  return "there is no fresh Debian: `sh scripts/debian-root.sh` says why";
}

/**
 * pivot_root rather than chroot: a runtime in a chroot could not unshare a user namespace, nor could
 * paths of /proc/self/mountinfo be what they are on a machine.
 */
const enter = `
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
cd "$2/root"
mount --rbind /dev dev && mount --rbind /sys sys
mount -t proc proc proc && mount -t tmpfs -o mode=755 tmpfs run
ip link set lo up 2>/dev/null || :
pivot_root . .
umount --lazy .
cd /root
shift 2
export HOME=/root DEBIAN_FRONTEND=noninteractive
exec env -u XDG_RUNTIME_DIR PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 sh -eu -c "$1"
`;

export class DebianRoot implements Disposable {
  readonly #folder: string;

  constructor() {
    // The upper layer of an overlay may not be an overlay, which a container's /tmp is.
    mkdirSync(join(repository, "dist/debian-root"), { recursive: true });
    this.#folder = mkdtempSync(join(repository, "dist/debian-root/test-"));
    for (const name of ["upper", "work", "root"]) mkdirSync(join(this.#folder, name));
  }

  /** Runs a shell script in it, whose failure is the result's. */
  run(script: string): Promise<CommandResult> {
    const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc"];
    const unshare = ["unshare", ...namespaces, "--propagation", "private"];
    return command([...unshare, "sh", "-eu", "-c", enter, "sh", base, this.#folder, script]);
  }

  /** What it prints. @throws where it fails */
  async must(script: string): Promise<string> {
    const { status, stdout, stderr } = await this.run(script);
    if (status !== 0)
      throw new Error(`in the Debian root: ${script}\n${status}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Where a path of it has been changed, or is new, seen from outside; for files that tests put there. */
  changed(path: string): string {
    return join(this.#folder, "upper", path);
  }

  [Symbol.dispose](): void {
    removeTree(this.#folder);
  }
}
