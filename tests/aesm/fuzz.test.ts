// SPDX-License-Identifier: Apache-2.0
/**
 * Changed bytes at both ends of the protocol, crowds, and clients that die. Bounded by numbers of
 * rounds, not by time; a failure names the seed that repeats it with FUZZ_SEED.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answer } from "../../src/aesm/answer.ts";
import { aesmClient } from "../../src/aesm/client.ts";
import { decodeRequest, decodeResponse, encodeRequest } from "../../src/aesm/codec.ts";
import { aesmNumberOf } from "../../src/aesm/errors.ts";
import { unixExchange } from "../../src/aesm/exchange.ts";
import { encodeFrame } from "../../src/aesm/frame.ts";
import { type Listener, listen } from "../../src/aesm/listener.ts";
import { ecdsaQuoteBytes } from "../../src/aesm/quote-bytes.ts";
import { ecdsaQuote, ecdsaTargetInfo, epidQuote, epidTargetInfo } from "../../src/aesm/quoting.ts";
import type { AnyRequest } from "../../src/aesm/schema.ts";
import { testPlatform } from "../../src/aesm/testing.ts";
import { Fuzz, fuzzSeed, requireCode } from "../support/fuzz.ts";

const fuzz = new Fuzz(fuzzSeed);
const random = (limit: number) => fuzz.below(limit);
const mutate = (bytes: Uint8Array) => fuzz.mutate(bytes);
const pick = <T>(from: readonly T[]) => fuzz.pick(from);
const platform = testPlatform();
const { attKeyId } = platform.ecdsa;
const quoteBytes = ecdsaQuoteBytes(await platform.ecdsa.initialise());
const epidReport = platform.report(await platform.epid.targetInfo());
const ecdsaReport = platform.report(await platform.ecdsa.targetInfo());
const spid = new Uint8Array(16).fill(0x5d);
const nonce = new Uint8Array(16).fill(0x5e);

/** One valid request of each kind that does something. */
const requests: readonly AnyRequest[] = [
  { name: "initQuote", value: { timeout: 1 } },
  {
    name: "getQuote",
    value: {
      report: epidReport,
      quoteType: 1,
      spid,
      nonce,
      sigRl: nonce,
      bufSize: 2048,
      qeReport: true,
    },
  },
  {
    name: "getLaunchToken",
    value: { mrEnclave: new Uint8Array(32), modulus: new Uint8Array(384), attributes: nonce },
  },
  { name: "initQuoteEx", value: { attKeyId, wantPubKeyId: true, bufSize: 32n } },
  { name: "getQuoteSizeEx", value: { attKeyId } },
  { name: "getQuoteEx", value: { report: ecdsaReport, attKeyId, bufSize: quoteBytes } },
  { name: "selectAttKeyId", value: { attKeyIdList: new Uint8Array(264) } },
  { name: "getSupportedAttKeyIds", value: { bufSize: 256 } },
];

let folder: string;
let socket: string;
let service: Listener;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "aesm-fuzz-"));
  socket = join(folder, "aesm.sock");
  service = await listen({ socket, answer: (message) => answer(platform, message) });
});
afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

describe(`seed ${fuzzSeed}`, () => {
  test("the core answers changed requests, or says that they are none", async () => {
    let answered = 0;
    for (let round = 0; round < 20_000; round++) {
      const message = mutate(encodeRequest(pick(requests)));
      try {
        const reply = decodeResponse(await answer(platform, message));
        expect(reply.value.errorCode).toBeLessThanOrEqual(51);
        answered++;
      } catch (error) {
        requireCode(error, ["AESM_PROTOCOL"]);
      }
    }
    expect(answered).toBeGreaterThan(0);
  });
  test("what was decoded encodes to what decodes the same", () => {
    for (let round = 0; round < 5000; round++) {
      try {
        const request = decodeRequest(mutate(encodeRequest(pick(requests))));
        expect(decodeRequest(encodeRequest(request))).toEqual(request);
      } catch (error) {
        requireCode(error, ["AESM_PROTOCOL"]);
      }
    }
  });
  test("the client takes changed replies for right or wrong, and for nothing else", async () => {
    const client = aesmClient({
      timeoutMs: 1000,
      exchange: async (message) => {
        const reply = await answer(platform, message);
        return random(3) === 0 ? mutate(reply) : reply;
      },
    });
    const flows = [
      () => epidTargetInfo(client),
      () => ecdsaTargetInfo(client),
      () => epidQuote(client, { report: epidReport, linkable: true, spid }),
      () => ecdsaQuote(client, ecdsaReport),
    ];
    const report = (bytes: Uint8Array) => bytes.subarray(48, 432);
    for (let round = 0; round < 3000; round++) {
      try {
        const result = await pick(flows)();
        // A quote that comes back is about the report that was sent.
        if (result.length > 512) {
          const body = Buffer.from(report(result));
          expect(
            body.equals(epidReport.subarray(0, 384)) || body.equals(ecdsaReport.subarray(0, 384)),
          ).toBe(true);
        }
      } catch (error) {
        requireCode(error, ["AESM_PROTOCOL", "AESM_REFUSED"]);
      }
    }
  });
  test("changed frames over the socket", async () => {
    for (let round = 0; round < 600; round++) {
      const frame = mutate(encodeFrame(encodeRequest(pick(requests))));
      await sendAndLeave(frame, random(3));
    }
    await alive();
  });
});

