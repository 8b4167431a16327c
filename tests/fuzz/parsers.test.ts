// SPDX-License-Identifier: Apache-2.0
/**
 * Every parser of the TypeScript part against changed input: it gives a value, or an error of a code
 * that it may give, in bounded time. docs/explanation/fuzzing.md has the table. A failure is repeated
 * with the FUZZ_SEED that is in its test's name.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { parseQuote } from "../../src/attest/quote/quote.ts";
import { makeEvidence } from "../../src/attest/testing/evidence.ts";
import { parseCertificate } from "../../src/attest/x509/certificate.ts";
import { parseCrl } from "../../src/attest/x509/crl.ts";
import { parseNodeConfig } from "../../src/config/node-config.ts";
import { parseState } from "../../src/container/state.ts";
import { decodeResponse } from "../../src/criu/messages.ts";
import { decodeMessage, encodeMessage } from "../../src/dbus/message.ts";
import { decodeReply } from "../../src/enclave/agent-frame.ts";
import { RuneError } from "../../src/errors/error.ts";
import * as netlink from "../../src/netlink/message.ts";
import { defaultSpec } from "../../src/oci/default-spec.ts";
import { parseConfig, parseProcess, parseResources } from "../../src/oci/parse-config.ts";
import { codes, decodeHello } from "../../src/planner/frames.ts";
import { encodeRequest, readRequest } from "../../src/platform/frame.ts";
import { decode, encode } from "../../src/protobuf/codec.ts";
import { RecordWriter } from "../../src/record/record.ts";
import { signSigstruct } from "../../src/sgx/sign.ts";
import { parseSigstruct } from "../../src/sgx/sigstruct.ts";
import { parseSkeletonImage } from "../../src/sgx/skeleton-image.ts";
import { prepareSkeleton } from "../../src/sgx/skeleton-sign.ts";
import { newSigningKey, testImage } from "../../src/sgx/testing.ts";
import { verifySigstruct } from "../../src/sgx/verify.ts";
import { CreateTaskRequest } from "../../src/shim/proto/task-v2.gen.ts";
import { encodeFrame, type Frame, FrameReader } from "../../src/ttrpc/frame.ts";
import { parseManifest } from "../../src/wasm/manifest.ts";
import { parseModule } from "../../src/wasm/module.ts";
import { Fuzz, fuzzSeed, requireCode, rounds } from "../support/fuzz.ts";

setDefaultTimeout(process.env["CONFORMANCE"] === "1" ? 600_000 : 120_000);

type Parser = {
  readonly name: string;
  /** What is changed. */
  readonly seeds: readonly Uint8Array[];
  readonly parse: (bytes: Uint8Array) => unknown;
  /** Of the errors that it may give. */
  readonly codes: readonly string[];
  readonly rounds: number;
};

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

const spec = defaultSpec(
  { kind: "enclave", palPath: "/usr/lib/pal.so", aesmd: true },
  { unifiedCgroups: true },
);
const entry = { args: ["sh"], cwd: "/", env: ["A=b"], user: { uid: 0, gid: 0 } };
const resources = { memory: { limit: 1 << 20 }, cpu: { shares: 10, cpus: "0-1" }, pids: {} };
const state = { schema: 1, id: "web", bundle: "/srv", cgroup: [], annotations: {} };
const image = testImage();
const sigstruct = signSigstruct(
  prepareSkeleton(image, { date: 0x2026_1128 }).body,
  newSigningKey(),
);
const evidence = makeEvidence();
const { quote } = evidence;

const manifest = `name = "web"\n[[directory]]\npath = "/data"\nmode = "plain"\n`;
const nodeConfig = `[runtime]\npal_dirs = ["/usr/lib"]\n[attestation]\npolicy = "/p"\n[unknown]\nx = 1\n`;

/** A module with a memory, a function and an export. */
const module = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 4, 1, 0x60, 0, 0], // types: () -> ()
  ...[3, 2, 1, 0], // functions
  ...[5, 3, 1, 0, 1], // memory
  ...[
    7, 19, 2, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 0, 6, 0x5f, 0x73, 0x74, 0x61, 0x72, 0x74, 0,
    0,
  ],
  ...[10, 7, 1, 5, 0, 0x41, 1, 0x1a, 0x0b], // i32.const 1, drop
]);

