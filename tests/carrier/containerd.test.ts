// SPDX-License-Identifier: Apache-2.0
/** Containers whose enclave the shim makes, started by containerd and signed by `signature-server`. */
import { expect, setDefaultTimeout } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, Running } from "../support/command.ts";
import { Containerd, ctrImage } from "../support/engines/containerd.ts";
import { engineObstacle } from "../support/engines/shared.ts";
import { needs, repository, runtimeName } from "../support/runtime.ts";

setDefaultTimeout(120_000);

const test = needs(
  engineObstacle("containerd", "ctr", "ip", "openssl") ??
    (runtimeName === "rune" ? undefined : `${runtimeName}: it knows no carriers`) ??
    (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined),
);

const built = (name: string) => join(repository, "dist", name);
const configFile = "/etc/inclavare-containers/config.toml";

test("the sample enclave of an ordinary image: signed, started, and refused without a signature", async () => {
  await using containerd = await Containerd.start();
  const { host } = containerd;
  const shim = "/usr/bin/containerd-shim-rune-v2";
  await host.must(["ln", "-sf", built("bin/containerd-shim-rune-v2"), shim]);
  await host.must(["cp", built("lib/inclavare/liberpal-skeleton-v3.so"), "/usr/lib/"]);
  const run = (id: string, flags: readonly string[], ...argv: readonly string[]) =>
    containerd.call([
      ...["run", "--rm", "--runtime", "io.containerd.rune.v2", ...flags, ctrImage, id, ...argv],
    ]);
  const env = ["RUNE_CARRIER=skeleton", "ENCLAVE_PLATFORM=simulation"];
  const pal = "ENCLAVE_RUNTIME_PATH=/usr/lib/liberpal-skeleton-v3.so";
  const enclave = ["--cwd", "/app", ...[...env, pal].flatMap((entry) => ["--env", entry])];

  const key = `${host.path}/key.pem`;
  await host.must(["openssl", "genrsa", "-3", "-out", key, "3072"]);
  await host.must(["openssl", "rsa", "-in", key, "-pubout", "-out", `${host.path}/pub.pem`]);
  await host.write(
    configFile,
    `[signature]
server_address = "http://127.0.0.1:9080"
public_key = "${host.path}/pub.pem"
[carrier]
cache_directory = "${host.path}/cache"
`,
  );

  // Nobody signs yet: the container is not made, and an ordinary one is.
  const refused = await run(containerd.id(), enclave, "hello");
  expect(refused).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("have the enclave signed by `http://127.0.0.1:9080`"),
  });
  expect(await run(containerd.id(), [], "echo", "ordinary")).toMatchObject({
    stdout: "ordinary\n",
  });

  const flags = ["--private-key", key, "--public-key", `${host.path}/pub.pem`];
  const audit = `${host.path}/audit`;
  const argv = [built("bin/signature-server"), ...flags, "--audit-log", audit];
  using signer = new Running(host.inside(...argv));
  await eventually("it listens", () => signer.stderr().includes("listening on"));
  try {
    for (let round = 0; round < 2; round++) {
      const { status, stdout, stderr } = await run(containerd.id(), enclave, "hello");
      expect({ status, stderr }).toMatchObject({
        status: 0,
        stderr: expect.stringContaining("Enclave runtime skeleton initialization succeeded"),
      });
      expect(stdout).toContain("Hello Inclavare Containers!");
    }
    const lines = readFileSync(audit, "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).result)).toEqual(["signed", "signed"]);

    const hidden = await run(containerd.id(), [...enclave, "--cwd", "/run/rune"], "hello");
    expect(hidden.stderr).toContain("`/run` is mounted over it");
    const unknown = await run(containerd.id(), ["--env", "RUNE_CARRIER=enarx"], "hello");
    expect(unknown).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("unknown carrier `enarx`"),
    });
  } finally {
    signer.kill("SIGTERM");
    await signer.exited();
  }
  expect(await containerd.must("container", "ls", "--quiet")).toBe("");
});
