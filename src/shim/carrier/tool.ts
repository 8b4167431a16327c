// SPDX-License-Identifier: Apache-2.0
/** Runs a toolchain's programs: in a session of their own, ended as a whole, their words in the shim's log. */
import { RuneError } from "../../errors/error.ts";

export type Tool = {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** In front of the usual directories. */
  readonly path?: string;
  readonly env?: Readonly<Record<string, string>>;
};

/** Resolves when the program has ended with status 0. @throws RuneError CARRIER */
export type ToolRunner = (tool: Tool) => Promise<void>;

export type ToolOptions = {
  readonly signal: AbortSignal;
  readonly log: (message: string) => void;
};

const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** What an error tells of what the program said last. */
const lastLines = 5;
const longestLine = 500;

export function toolRunner({ signal, log }: ToolOptions): ToolRunner {
  return async ({ argv, cwd, path, env = {} }) => {
    const name = argv[0] ?? "";
    const doing = `run \`${argv.join(" ")}\``;
    if (signal.aborted) throw cancelled(doing);
    const search = path === undefined ? usualPath : `${path}:${usualPath}`;
    let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
    try {
      child = Bun.spawn([...argv], {
        cwd,
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        // Nothing of the shim's own environment: the pod's image has no say in it either.
        env: { PATH: search, HOME: cwd, LC_ALL: "C.UTF-8", ...env },
        detached: true,
      });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RuneError({ code: "CARRIER", doing, reason, cause });
    }
    const kill = () => killGroup(child.pid);
    signal.addEventListener("abort", kill, { once: true });
    const last: string[] = [];
    const take = (line: string) => {
      log(`${name.slice(name.lastIndexOf("/") + 1)}: ${line}`);
      last.push(line);
      if (last.length > lastLines) last.shift();
    };
    try {
      await Promise.all([eachLine(child.stdout, take), eachLine(child.stderr, take), child.exited]);
    } finally {
      signal.removeEventListener("abort", kill);
      // What the program has left in its session would go on writing into a folder that is gone.
      kill();
    }
    if (signal.aborted) throw cancelled(doing);
    if (child.exitCode === 0) return;
    const ended =
      child.signalCode === null ? `status ${child.exitCode}` : `signal ${child.signalCode}`;
    const said = last.length === 0 ? "" : `: ${last.join(" / ")}`;
    throw new RuneError({ code: "CARRIER", doing, reason: `it ended with ${ended}${said}` });
  };
}

export function cancelled(doing: string): RuneError {
  return new RuneError({ code: "CARRIER", doing, reason: "cancelled" });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

async function eachLine(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n|\r/);
    rest = (lines.pop() ?? "").slice(0, longestLine);
    for (const line of lines) if (line !== "") take(line.slice(0, longestLine));
  }
  if (rest !== "") take(rest);
}