const hello = new RecordWriter()
  .begin(codes.hello)
  .u32(1)
  .u64(7n)
  .u64(8n)
  .list(["run", "web"])
  .bytes(bytes("A=1\0"))
  .u32(1)
  .u32(3)
  .end()
  .finish();
const agentReplies = [
  new RecordWriter().begin(0x8001).u32(0x544e4741).u32(1).u32(3).u32(7).u32(1).end().finish(),
  new RecordWriter().begin(0x8003).u32(0).u32(7).end().finish(),
  new RecordWriter().begin(0x80ff).u32(3).u32(2).string("run `x`").string("no").end().finish(),
];
const task = encode(CreateTaskRequest, {
  ...{ id: "web", bundle: "/srv/web", rootfs: [], terminal: true, stdin: "/a", stdout: "/b" },
  ...{ stderr: "", checkpoint: "", parentCheckpoint: "" },
});

/** All frames of a stream that comes in pieces, and no more memory than has come. */
function readFrames(stream: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader((frame) => frames.push(frame));
  for (let at = 0; at < stream.length; at += 7) reader.push(stream.subarray(at, at + 7));
  const held = frames.reduce((sum, { data }) => sum + data.length, 0);
  if (held > stream.length) throw new Error(`${held} bytes of ${stream.length}`);
  return frames;
}

const parsers: readonly Parser[] = [
  {
    name: "config.json, as bytes",
    ...{ seeds: [bytes(JSON.stringify(spec))], parse: (data) => parseConfig(data) },
    ...{ codes: ["CONFIG_INVALID", "CONFIG_UNSUPPORTED"], rounds: 2000 },
  },
  {
    name: "process.json of exec",
    ...{ seeds: [bytes(JSON.stringify(entry))], parse: parseProcess },
    ...{ codes: ["CONFIG_INVALID", "CONFIG_UNSUPPORTED"], rounds: 5000 },
  },
  {
    name: "resources of update",
    ...{ seeds: [bytes(JSON.stringify(resources))], parse: parseResources },
    ...{ codes: ["CONFIG_INVALID", "CONFIG_UNSUPPORTED"], rounds: 5000 },
  },
  {
    name: "state.json",
    ...{ seeds: [bytes(JSON.stringify(state))], parse: (data) => parseState(data, "/s") },
    ...{ codes: ["STATE_CORRUPT", "STATE_NEWER"], rounds: 5000 },
  },
  {
    name: "the node's configuration",
    ...{ seeds: [bytes(nodeConfig)], parse: (data) => parseNodeConfig(text(data), "/c") },
    ...{ codes: ["NODE_CONFIG"], rounds: 5000 },
  },
  {
    name: "SIGSTRUCTs",
    seeds: [sigstruct],
    parse: (data) => [parseSigstruct(data), verifySigstruct(data)],
    ...{ codes: ["SGX_FORMAT", "SGX_SIGNATURE", "SGX_LIMIT", "SGX_KEY"], rounds: 3000 },
  },
  {
    name: "images of skeleton enclaves",
    ...{ seeds: [image], parse: parseSkeletonImage, codes: ["SGX_FORMAT"], rounds: 1000 },
  },
  {
    name: "quotes",
    ...{ seeds: [quote, makeEvidence({ version: 5, body: "td15" }).quote] },
    parse: (data) => parseQuote(data, { allowTrailing: data.length % 2 === 0 }),
    ...{ codes: ["ATTEST_FORMAT", "ATTEST_UNSUPPORTED", "SGX_FORMAT"], rounds: 5000 },
  },
  {
    name: "certificates",
    seeds: certificatesOf(),
    ...{ parse: (data) => parseCertificate(data) },
    ...{ codes: ["ATTEST_FORMAT", "ATTEST_UNSUPPORTED", "ATTEST_CERTIFICATE"], rounds: 5000 },
  },
  {
    name: "revocation lists",
    seeds: [evidence.collateral.rootCrl, evidence.collateral.pckCrl].filter(
      (crl) => crl !== undefined,
    ),
    ...{ parse: (data) => parseCrl(data) },
    ...{ codes: ["ATTEST_FORMAT", "ATTEST_UNSUPPORTED", "ATTEST_CERTIFICATE"], rounds: 5000 },
  },
  {
    name: "agent's replies",
    ...{ seeds: agentReplies, parse: decodeReply, codes: ["AGENT"], rounds: 20_000 },
  },
  {
    name: "planner's HELLO",
    ...{ seeds: [hello], parse: decodeHello, codes: ["RUNELET", "USAGE"], rounds: 20_000 },
  },
  {
    name: "platform service's requests",
    ...{ seeds: [encodeRequest({ code: 1, payload: new Uint8Array() })], parse: readRequest },
    ...{ codes: ["PLATFORM_PROTOCOL"], rounds: 10_000 },
  },
  {
    name: "ttrpc frames",
    seeds: [Uint8Array.from([...encodeFrame(1, 1, 0, task), ...encodeFrame(3, 2, 1, bytes("x"))])],
    ...{ parse: readFrames, codes: [], rounds: 20_000 },
  },
  {
    name: "protocol buffers of tasks",
    ...{ seeds: [task], parse: (data) => decode(CreateTaskRequest, data) },
    ...{ codes: ["PROTOBUF"], rounds: 20_000 },
  },
  {
    name: "D-Bus messages",
    seeds: [
      encodeMessage({
        type: "error",
        serial: 3,
        replySerial: 1,
        errorName: "a.b",
        signature: "s",
        body: ["no"],
      }),
    ],
    ...{ parse: decodeMessage, codes: ["DBUS"], rounds: 20_000 },
  },
  {
    name: "netlink messages",
    seeds: [
      netlink.encodeMessage({
        ...{ type: 16, flags: 2, sequence: 9 },
        payload: netlink.encodePayload(new Uint8Array(4), [
          { type: 3, value: bytes("eth0\0") },
          { type: 4, value: new Uint8Array(4) },
        ]),
      }),
    ],
    parse: (data) =>
      netlink.decodeMessages(data).map(({ payload }) => netlink.decodeAttributes(payload, 4)),
    ...{ codes: ["SYSCALL"], rounds: 20_000 },
  },
  {
    name: "criu's answers",
    ...{ seeds: [Uint8Array.from([8, 1, 16, 1, 26, 2, 8, 5])], parse: decodeResponse },
    ...{ codes: ["CRIU"], rounds: 20_000 },
  },
  {
    name: "WebAssembly modules",
    ...{ seeds: [module], parse: parseModule, codes: ["WASM_MODULE"], rounds: 20_000 },
  },
  {
    name: "manifests of WebAssembly enclaves",
    ...{ seeds: [bytes(manifest)], parse: (data) => parseManifest(text(data), "/m") },
    ...{ codes: ["WASM_MANIFEST"], rounds: 5000 },
  },
];

