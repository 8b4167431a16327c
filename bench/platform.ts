// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench`: what the platform service costs, on this machine: containers of skeleton v3 with the
 * service, without one and in an ordinary container; one request of each kind; its start; its memory. Medians,
 * interleaved where things are compared. Writes bench/results/platform.md.
 */
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { aesmClient } from "../src/aesm/client.ts";
import { unixExchange } from "../src/aesm/exchange.ts";
import { ecdsaQuote, ecdsaTargetInfo } from "../src/aesm/quoting.ts";
import { aesmSocket, emulatorSocket } from "../src/platform/folders.ts";
import { CODE, encodeRequest, HEADER_BYTES } from "../src/platform/frame.ts";
import { einitRequest, keyRequest } from "../src/platform/testing.ts";
import { TestService, tool } from "../tests/platform/service.ts";
import { Bench, machine, median, once, writeResult } from "./support.ts";

const rounds = Number(process.env["ROUNDS"] ?? 30);
const requests = 20 * rounds;
const root = resolve(import.meta.dir, "..");
type Row = readonly [string, number, string];

using bench = new Bench();
await using service = new TestService();
await service.start(0);
const rows = [...containers(), ...(await perRequest()), await starts(), ...(await memory())];
writeResult(
  "platform",
  `# The platform service

${machine()}
Medians of ${rounds} rounds, of ${requests} for requests, each of which is a connection of its own. Load average at the end: ${load()}.

| | | |
|---|---|---|
${rows.map(([name, value, unit]) => `| ${name} | ${value.toFixed(2)} | ${unit} |`).join("\n")}
`,
);

/** What differs is what stands behind the enclave; the ordinary container runs no enclave at all. */
function containers(): Row[] {
  // Not below /tmp: a PAL is loaded only from where root alone can have put it.
  const pals = mkdtempSync("/var/lib/inclavare-bench-");
  try {
    chmodSync(pals, 0o755);
    const library = join(root, "dist/lib/inclavare");
    const pal = join(pals, "liberpal-skeleton-v3.so");
    copyFileSync(join(library, "liberpal-skeleton-v3.so"), pal);
    const configFile = join(pals, "config.toml");
    writeFileSync(configFile, `[runtime]\npal_dirs = ["${pals}"]\nallow_simulation = true\n`);
    const enclave = bench.bundle("enclave", ["hello"], (config) => {
      const variables = ["ENCLAVE_TYPE=intelSgx", "ENCLAVE_PLATFORM=simulation"];
      config.process["env"] = [...variables, `ENCLAVE_RUNTIME_PATH=${pal}`];
    });
    for (const name of ["encl.bin", "encl.ss"]) {
      copyFileSync(join(library, name), join(enclave, "rootfs", name));
    }
    const kinds = [
      ["an ordinary container", bench.bundle("plain", ["/bin/true"]), {}],
      ["skeleton v3 without a service", enclave, { INCLAVARE_PLATFORM: "off" }],
      ["skeleton v3 with the service", enclave, service.variables],
    ] as const;
    const rune = [join(root, "dist/bin/rune"), "--config", configFile];
    const times = kinds.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [index, [, bundle, variables]] of kinds.entries()) {
        const id = `bench-platform-${process.pid}-${round}`;
        const words = ["--root", bench.stateRoot("rune"), "run", "--bundle", bundle, id];
        const { wallMs } = once([...rune, ...words], { PATH: "/usr/bin:/bin", ...variables });
        times[index]?.push(wallMs);
      }
    }
    return kinds.map(([name], index) => [`rune run, ${name}`, median(times[index] ?? []), "ms"]);
  } finally {
    rmSync(pals, { recursive: true });
  }
}

/** As the emulator asks, and as a program asks for a quote; connecting is part of it. */
async function perRequest(): Promise<Row[]> {
  const socket = emulatorSocket(service.folders);
  const launched = await ask(socket, encodeRequest(einitRequest()));
  const identity = launched.subarray(HEADER_BYTES);
  const key = encodeRequest(keyRequest(identity));
  const payload = new Uint8Array(784);
  payload.set(identity.subarray(0, 208));
  const report = encodeRequest({ code: CODE.EREPORT, payload });
  const client = aesmClient({
    exchange: unixExchange({ socket: aesmSocket(service.folders) }),
    timeoutMs: 10_000,
  });
  const kinds = [
    ["EINIT", () => ask(socket, encodeRequest(einitRequest()))],
    ["EGETKEY", () => ask(socket, key)],
    ["EREPORT", () => ask(socket, report)],
    ["ECDSA quote over AESM (three requests)", () => quote(client, socket, identity)],
  ] as const;
  const times = kinds.map((): number[] => []);
  for (let round = 0; round < requests; round++) {
    for (const [index, [, act]] of kinds.entries()) {
      const before = Bun.nanoseconds();
      await act();
      times[index]?.push((Bun.nanoseconds() - before) / 1e6);
    }
  }
  return kinds.map(([name], index) => [name, median(times[index] ?? []), "ms"]);
}

async function quote(
  client: ReturnType<typeof aesmClient>,
  socket: string,
  identity: Uint8Array,
): Promise<void> {
  const payload = new Uint8Array(784);
  payload.set(identity.subarray(0, 208));
  payload.set(await ecdsaTargetInfo(client), 208);
  const reply = await ask(socket, encodeRequest({ code: CODE.EREPORT, payload }));
  await ecdsaQuote(client, reply.subarray(HEADER_BYTES));
}

function ask(socket: string, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((done, failed) => {
    const parts: Buffer[] = [];
    const connection = connect({ path: socket }, () => connection.write(bytes));
    connection.on("data", (chunk: Buffer) => parts.push(chunk));
    connection.on("error", failed);
    connection.on("close", () => {
      const reply = Buffer.concat(parts);
      if (reply.length > HEADER_BYTES) done(reply);
      else failed(new Error("the service refused"));
    });
  });
}

/** From the command to an answering service, folders and secret made before. */
async function starts(): Promise<Row> {
  await using other = new TestService();
  const times: number[] = [];
  for (let round = 0; round < Math.max(3, rounds / 3); round++) {
    times.push(once([tool, "platform", "start"], other.variables).wallMs);
    await other.stop();
  }
  return ["the service's start, sgx-tools included", median(times), "ms"];
}

/** A service that has answered nothing yet, and the one that has answered all of the above. */
async function memory(): Promise<Row[]> {
  await using other = new TestService();
  await other.start();
  const idle = pssMiB((await other.status()).pid);
  const used = pssMiB((await service.status()).pid);
  return [
    ["memory (PSS) of an idle service", idle, "MiB"],
    [`memory (PSS) after ${5 * requests} requests and ${rounds} enclaves`, used, "MiB"],
  ];
}

/** Absolute times of a machine that is busy with something else mean little. */
function load(): string {
  return readFileSync("/proc/loadavg", "utf8").split(" ")[0] ?? "?";
}

function pssMiB(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1]) / 1024;
}
