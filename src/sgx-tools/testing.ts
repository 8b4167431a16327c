// SPDX-License-Identifier: Apache-2.0
/** The tools as a user calls them: a process each, because output goes to the real descriptor 1. */
import { join } from "node:path";

export type Result = { readonly code: number | null; readonly out: string; readonly err: string };

export type ToolOptions = {
  readonly folder: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
};

/** Runs one command line. Asynchronous: the test's own servers must go on answering. */
export async function runTool(
  { folder, env = {} }: ToolOptions,
  ...args: readonly string[]
): Promise<Result> {
  const source = `
    import { main } from ${JSON.stringify(join(import.meta.dir, "main.ts"))};
    import { describeError, RuneError } from ${JSON.stringify(join(import.meta.dir, "../errors/error.ts"))};
    try { process.exit(await main(process.argv.slice(1))); } catch (error) {
      console.error(describeError(RuneError.from(error, "sgx-tools")));
      process.exit(1);
    }`;
  const child = Bun.spawn([process.execPath, "-e", source, "--", ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, err };
}
