// SPDX-License-Identifier: Apache-2.0
/** What `rune ps` prints: pids, or those lines of ps(1) that are the container's. */
import { RuneError } from "../errors/error.ts";

export type PsProgram = (argv: readonly string[]) => {
  /** 128 plus the signal for one that was killed. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
};

/** An array, or `null` where there is no process, as runc prints it. */
export function formatPids(pids: readonly number[]): string {
  return `${pids.length === 0 ? "null" : JSON.stringify(pids)}\n`;
}

/** Calls ps with the options, `-ef` unless there are any, and keeps its header and the pids' lines. */
export function formatTable(
  pids: readonly number[],
  options: readonly string[],
  ps: PsProgram,
): string {
  const argv = ["ps", ...(options.length === 0 ? ["-ef"] : options)];
  const { status, stdout, stderr } = ps(argv);
  if (status !== 0) throw failed(argv, (stderr.trim() || stdout.trim()).split("\n")[0] ?? "");
  const [header = "", ...lines] = stdout.split("\n");
  const column = header.trim().split(/\s+/).indexOf("PID");
  if (column < 0) throw failed(argv, "its output has no column `PID`");
  const wanted = new Set(pids.map(String));
  const own = lines.filter((line) => wanted.has(line.trim().split(/\s+/)[column] ?? ""));
  return [header, ...own].map((line) => `${line}\n`).join("");
}

/** ps(1) of the host, found and run with the caller's environment. */
export function hostPs(environment: ReadonlyMap<string, string>): PsProgram {
  return (argv) => {
    try {
      const { exitCode, signalCode, stdout, stderr } = Bun.spawnSync([...argv], {
        env: Object.fromEntries(environment),
        stdin: "ignore",
      });
      const status = signalCode === undefined ? exitCode : 128;
      return { status, stdout: stdout.toString(), stderr: stderr.toString() };
    } catch (error) {
      const hint = "it is in Debian's package procps";
      throw failed(argv, RuneError.from(error, "start ps").reason, hint);
    }
  };
}

function failed(argv: readonly string[], reason: string, hint?: string): RuneError {
  const said = reason === "" ? "it failed without a word" : reason;
  const options = { code: "USAGE", doing: `run \`${argv.join(" ")}\``, reason: said } as const;
  return new RuneError(hint === undefined ? options : { ...options, hint });
}
