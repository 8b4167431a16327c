// SPDX-License-Identifier: Apache-2.0
/**
 * Where an engine runs: a network and a mount namespace of its own, in which /run is empty, and what
 * is written to /etc and /usr stays. What an engine or its runtime mounts, binds or links is seen there and
 * nowhere else, and ends with the namespaces; what runs or has a cgroup bears the mark.
 */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  type CommandOptions,
  type CommandResult,
  command,
  eventually,
  Running,
} from "../command.ts";
import { leftovers, processes } from "../leftovers.ts";
import { endPlatform, platformVariables } from "../platform.ts";
import { removeTree } from "../remove.ts";
import { repository } from "../runtime.ts";

/** Propagation is shared, as systemd makes it: engines and their volumes count on it. */
const setUp = `
set -eu
cd "$1"
mount --make-rshared /
for name in etc usr; do
  mount -t overlay -o "lowerdir=/$name,upperdir=$name,workdir=work/$name" overlay "/$name"
done
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up
echo ready
exec sleep infinity
`;

export class EngineHost {
  /** A new directory; its name is in all that the engine makes. */
  readonly path: string;
  readonly mark: string;
  readonly #holder: Running;

  private constructor() {
    this.path = mkdtempSync(join(tmpdir(), "rune-engine-"));
    this.mark = basename(this.path);
    chmodSync(this.path, 0o755); // users of containers pass through it
    for (const name of ["etc", "usr/bin", "work/etc", "work/usr"])
      mkdirSync(join(this.path, name), { recursive: true });
    // Where the documentation says that rune is installed.
    for (const name of ["rune", "containerd-shim-rune-v2"])
      symlinkSync(join(repository, "dist/bin", name), join(this.path, "usr/bin", name));
    for (const [name, path] of otherContainerd())
      symlinkSync(path, join(this.path, "usr/bin", name));
    this.#holder = new Running([
      ...["unshare", "--net", "--mount", "--propagation", "private"],
      ...["sh", "-c", setUp, "sh", this.path],
    ]);
  }

  static async start(): Promise<EngineHost> {
    const host = new EngineHost();
    try {
      await eventually("the namespaces are there", () => host.#holder.stdout() === "ready\n");
      return host;
    } catch (error) {
      const reason = host.#holder.stderr();
      await host[Symbol.asyncDispose]();
      throw new Error(`no place for an engine: ${reason}`, { cause: error });
    }
  }

  /** The command line of a program inside. Its working directory is the root. */
  inside(...argv: readonly string[]): string[] {
    const enter = ["nsenter", `--target=${this.#holder.pid}`, "--mount", "--net", "--wdns=/"];
    // The machine's own service of the simulated platform is not for tests.
    const variables = Object.entries(platformVariables(this.path)).map((pair) => pair.join("="));
    return [...enter, "env", ...variables, ...argv];
  }

  /** Runs a program inside to its end. */
  call(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return command(this.inside(...argv), options);
  }

  /** As {@link call}; what it wrote. */
  async must(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.call(argv, options);
    if (status !== 0) throw new Error(`${argv.join(" ")}: status ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Writes a file inside, and the directories on the way. */
  async write(path: string, text: string): Promise<void> {
    const script = 'mkdir -p "$(dirname "$1")" && cat > "$1"';
    await this.must(["sh", "-c", script, "sh", path], { stdin: text });
  }

  /** Mount points below the host's directory: what engine and runtime have mounted for containers. */
  async mountPoints(): Promise<string[]> {
    const lines = (await this.must(["cat", "/proc/self/mountinfo"])).split("\n");
    return lines
      .map((line) => line.split(" ")[4] ?? "")
      .filter((path) => path.startsWith(`${this.path}/`));
  }

  /** Ends the namespaces and fails where anything that ran in them is still there. */
  async [Symbol.asyncDispose](): Promise<void> {
    await endPlatform(this.path);
    this.#holder.kill("SIGKILL");
    await this.#holder.exited();
    this.#holder[Symbol.dispose]();
    try {
      removeCgroups(leftovers(this.mark).filter((line) => !isContainers(line)));
      await eventually("nothing is left", () => leftovers(this.mark).length === 0);
    } catch {
      const found = leftovers(this.mark);
      await killAll(this.mark);
      removeCgroups(found);
      throw new Error(`left behind:\n${found.join("\n")}`);
    } finally {
      removeTree(this.path);
    }
  }
}

/** CONTAINERD is a directory with another containerd than the machine's, as of scripts/containerd.sh. */
function otherContainerd(): (readonly [name: string, path: string])[] {
  const folder = process.env["CONTAINERD"] ?? "";
  if (folder === "") return [];
  return readdirSync(folder).map((name) => [name, join(folder, name)] as const);
}

/** Engines leave the parent of their containers' cgroups, with any runtime. One in use stays. */
function removeCgroups(found: readonly string[]): void {
  const paths = found.flatMap((line) => /^cgroup (.*)$/.exec(line)?.[1] ?? []);
  for (const path of paths.reverse()) {
    try {
      rmdirSync(path);
    } catch {
      // Not empty: the caller finds it.
    }
  }
}

/** A container's own cgroup is its runtime's to remove. */
function isContainers(line: string): boolean {
  return /[0-9a-f]{64}/.test(line);
}

/** What failed must not be in the way of other tests. */
async function killAll(mark: string): Promise<void> {
  await eventually("all are gone", () => {
    const pids = processes(mark).map((line) => Number(/^process (\d+)/.exec(line)?.[1]));
    for (const pid of pids.filter((pid) => pid > 1)) kill(pid);
    return pids.length === 0;
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone meanwhile.
  }
}
