// SPDX-License-Identifier: Apache-2.0
/** Containers whose enclave the shim makes, started by containerd and signed by `signature-server`. */
import { expect, setDefaultTimeout } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, Running } from "../support/command.ts";
import { Containerd, ctrImage } from "../support/engines/containerd.ts";
import { engineObstacle } from "../support/engines/shared.ts";
import { needs, repository, runtimeName } from "../support/runtime.ts";
import { eras } from "./support.ts";

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

test("a build ends with its task: whoever waited is gone, and so is all that was started", async () => {
  await using containerd = await Containerd.start();
  const { host } = containerd;
  const shim = "/usr/bin/containerd-shim-rune-v2";
  await host.must(["ln", "-sf", built("bin/containerd-shim-rune-v2"), shim]);
  // Occlum itself cannot be had: a stand-in, whose build never ends.
  const occlum = `${host.path}/occlum/build`;
  await host.must(["mkdir", "-p", `${occlum}/bin`, `${occlum}/lib`, `${occlum}/template`]);
  const standIn = join(repository, "tests/carrier/stand-ins/occlum");
  await host.must(["cp", standIn, built("lib/inclavare/encl.ss"), `${occlum}/bin`]);
  await host.write(`${occlum}/template/Occlum.json`, JSON.stringify(eras[2022]));
  await host.write(`${occlum}/lib/libocclum-libos.so`, "libos");
  await host.write(`${occlum}/bin/hang`, "");
  const cache = `${host.path}/cache`;
  await host.write(
    configFile,
    `[signature]
development = true
[enclave_runtime.occlum]
enclave_libos_path = "${occlum}/lib/libocclum-libos.so"
[carrier]
cache_directory = "${cache}"
`,
  );
  const id = containerd.id();
  const flags = ["--runtime", "io.containerd.rune.v2", "--cwd", "/app"];
  using client = containerd.begin(
    ...["run", "--rm", ...flags, "--env", "RUNE_CARRIER=occlum", ctrImage, id, "/bin/sh"],
  );
  await eventually("it builds", () => existsSync(`${occlum}/bin/waits`));
  // Other tasks are served meanwhile.
  const other = ["run", "--rm", ...flags.slice(0, 2), ctrImage, containerd.id(), "echo", "other"];
  expect(await containerd.call(other)).toMatchObject({ stdout: "other\n" });
  client.kill("SIGKILL");
  await client.exited();
  await eventually("nothing is built any more", () => readdirSync(`${cache}/builds`).length === 0);
  expect(readdirSync(`${cache}/built`)).toEqual([]);
  await eventually("the container can go", async () => {
    return (await containerd.call(["container", "rm", id])).status === 0;
  });
});
