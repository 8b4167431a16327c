// SPDX-License-Identifier: Apache-2.0
/** How much enclave memory a container on the simulated platform gets: all its processes together. */
import { afterAll, beforeAll, expect } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { Workshop, whySkipped } from "../sgxsim/platform.ts";
import { type JsonObject, shell } from "../support/bundle.ts";
import { needs, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = needs(
  runtimeName === "rune" ? whySkipped || undefined : `${runtimeName} knows no simulated platform`,
);

let workshop: Workshop;
beforeAll(() => {
  workshop = new Workshop();
  if (whySkipped === "") workshop.buildEnclave();
});
afterAll(() => workshop[Symbol.dispose]());

function limited(limit: string, ...more: readonly JsonObject[]): JsonObject[] {
  const unified = { "misc.max": limit };
  return [
    { annotations: { "enclave.platform": "simulation" }, linux: { resources: { unified } } },
    ...more,
  ];
}

function withPrograms(): Sandbox {
  const sandbox = new Sandbox("rune");
  const files = [workshop.compile("epc", "static"), "enclave.bin", "enclave.ss"];
  for (const file of files) {
    const from = file.startsWith("/") ? file : workshop.path(file);
    copyFileSync(from, join(sandbox.bundle.rootfs, from.slice(from.lastIndexOf("/") + 1)));
  }
  return sandbox;
}

/** An enclave has 10 pages, and 4 for what an SECS and a version array are on hardware. */
const fits = (bytes: number) => Math.floor(bytes / 4096 / 14);
const epc = "/epc-static /enclave.bin /enclave.ss";

// covers: linux.resources.unified
test("misc.max with sgx_epc: processes share it, and get back what a killed one had", async () => {
  await using sandbox = withPrograms();
  const script = `
    set -e
    sleep 60 | ${epc} hold >/dev/shm/first &
    until test -s /dev/shm/first; do sleep 0.1; done
    cat /dev/shm/first
    ${epc}
    killall -9 epc-static; sleep 0.5
    ${epc}`;
  const { status, stdout } = await sandbox.run(...limited("sgx_epc 1048576"), shell(script));
  const [first, none, second, more] = stdout.split("\n");
  expect(status).toBe(0);
  expect(first).toMatch(new RegExp(`^${fits(1048576)} enclaves: (open|create|add): errno 12$`));
  expect(none).toMatch(/^0 enclaves: (open|create|add): errno 12$/);
  expect(second).toBe(first);
  expect(more).toBe("1 more after one has gone");
});

test("an exec'ed process has the same pool; without a limit there is none", async () => {
  await using sandbox = withPrograms();
  const id = await sandbox.started(...limited("sgx_epc 262144"));
  const { stdout } = await sandbox.must(["exec", id, ...epc.split(" ")]);
  expect(stdout).toMatch(new RegExp(`^${fits(262144)} enclaves: `));
  const free = await sandbox.run(
    { annotations: { "enclave.platform": "simulation" } },
    shell(`${epc}; ls -a /dev | grep -c sgx_epc`),
  );
  expect(free.stdout).toStartWith("40 enclaves: none: errno 0\n");
  expect(free.stdout).toEndWith("\n0\n");
});

test("a limit that is none", async () => {
  await using sandbox = withPrograms();
  const { status, stderr } = await sandbox.run(...limited("sgx_epc lots"));
  expect(status).toBe(1);
  expect(stderr).toContain("does not say how many bytes of enclave memory");
  await sandbox.expectNothingLeft();
});
