// SPDX-License-Identifier: Apache-2.0
/** docs/how-to/docker.md, typed into a terminal; and more of enclave containers than fits a page. */
import { expect } from "bun:test";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { Docker } from "../support/engines/docker.ts";
import { commandsOf, onlyBlock, typed } from "../support/engines/page.ts";
import { dockerObstacle, shared } from "../support/engines/shared.ts";
import { needs, repository, runtimeName } from "../support/runtime.ts";

const page = "how-to/docker.md";
const test = needs(
  dockerObstacle ??
    (runtimeName === "rune" ? undefined : `${runtimeName}: the page is about rune`) ??
    (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined),
);
const engine = shared(() => Docker.start(onlyBlock(page, "json")));

test("docs/how-to/docker.md: its daemon.json, and every command with its answer", async () => {
  const docker = await engine();
  expect(await docker.must(["info", "--format", "{{json .Runtimes.rune}}"])).toBe(
    '{"path":"/usr/bin/rune"}',
  );
  // What the page adds to is a file that does not name rune yet.
  await docker.host.write("/etc/docker/daemon.json", "{}\n");
  for (const { commands, answer } of commandsOf(page)) {
    const install = commands.startsWith("npm run");
    const folder = install ? repository : docker.host.path;
    const lines = await typed(docker.host, docker.env, folder, commands);
    // Between the lines of an answer stand ids, which differ.
    expect(lines.filter((line) => answer.includes(line))).toEqual(answer);
  }
  const written = await docker.host.must(["cat", "/etc/docker/daemon.json"]);
  expect(written).toBe(onlyBlock(page, "json"));
});

const pal = "/usr/lib/liberpal-skeleton-v2.so";
const enclave = [
  ...["--runtime", "rune", "--network=none", "-e", "ENCLAVE_TYPE=intelSgx"],
  ...["-e", "ENCLAVE_PLATFORM=simulation", "-e", `ENCLAVE_RUNTIME_PATH=${pal}`],
];

/** Starts an enclave that stays for ten minutes. */
function waiting(docker: Docker, ...flags: string[]): Promise<string> {
  return docker.must(["run", "-d", ...enclave, ...flags, "hello", "hello", "wait_timeout", "600"]);
}

test("an enclave container is limited, paused, looked at, executed into, and killed", async () => {
  const docker = await engine();
  const id = await waiting(docker, "--user", "1000", "--read-only", "-m", "256m");
  expect(await docker.must(["top", id, "-o", "pid,args"])).toContain("init-runelet");
  await docker.must(["pause", id]);
  expect(await docker.inspect(id, "{{.State.Status}}")).toBe("paused");
  await docker.must(["unpause", id]);
  expect(await docker.call(["exec", id, "hello"])).toEqual({
    status: 0,
    stdout: "",
    stderr: "Enclave runtime skeleton initialization succeeded\n",
  });
  await docker.must(["kill", id]);
  expect(await docker.inspect(id, "{{.State.ExitCode}} {{.State.OOMKilled}}")).toBe("137 false");
  await docker.must(["start", id]); // a second enclave, of the same container
  await docker.must(["stop", id]);
  expect(await docker.inspect(id, "{{.State.ExitCode}}")).toBe("143");
  const greetings = (await docker.must(["logs", id])).split("\n");
  expect(greetings).toEqual(Array(2).fill("Hello Inclavare Containers!"));
});

test("what an enclave container may not be is said through docker", async () => {
  const docker = await engine();
  const refused = async (...flags: string[]) => {
    const result = await docker.call(["run", "--rm", ...enclave, ...flags, "hello"]);
    expect(result.status).toBe(125);
    return result.stderr;
  };
  expect(await refused("-e", `ENCLAVE_RUNTIME_PATH=/tmp/${randomUUID()}.so`)).toContain("PAL_PATH");
  expect(await refused("-e", "ENCLAVE_TYPE=AwsNitroEnclaves")).toContain(
    "ENCLAVE_TYPE_UNSUPPORTED",
  );
  expect(await refused("-e", "ENCLAVE_PLATFORM=hardware")).toContain("ENCLAVE_TYPE_UNSUPPORTED");
});
