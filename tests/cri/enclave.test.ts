// SPDX-License-Identifier: Apache-2.0
/** Pods whose enclave the shim makes of an ordinary image, has signed, and attests. */
import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Init } from "../../src/protobuf/schema.ts";
import { eventually, Running } from "../support/command.ts";
import { engineObstacle, shared } from "../support/engines/shared.ts";
import { needs, repository, runtimeName } from "../support/runtime.ts";
import { refusal } from "./client.ts";
import { CriEngine, criObstacle } from "./engine.ts";
import { type ContainerConfig, ContainerState } from "./proto/cri.gen.ts";

const test = needs(
  criObstacle ??
    engineObstacle("openssl") ??
    (runtimeName === "rune" ? undefined : `${runtimeName}: it knows no enclaves`) ??
    (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined),
);
const engineOf = shared(() => CriEngine.start("first"));

const built = (name: string) => join(repository, "dist", name);
const environment = {
  RUNE_CARRIER: "skeleton",
  ENCLAVE_PLATFORM: "simulation",
  ENCLAVE_RUNTIME_PATH: "/usr/lib/liberpal-skeleton-v3.so",
};

function enclave(
  more: Readonly<Record<string, string>> = {},
  ...args: string[]
): Init<ContainerConfig> {
  const variables = Object.entries({ ...environment, ...more });
  return {
    command: ["hello", ...args],
    workingDir: "/app",
    envs: variables.map(([key, value]) => ({ key, value })),
  };
}

/** A node with a signature server of its own. @returns the server, and its audit log */
async function node(engine: CriEngine, more = ""): Promise<{ signer: Running; audit: string }> {
  const { host } = engine;
  const path = host.path;
  await host.must(["cp", built("lib/inclavare/liberpal-skeleton-v3.so"), "/usr/lib/"]);
  await host.must(["openssl", "genrsa", "-3", "-out", `${path}/key.pem`, "3072"]);
  const words = ["-in", `${path}/key.pem`, "-pubout", "-out", `${path}/pub.pem`];
  await host.must(["openssl", "rsa", ...words]);
  const audit = `${path}/audit`;
  const argv = [
    ...[built("bin/signature-server"), "--private-key", `${path}/key.pem`],
    ...["--public-key", `${path}/pub.pem`, "--listen", "127.0.0.1:0", "--audit-log", audit],
  ];
  const signer = new Running(host.inside(...argv));
  const address = await eventually("it listens", () => {
    return /listening on (\S+)/.exec(signer.stderr())?.[1];
  });
  await host.write(
    "/etc/inclavare-containers/config.toml",
    `[signature]
server_address = "${address}"
public_key = "${path}/pub.pem"
[carrier]
cache_directory = "${path}/cache"
${more}`,
  );
  return { signer, audit };
}

test("an enclave of an ordinary image: built, signed, run, beside an ordinary container", async () => {
  const engine = await engineOf();
  const { signer, audit } = await node(engine);
  try {
    await using pod = await engine.pod();
    const hello = await pod.start(enclave());
    expect(await hello.exited()).toMatchObject({ exitCode: 0 });
    expect(hello.output()).toContain("Hello Inclavare Containers!\n");
    const ordinary = await pod.script("echo ordinary");
    await ordinary.exited();
    expect(ordinary.output()).toBe("ordinary\n");

    const waits = await pod.start(enclave({}, "wait_timeout", "1000"));
    expect(await waits.status()).toMatchObject({ state: ContainerState.CONTAINER_RUNNING });
    await waits.stop();
    expect(await waits.exited()).toMatchObject({ exitCode: 137 });

    const lines = readFileSync(audit, "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).result)).toEqual(["signed", "signed"]);
  } finally {
    signer.kill("SIGTERM");
    await signer.exited();
    signer[Symbol.dispose]();
  }
  // Nobody signs any more: the pod is there, and its container says why it is not.
  await using pod = await engine.pod();
  const refused = await pod.create(enclave());
  expect(await refusal(refused.start())).toContain("have the enclave signed by");
  expect(await refused.status()).toMatchObject({ reason: "StartError" });
  const unknown = await pod.create(enclave({ RUNE_CARRIER: "enarx" }));
  expect(await refusal(unknown.start())).toContain("unknown carrier `enarx`");
});

test("an enclave whose evidence the node's policy does not accept is not started", async () => {
  const engine = await engineOf();
  const policy = `/etc/inclavare-containers/policy.toml`;
  const { signer } = await node(engine, `[attestation]\npolicy = "${policy}"\n`);
  const attested = enclave({ ENCLAVE_RA_TYPE: "ecdsa" });
  try {
    await using pod = await engine.pod();
    await engine.host.write(policy, "any_enclave = true\ndebug = true\nmin_isv_svn = 9\n");
    const old = await pod.create(attested);
    expect(await refusal(old.start())).toContain("ISVSVN");
    expect(await old.status()).toMatchObject({ reason: "StartError", exitCode: 128 });

    await engine.host.write(policy, "any_enclave = true\ndebug = true\n");
    const accepted = await pod.start(attested);
    expect(await accepted.exited()).toMatchObject({ exitCode: 0 });
    expect(accepted.output()).toContain("Hello Inclavare Containers!\n");
  } finally {
    signer.kill("SIGTERM");
    await signer.exited();
    signer[Symbol.dispose]();
  }
});
