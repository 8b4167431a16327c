// SPDX-License-Identifier: Apache-2.0
/** Keys and reports of real enclaves, from the service: this machine's, and lasting. */
import { afterAll, beforeAll, expect } from "bun:test";
import { chmodSync } from "node:fs";
import { toHex } from "../../src/sgx/bytes.ts";
import { aesCmac } from "../../src/sgx/cmac.ts";
import { simulate, Workshop } from "../sgxsim/platform.ts";
import { eventually } from "../support/command.ts";
import { needs } from "../support/runtime.ts";
import { obstacle, TestService } from "./service.ts";

const test = needs(obstacle);

let workshop: Workshop;
let mrenclave = "";
let identity = "";
let steady = "";
beforeAll(() => {
  workshop = new Workshop();
  chmodSync(workshop.folder, 0o755);
  mrenclave = toHex(workshop.buildEnclave());
  identity = workshop.compile("identity");
  steady = workshop.compile("steady");
});
afterAll(() => workshop[Symbol.dispose]());

const files = () => [workshop.path("enclave.bin"), workshop.path("enclave.ss")];

/** What `identity` prints, by label. */
function printed(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map((line) => /^(\S+) (.*)$/.exec(line)?.slice(1, 3) ?? []));
}

function ask(service: TestService | undefined, program = [identity]) {
  const options = service === undefined ? [] : ["--service", service.socket];
  const { code, out, err } = simulate([...options, ...program, ...files(), mrenclave]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return printed(out);
}

test("a report made by the service verifies under the key that the service gives its target", async () => {
  await using service = new TestService();
  await service.start();
  const { report = "", "report-key": key = "", unknown, provision } = ask(service);
  const bytes = Buffer.from(report, "hex");
  expect(bytes).toHaveLength(432);
  const mac = aesCmac(Buffer.from(key, "hex"), bytes.subarray(0, 384));
  expect(toHex(mac)).toBe(toHex(bytes.subarray(416)));
  expect(toHex(bytes.subarray(64, 96))).toBe(mrenclave);
  expect([unknown, provision]).toEqual(["error 256 zf 1", "error 2 zf 1"]);
});

test("seal keys outlive the service, killed or stopped; another platform and the constant have others", async () => {
  await using service = new TestService();
  await using other = new TestService();
  await service.start();
  await other.start();
  const first = ask(service);
  await service.kill();
  await service.start();
  expect(ask(service)).toEqual(first);
  await service.stop();
  await service.start();
  expect(ask(service)).toEqual(first);
  for (const elsewhere of [ask(other), ask(undefined)]) {
    expect(elsewhere["seal-enclave"]).not.toBe(first["seal-enclave"]);
    expect(elsewhere["seal-signer"]).not.toBe(first["seal-signer"]);
  }
  expect(await service.call("platform", "reset")).toMatchObject({ status: 1 });
  await service.must("platform", "reset", "--yes");
  await eventually(
    "the service has ended",
    async () => (await service.call("platform", "status")).status === 1,
  );
  await service.start();
  expect(ask(service)["seal-signer"]).not.toBe(first["seal-signer"]);
});

test("the service is handed on to every program that is started under the emulator", async () => {
  await using service = new TestService();
  await service.start();
  const script = 'cd / && exec sh -c \'exec "$0" "$@"\' "$@"';
  expect(ask(service, ["/bin/sh", "-c", script, "sh", identity])).toEqual(ask(service));
});

test("`sgx-tools simulate` starts the service; `--no-service` and `off` do without", async () => {
  await using service = new TestService();
  const words = [identity, ...files(), mrenclave];
  const constant = ask(undefined);
  const without = await service.must("simulate", "--no-service", "--", ...words);
  expect(printed(without.split("\n"))).toMatchObject(constant);
  expect((await service.call("platform", "status")).status).toBe(1);
  const own = printed((await service.must("simulate", "--", ...words)).split("\n"));
  expect(own["seal-signer"]).not.toBe(constant["seal-signer"]);
  expect(own).toMatchObject(ask(service));
});

test("while an enclave runs it is listed and the service stays; then the service ends by itself", async () => {
  await using service = new TestService();
  await service.start(1);
  const child = Bun.spawn([...simulator(service), steady, ...files()], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = linesOf(child.stdout);
  expect(await lines.next()).toBe("ready");
  const [shown, ...more] = JSON.parse(await service.must("platform", "enclaves", "--json"));
  expect(more).toEqual([]);
  expect(shown).toMatchObject({
    mrenclave,
    sizeBytes: 65_536,
    threads: 2,
    productId: 7,
    securityVersion: 3,
    debug: true,
    pid: child.pid,
    process: "steady",
  });
  expect(await service.must("platform", "enclaves")).toContain(mrenclave);
  // Longer than the idle time.
  await Bun.sleep(2500);
  child.stdin.write("\n");
  await child.stdin.flush();
  expect(await lines.next()).toMatch(/^0 [0-9a-f]{32}$/);
  await child.stdin.end();
  expect(await child.exited).toBe(0);
  await eventually("the service has ended", async () => {
    return (await service.call("platform", "status")).status === 1;
  });
});

test("an enclave goes on with a service that was started again, and gets #GP while there is none", async () => {
  await using service = new TestService();
  await service.start();
  const child = Bun.spawn([...simulator(service), steady, ...files()], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines = linesOf(child.stdout);
  const key = async () => {
    child.stdin.write("\n");
    await child.stdin.flush();
    return await lines.next();
  };
  expect(await lines.next()).toBe("ready");
  const first = await key();
  expect(first).toMatch(/^0 [0-9a-f]{32}$/);
  await service.kill();
  await service.start();
  expect(await key()).toBe(first);
  await service.kill();
  child.stdin.write("\n");
  await child.stdin.end();
  await child.exited;
  expect(child.signalCode).toBe("SIGSEGV");
  expect(await new Response(child.stderr).text()).toContain("ask the platform service");
});

test("where no service is, nothing starts that was to use it", () => {
  const { code, err } = simulate(["--service", "/nowhere/platform.sock", "true"]);
  expect(code).toBe(125);
  expect(err).toContain("there is no platform service at `/nowhere/platform.sock`");
  expect(simulate(["--service", "relative", "true"]).code).toBe(125);
});

function simulator(service: TestService): string[] {
  return [`${import.meta.dir}/../../native/build/lib/sgxsim`, "--service", service.socket];
}

function linesOf(stream: ReadableStream<Uint8Array>): { next: () => Promise<string> } {
  const reader = stream.getReader();
  let text = "";
  return {
    next: async () => {
      while (!text.includes("\n")) {
        const { value, done } = await reader.read();
        if (done) return text;
        text += new TextDecoder().decode(value);
      }
      const [line = "", ...rest] = text.split("\n");
      text = rest.join("\n");
      return line;
    },
  };
}
