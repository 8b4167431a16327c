// SPDX-License-Identifier: Apache-2.0
/**
 * `rune doctor` on a machine with broken things of every kind. Each script runs in a mount namespace of
 * its own, in which /etc, /run and /usr/local are the test's.
 */
import { expect } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { type CommandResult, command } from "../support/command.ts";
import { needs, repository, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = needs(runtimeName === "rune" ? undefined : `${runtimeName} has no doctor`);
const rune = join(repository, "dist/bin/rune");
const library = join(repository, "dist/lib/inclavare");

type Finding = { topic: string; name: string; status: string; reason: string; mend?: string };

/** What is laid over the machine, and what the doctor says there. */
class Patient {
  readonly sandbox = new Sandbox();
  readonly #folders = ["etc", "run", "local"];

  constructor() {
    for (const name of this.#folders) mkdirSync(this.path(name));
  }

  path(name: string): string {
    return join(this.sandbox.path, name);
  }

  write(name: string, content: string | Uint8Array, mode = 0o644): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
    chmodSync(this.path(name), mode);
  }

  /** Runs `script` before, in the same namespace. */
  async call(words: readonly string[], script = "true", env = {}): Promise<CommandResult> {
    const setUp = `
      set -e
      mount --bind "$1/etc" /etc
      mount --bind "$1/run" /run
      mount --bind "$1/local" /usr/local
      shift
      ${script}
      exec "$@"`;
    const unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c", setUp, "sh"];
    const argv = [...unshare, this.sandbox.path, rune, "doctor", ...words];
    const path = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    return await command(argv, { env: { PATH: path, INCLAVARE_PLATFORM: "off", ...env } });
  }

  async finding(topic: string, name: string, words: readonly string[] = [], script = "true") {
    const { stdout, stderr, status } = await this.call(["--json", ...words, topic], script);
    if (stdout === "") throw new Error(`status ${status}: ${stderr}`);
    const { checks }: { checks: Finding[] } = JSON.parse(stdout);
    return { exit: status, ...checks.find((check) => check.name === name) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]();
  }
}

// covers: doctor, doctor --json
test("text and JSON say the same, and the exit status is usable", async () => {
  await using patient = new Patient();
  const text = await patient.call([]);
  expect(text.status).toBe(0);
  expect(text.stdout).toContain("\ncontainers\n");
  expect(text.stdout).not.toContain("\u001b[");
  const json = JSON.parse((await patient.call(["--json"])).stdout);
  expect(json).toMatchObject({ schema: 1, status: "ok" });
  for (const { reason } of json.checks) expect(text.stdout).toContain(reason);
  expect((await patient.call(["docker"])).status).toBe(1);
  expect(await patient.call(["moby"])).toMatchObject({ status: 2, stdout: "" });
  expect(await patient.call(["--moby"])).toMatchObject({ status: 2, stdout: "" });
});

test("daemon.json: damaged, a runtime without a file, one that is no program", async () => {
  await using patient = new Patient();
  const json = (path: string) => JSON.stringify({ runtimes: { rune: { path } } });
  patient.write("etc/docker/daemon.json", '{\n  "runtimes": {,}\n}\n');
  expect(await patient.finding("docker", "runtime")).toMatchObject({
    exit: 1,
    status: "broken",
    reason: expect.stringContaining("no JSON: line 2, column 16"),
  });
  patient.write("etc/docker/daemon.json", json("/usr/local/bin/rune"));
  expect(await patient.finding("docker", "runtime")).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("`/usr/local/bin/rune` is not there"),
    mend: "rune install --docker",
  });
  patient.write("local/bin/rune", "", 0o644);
  expect((await patient.finding("docker", "runtime")).reason).toContain("may not be executed");
  chmodSync(patient.path("local/bin/rune"), 0o755);
  expect(await patient.finding("docker", "runtime")).toMatchObject({ status: "ok" });
});