function certificatesOf(): Uint8Array[] {
  const pem = Buffer.from(quote).toString("latin1");
  const found = [...pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END/g)];
  return found.map(([, body = ""]) => new Uint8Array(Buffer.from(body, "base64")));
}

describe(`seed ${fuzzSeed}`, () => {
  test.each(parsers.map((parser) => [parser.name, parser] as const))("%s", (_name, parser) => {
    const fuzz = new Fuzz(fuzzSeed);
    const { seeds, parse, codes: allowed } = parser;
    expect(seeds.length).toBeGreaterThan(0);
    for (const seed of seeds) parse(seed); // good to begin with
    let refused = 0;
    for (let round = 0; round < rounds(parser.rounds); round++) {
      const changed = fuzz.mutate(fuzz.pick(seeds));
      try {
        parse(changed);
      } catch (error) {
        refused++;
        if (error instanceof RuneError && allowed.includes(error.code)) continue;
        throw new Error(`round ${round}: ${Buffer.from(changed).toString("hex")}`, {
          cause: error,
        });
      }
    }
    if (allowed.length > 0) expect(refused).toBeGreaterThan(0);
  });

  test("config.json, as a document with values of other kinds", () => {
    const fuzz = new Fuzz(fuzzSeed);
    const outcomes = { taken: 0, refused: 0 };
    for (let round = 0; round < rounds(5000); round++) {
      const changed = JSON.stringify(fuzz.mutateJson(spec)) ?? "null";
      try {
        parseConfig(bytes(changed));
        outcomes.taken++;
      } catch (error) {
        outcomes.refused++;
        requireCode(error, ["CONFIG_INVALID", "CONFIG_UNSUPPORTED"]);
      }
    }
    expect(outcomes.refused).toBeGreaterThan(0);
    expect(({} as { path?: unknown }).path).toBeUndefined(); // nobody's prototype was written to
  });
});