test("a thousand clients at once", async () => {
  const before = descriptors();
  const client = aesmClient({
    exchange: unixExchange({ socket, timeoutMs: 60_000 }),
    timeoutMs: 60_000,
  });
  const asked = Array.from({ length: 1000 }, (_, index) =>
    index % 2 === 0
      ? client
          .ask("getQuoteEx", { report: ecdsaReport, attKeyId, bufSize: quoteBytes })
          .then(({ quote }) => quote?.length)
      : client
          .ask("getLaunchToken", { mrEnclave: spid, modulus: spid, attributes: spid })
          .catch(aesmNumberOf),
  );
  const replies = await Promise.all(asked);
  expect(new Set(replies.filter((_, index) => index % 2 === 0))).toEqual(new Set([quoteBytes]));
  expect(new Set(replies.filter((_, index) => index % 2 === 1))).toEqual(new Set([3]));
  await until(() => service.connections() === 0);
  await until(() => descriptors() <= before);
});

test("slow clients hold nobody up", async () => {
  // A service of its own, which does not lose patience before the test has looked.
  const slow = await listen({
    socket: join(folder, "slow.sock"),
    answer: (message) => answer(platform, message),
    limits: { requestMs: 600_000 },
  });
  const crowd = Array.from({ length: 300 }, () => connect({ path: join(folder, "slow.sock") }));
  for (const connection of crowd) {
    connection.on("error", () => {});
    connection.write(Uint8Array.of(3, 0, 0));
  }
  await until(() => slow.connections() === crowd.length);
  await alive(join(folder, "slow.sock"));
  for (const connection of crowd) connection.destroy();
  await until(() => slow.connections() === 0);
  await slow.close();
});

test("clients that are killed in the middle of a request, or before they take the reply", async () => {
  const frame = encodeFrame(encodeRequest(pick(requests)));
  for (const part of [frame.subarray(0, 2), frame.subarray(0, -1), frame]) {
    const source = `
      const connection = require("node:net").connect({ path: ${JSON.stringify(socket)} }, () => {
        connection.write(Buffer.from("${Buffer.from(part).toString("hex")}", "hex"), () => process.kill(process.pid, 9));
      });`;
    const child = Bun.spawn([process.execPath, "-e", source], {
      stdout: "ignore",
      stderr: "ignore",
    });
    await child.exited;
    expect(child.signalCode).toBe("SIGKILL");
    await until(() => service.connections() === 0);
    await alive();
  }
});

/** The service still answers as it did. */
async function alive(where = socket): Promise<void> {
  const client = aesmClient({ exchange: unixExchange({ socket: where }), timeoutMs: 30_000 });
  expect(await epidTargetInfo(client)).toEqual(await platform.epid.targetInfo());
}

/** Sends bytes and leaves: at once, after shutting its side, or once the peer says something or ends. */
function sendAndLeave(bytes: Uint8Array, manner: number): Promise<void> {
  return new Promise((resolve) => {
    const connection = connect({ path: socket, allowHalfOpen: true }, () => {
      if (manner === 1) connection.end(bytes);
      else connection.write(bytes, () => manner === 0 && connection.destroy());
      // A frame that announces more than it holds would wait for the service's own limit.
      if (manner === 2) setTimeout(() => connection.destroy(), 20);
    });
    connection.on("data", () => connection.destroy());
    connection.on("end", () => connection.destroy());
    connection.on("error", () => {});
    connection.on("close", () => resolve());
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(5);
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