test("containerd, kubernetes, podman: a damaged file, a shim that is gone, a wrong path", async () => {
  await using patient = new Patient();
  patient.write("etc/containerd/config.toml", "version = 2\n[plugins\n");
  expect(await patient.finding("containerd", "config")).toMatchObject({
    exit: 1,
    status: "broken",
    reason: expect.stringContaining("no TOML: line 2, column"),
  });
  const handler = '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.rune]\n';
  patient.write(
    "etc/containerd/config.toml",
    `version = 2\n${handler}runtime_type = "io.containerd.rune.v2"\n`,
  );
  expect(await patient.finding("kubernetes", "handler")).toMatchObject({ status: "ok" });
  expect(await patient.finding("containerd", "shim")).toMatchObject({ status: "missing", exit: 1 });
  mkdirSync(patient.path("local/bin"), { recursive: true });
  symlinkSync(
    join(repository, "dist/bin/containerd-shim-rune-v2"),
    patient.path("local/bin/containerd-shim-rune-v2"),
  );
  expect(await patient.finding("containerd", "shim")).toMatchObject({ status: "ok" });
  patient.write("etc/containers/containers.conf", '[engine.runtimes]\nrune = ["/gone/rune"]\n');
  expect(await patient.finding("podman", "runtime")).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("`/gone/rune` is not there"),
  });
});

// covers: doctor --aesm-socket
test("AESM: no socket, a dead one, one that listens and is silent", async () => {
  await using patient = new Patient();
  expect(await patient.finding("attestation", "aesm")).toMatchObject({
    exit: 1,
    status: "missing",
  });
  const socket = patient.path("aesm.socket");
  const words = ["--aesm-socket", socket];
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(socket, resolve));
  // A server that closes removes its socket; one that is killed does not.
  const bind = `cp -al "${socket}" "${socket}.dead"`;
  await command(["sh", "-c", bind]);
  await new Promise<void>((resolve) => dead.close(() => resolve()));
  expect(
    await patient.finding("attestation", "aesm", ["--aesm-socket", `${socket}.dead`]),
  ).toMatchObject({ status: "broken", reason: expect.stringContaining("is dead: nobody listens") });
  const silent = createServer((connection) => connection.on("error", () => {}));
  await new Promise<void>((resolve) => silent.listen(socket, resolve));
  expect(await patient.finding("attestation", "aesm", words)).toMatchObject({
    exit: 1,
    status: "broken",
    reason: expect.stringContaining("is listened to, but does not answer as AESM"),
  });
  silent.close();
});

// covers: doctor --pal
test("a PAL of another class, without symbols, that others may write, outside of pal_dirs", async () => {
  await using patient = new Patient();
  const good = readFileSync(join(library, "liberpal-skeleton-v2.so"));
  patient.write("local/lib/liberpal-good.so", good);
  expect(await patient.finding("sgx", "pal")).toMatchObject({
    status: "ok",
    reason: expect.stringContaining("/usr/local/lib/liberpal-good.so"),
  });
  const pal = async (bytes: Uint8Array, mode = 0o644) => {
    patient.write("local/lib/liberpal-bad.so", bytes, mode);
    const { status, reason } = await patient.finding("sgx", "pal");
    expect(status).toBe("broken");
    return reason;
  };
  const class32 = Uint8Array.from(good);
  class32[4] = 1;
  expect(await pal(class32)).toContain("wrong ELF class");
  expect(await pal(readFileSync(join(library, "kernel.node")))).toContain(
    "does not export `pal_init`",
  );
  expect(await pal(good, 0o666)).toContain("may be written by others");
  const outside = patient.path("liberpal-outside.so");
  writeFileSync(outside, good);
  expect((await patient.finding("sgx", "pal", ["--pal", outside])).reason).toContain(
    "none of the node's",
  );
});

