// SPDX-License-Identifier: Apache-2.0
/** The out-of-tree driver, whose enclaves need a launch token: from AESM into EINIT. */
import { afterAll, beforeAll, expect } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { aesmSocket } from "../../src/platform/folders.ts";
import { simulate, Workshop } from "../sgxsim/platform.ts";
import { needs } from "../support/runtime.ts";
import { obstacle, TestService } from "./service.ts";

const test = needs(obstacle);

const INVALID_EINITTOKEN = 16;

let workshop: Workshop;
let legacy = "";
beforeAll(() => {
  workshop = new Workshop();
  chmodSync(workshop.folder, 0o755);
  workshop.buildEnclave();
  legacy = workshop.compile("legacy");
});
afterAll(() => workshop[Symbol.dispose]());

const sigstruct = () => workshop.path("enclave.ss");

function launch(service: TestService | undefined, token: string) {
  const options = service === undefined ? [] : ["--service", service.socket];
  const { out, err } = simulate([
    ...options,
    legacy,
    workshop.path("enclave.bin"),
    sigstruct(),
    token,
  ]);
  return { out, err };
}

/** With `sgx-tools gen-token`. */
async function makeToken(service: TestService, name: string): Promise<string> {
  const path = workshop.path(name);
  const socket = ["--aesm-socket", aesmSocket(service.folders)];
  await service.must("gen-token", "--signature", sigstruct(), "--token", path, ...socket);
  return path;
}

test("an enclave starts with its token, and with no other or none", async () => {
  await using service = new TestService();
  await using other = new TestService();
  await service.start();
  await other.start();
  const token = await makeToken(service, "token");
  expect(launch(service, token)).toEqual({ out: ["launched"], err: "" });
  const refused = { out: [`init: ${INVALID_EINITTOKEN} errno 0`], err: "" };
  expect(launch(service, "-")).toEqual(refused);
  expect(launch(other, token)).toEqual(refused);
  expect(launch(other, await makeToken(other, "other"))).toMatchObject({ out: ["launched"] });
  const bytes = readFileSync(token);
  bytes[300] = (bytes[300] ?? 0) ^ 1;
  writeFileSync(workshop.path("forged"), bytes);
  expect(launch(service, workshop.path("forged"))).toEqual(refused);
});

test("a token outlives the service", async () => {
  await using service = new TestService();
  await service.start();
  const token = await makeToken(service, "lasting");
  await service.kill();
  await service.start();
  expect(launch(service, token)).toMatchObject({ out: ["launched"] });
});

test("without a service nobody has a launch key, and tokens are not looked at", () => {
  expect(launch(undefined, "-")).toEqual({ out: ["launched"], err: "" });
});
