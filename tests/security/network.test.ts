// SPDX-License-Identifier: Apache-2.0
/**
 * Nothing is sent anywhere unless somebody asked: the common commands, traced with all that they
 * start, name no internet address. No telemetry, no look for updates, no name to resolve.
 */
import { describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../support/command.ts";
import { needs, repository, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import { SignedEnclaveSandbox, signedEnclaveObstacle } from "../support/signed-enclave.ts";

const obstacle =
  (runtimeName === "rune" ? undefined : `${runtimeName} is not asked`) ??
  (Bun.which("strace") === null ? "needs strace" : undefined);
const test = needs(obstacle);
const enclaveTest = needs(obstacle ?? signedEnclaveObstacle);

/** Calls that name an address; a socket that is only opened, to bring `lo` up, tells nobody anything. */
const calls = "connect,bind,sendto,sendmsg,sendmmsg";

type Traced = { readonly status: number; readonly stdout: string; readonly internet: string[] };

let traces = 0;

/** Runs a command with all its children traced. */
async function traced(
  folder: string,
  argv: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Traced> {
  const file = join(folder, `trace-${traces++}`);
  const strace = ["strace", "-f", "-qq", "-e", `trace=${calls}`, "-e", "signal=none", "-o", file];
  const { status, stdout } = await command([...strace, ...argv], options);
  const lines = readFileSync(file, "utf8").split("\n");
  return {
    status,
    stdout,
    internet: lines.filter((line) => /\bAF_INET6?\b|sin6?_addr/.test(line)),
  };
}

const tool = (name: string) => join(repository, "dist/bin", name);

test("a container's life", async () => {
  await using sandbox = new Sandbox();
  const id = sandbox.id();
  sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
  // As one, because strace stays until the last process has ended, and the container's is one of them.
  const life = `
    "$@" features && "$@" create "$0" && "$@" start "$0" && "$@" state "$0" &&
    "$@" exec "$0" /bin/true && "$@" events --stats "$0" && "$@" pause "$0" && "$@" resume "$0" &&
    "$@" list && "$@" kill "$0" KILL && "$@" delete --force "$0" && echo all done`;
  const argv = ["sh", "-c", life, id, ...sandbox.argv()];
  const result = await traced(sandbox.path, argv, { cwd: sandbox.bundle.path });
  expect(result.stdout).toEndWith("all done\n");
  expect(result.internet).toEqual([]);
});

enclaveTest("an enclave container's life, with the platform service that it starts", async () => {
  await using sandbox = new SignedEnclaveSandbox();
  await sandbox.sign();
  sandbox.configure(sandbox.skeleton("v3", "hello"));
  const argv = sandbox.argv("run", "--platform", "simulation", sandbox.id());
  // The service outlives the container: it is told to stop within the trace.
  const life = `"$@" && ${tool("sgx-tools")} platform stop && echo all done`;
  const env = sandbox.toolEnvironment();
  const options = { cwd: sandbox.bundle.path, env };
  const result = await traced(sandbox.path, ["sh", "-c", life, "sh", ...argv], options);
  expect(result.stdout).toEndWith("all done\n");
  expect(result.internet).toEqual([]);
});

describe("tools", () => {
  enclaveTest("SGX files and help", async () => {
    await using sandbox = new SignedEnclaveSandbox();
    await sandbox.sign();
    const [image, signature] = [sandbox.inRootfs("encl.bin"), sandbox.inRootfs("encl.ss")];
    const commands = [
      [tool("rune"), "--help"],
      [tool("rune"), "--version"],
      [tool("rune"), "completion", "bash"],
      [tool("sgx-tools"), "measure", image],
      [tool("sgx-tools"), "inspect", signature],
      [tool("signature-server"), "--version"],
    ];
    for (const argv of commands) {
      const { status, internet } = await traced(sandbox.path, argv);
      expect({ argv, status, internet }).toEqual({ argv, status: 0, internet: [] });
    }
  });

  test("one that is told to fetch is seen to connect: this test can fail", async () => {
    await using sandbox = new Sandbox();
    const address = "http://127.0.0.1:9/sgx/certification/v4";
    const words = ["collateral", "fetch", "--fmspc", "00606A000000", "--url", address];
    const argv = [tool("sgx-tools"), ...words, join(sandbox.path, "collateral")];
    const { status, internet } = await traced(sandbox.path, argv);
    expect(status).toBe(1);
    expect(internet.join("\n")).toContain("127.0.0.1");
  });
});