// covers: doctor --enclave, doctor --signature
test("an enclave: signed, unsigned, with a forged signature", async () => {
  await using patient = new Patient();
  expect(await patient.finding("sgx", "enclave")).toMatchObject({ status: "ok" });
  patient.write("encl.bin", readFileSync(join(library, "encl.bin")));
  const words = ["--enclave", patient.path("encl.bin")];
  expect(await patient.finding("sgx", "enclave", words)).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("has no signature"),
  });
  const forged = Uint8Array.from(readFileSync(join(library, "encl.ss")));
  forged[960] = (forged[960] ?? 0) ^ 0xff;
  patient.write("forged", forged);
  const named = [...words, "--signature", patient.path("forged")];
  expect(await patient.finding("sgx", "enclave", named)).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("SIGNATURE is not MODULUS's"),
  });
});

test("the node's configuration: another's, an unknown key; nodes that are no devices", async () => {
  await using patient = new Patient();
  const config = "etc/inclavare-containers/config.toml";
  patient.write(config, "[runtime]\npal_dir = 5\n");
  expect(await patient.finding("sgx", "node-config")).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("unknown key `runtime.pal_dir`"),
  });
  patient.write(config, "", 0o666);
  expect((await patient.finding("sgx", "node-config")).reason).toContain("writable by root alone");
  patient.write(config, "");
  const fake = "mount -t tmpfs tmpfs /dev; touch /dev/sgx_enclave; mknod -m 666 /dev/null c 1 3";
  expect(await patient.finding("sgx", "driver", [], fake)).toMatchObject({
    status: "broken",
    reason: "`/dev/sgx_enclave` is no character device",
  });
  // Nobody has registered this number: opening it fails.
  const dead =
    "mount -t tmpfs tmpfs /dev; mknod -m 600 /dev/isgx c 10 250; mknod -m 666 /dev/null c 1 3";
  expect(await patient.finding("sgx", "driver", [], dead)).toMatchObject({
    status: "broken",
    reason: expect.stringContaining(
      "`/dev/isgx` has mode 0600 and cannot be opened: no such device",
    ),
  });
});

test("criu: none, too old", async () => {
  await using patient = new Patient();
  const hidden =
    "mount -t tmpfs tmpfs /usr/local; for f in /usr/sbin/criu /usr/bin/criu; do [ ! -e $f ] || mount --bind /dev/null $f; done";
  expect(await patient.finding("containers", "criu", [], hidden)).toMatchObject({
    status: "missing",
    mend: expect.stringContaining("apt-get install criu"),
  });
  patient.write("local/bin/criu", "#!/bin/sh\necho Version: 3.14\n", 0o755);
  expect(await patient.finding("containers", "criu")).toMatchObject({
    exit: 1,
    status: "broken",
    reason: "criu 3.14 is older than 3.15",
  });
});

// covers: doctor --network
test("nothing goes out without --network; with it, it is said before", async () => {
  await using patient = new Patient();
  const asked: string[] = [];
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      asked.push(new URL(request.url).pathname);
      return new Response("", { status: asked.length === 1 ? 200 : 503 });
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  patient.write("etc/inclavare-containers/config.toml", `[attestation]\ncollateral = "${url}"\n`);
  expect(await patient.finding("attestation", "collateral")).toMatchObject({ status: "unknown" });
  expect(asked).toEqual([]);
  const said = await patient.call(["--network", "attestation"]);
  expect(said.stderr).toContain(`asks \`${url}\` over the network`);
  expect(said.stdout).toContain(`\`${url}\` answers`);
  expect(await patient.finding("attestation", "collateral", ["--network"])).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("answers with status 503"),
  });
  expect(asked).toEqual(Array(2).fill("/sgx/certification/v4/rootcacrl"));
});

// covers: doctor --config-root
test("an image's configuration, without entering the image", async () => {
  await using patient = new Patient();
  patient.write("image/etc/docker/daemon.json", '{"runtimes": {"rune": {"path": "/opt/rune"}}}');
  const words = ["--config-root", patient.path("image")];
  expect(await patient.finding("docker", "runtime", words)).toMatchObject({ status: "broken" });
  patient.write("image/opt/rune", "", 0o755);
  expect(await patient.finding("docker", "runtime", words)).toMatchObject({ status: "ok" });
});
