// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RuneError } from "../../errors/error.ts";
import { S_IFCHR, S_IFREG } from "../../kernel/constants.ts";
import { linux } from "../../kernel/linux.ts";
import { readVdso } from "../../kernel/processor.ts";
import { look, machine, settings, withFiles } from "../testing.ts";
import { sgxBios } from "./sgx-bios.ts";
import { sgxCpu } from "./sgx-cpu.ts";
import { sgxDriver } from "./sgx-driver.ts";
import { sgxEnclave } from "./sgx-enclave.ts";
import { sgxEpc } from "./sgx-epc.ts";
import { sgxFlc } from "./sgx-flc.ts";
import { sgxFsgsbase } from "./sgx-fsgsbase.ts";
import { sgxNodeConfig } from "./sgx-node-config.ts";
import { sgxPal } from "./sgx-pal.ts";
import { sgxSimulation } from "./sgx-simulation.ts";
import { sgxVdso } from "./sgx-vdso.ts";

const whole = machine();
const noSgx = machine({ cpu: { "0:0": [0x16, 0, 0, 0], "7:0": [0, 1, 0, 0] } });
const cpu = (change: (typeof whole)["cpu"]) => machine({ cpu: { ...whole.cpu, ...change } });

test("a processor has SGX or not, and an old one is not asked for leaves that it has not", async () => {
  expect(await look(sgxCpu, whole)).toEqual({ status: "ok", reason: "the processor has SGX" });
  expect(await look(sgxCpu, noSgx)).toMatchObject({ status: "missing" });
  expect(await look(sgxCpu, cpu({ "0:0": [5, 0, 0, 0] }))).toMatchObject({ status: "missing" });
});

test("launch control", async () => {
  expect(await look(sgxFlc, whole)).toMatchObject({ status: "ok" });
  expect(await look(sgxFlc, cpu({ "7:0": [0, 0b101, 0, 0] }))).toMatchObject({
    status: "missing",
    reason: expect.stringContaining("no flexible launch control"),
  });
  expect(await look(sgxFlc, noSgx)).toMatchObject({ status: "missing" });
});

test("enclave memory: sections are added up, none and little are broken", async () => {
  expect(await look(sgxEpc, whole)).toEqual({ status: "ok", reason: "88 MiB in 1 section(s)" });
  const more = cpu({ "18:3": [1, 0, 1, 2] }); // 8 GiB
  expect(await look(sgxEpc, more)).toMatchObject({ reason: "8280 MiB in 2 section(s)" });
  expect(await look(sgxEpc, cpu({ "18:2": [0, 0, 0, 0] }))).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("no memory"),
  });
  expect(await look(sgxEpc, cpu({ "18:2": [1, 0, 0x0200_0001, 0] }))).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("only 32 MiB"),
  });
  expect(await look(sgxEpc, noSgx)).toMatchObject({ status: "missing" });
});

test("firmware: not locked, locked off, locked on with and without launch control, not readable", async () => {
  const findings = await Promise.all(
    [0n, 1n, 1n | (1n << 18n), whole.msr, undefined].map((msr) => look(sgxBios, machine({ msr }))),
  );
  expect(findings.map(({ status }) => status)).toEqual(["broken", "broken", "ok", "ok", "unknown"]);
  expect(findings[1]?.reason).toContain("SGX disabled");
  const off = machine({ msr: undefined, cpu: { ...whole.cpu, "18:0": [0, 0, 0, 0] } });
  expect(await look(sgxBios, off)).toMatchObject({
    status: "broken",
    reason: "the firmware has not enabled SGX",
  });
  expect(await look(sgxBios, noSgx)).toMatchObject({ status: "missing" });
});

test("FSGSBASE is the kernel's to enable, and matters where there is SGX", async () => {
  expect(await look(sgxFsgsbase, whole)).toMatchObject({ status: "ok" });
  const files = { "/proc/cpuinfo": "flags : fpu\n" };
  expect(await look(sgxFsgsbase, withFiles(files))).toMatchObject({ status: "broken" });
  expect(await look(sgxFsgsbase, { ...noSgx, files })).toMatchObject({ status: "missing" });
});

test("the driver's node: there, none, no device, closed", async () => {
  expect(await look(sgxDriver, whole)).toMatchObject({ status: "ok" });
  expect(await look(sgxDriver, machine({ modes: {} }))).toMatchObject({
    status: "missing",
    reason: expect.stringContaining("kernel 6.1.0-18-amd64 shows no driver"),
  });
  expect(await look(sgxDriver, { ...noSgx, modes: {} })).toMatchObject({
    status: "missing",
    reason: expect.stringContaining("no driver"),
  });
  const old = machine({ modes: { "/dev/isgx": S_IFCHR | 0o666 } });
  expect(await look(sgxDriver, old)).toEqual({
    status: "ok",
    reason: "`/dev/isgx` can be opened",
  });
  const file = machine({ modes: { "/dev/sgx_enclave": S_IFREG | 0o666 } });
  expect(await look(sgxDriver, file)).toMatchObject({
    status: "broken",
    reason: "`/dev/sgx_enclave` is no character device",
  });
  const closed = machine({
    modes: { "/dev/sgx_enclave": S_IFCHR | 0o600 },
    refusals: { "/dev/sgx_enclave": "permission denied" },
  });
  expect(await look(sgxDriver, closed)).toEqual({
    status: "broken",
    reason: "`/dev/sgx_enclave` has mode 0600 and cannot be opened: permission denied",
    mend: "usermod -aG sgx $(id -un), and log in again; /dev must not be mounted with nodev",
  });
});

test("the vDSO is read as a shared object", async () => {
  expect(await look(sgxVdso, whole)).toMatchObject({ status: "unknown" });
  const real = readVdso(linux);
  const found = await look(sgxVdso, machine({ vdso: real }));
  expect(found.reason).toContain("__vdso_sgx_enter_enclave");
  expect(["ok", "missing"]).toContain(found.status);
});

test("the simulated platform", async () => {
  const { platformSocket = "" } = settings;
  expect(await look(sgxSimulation, whole)).toMatchObject({ status: "ok" });
  const listening = withFiles({ [platformSocket]: "" }, {}, { listening: [platformSocket] });
  expect(await look(sgxSimulation, listening)).toMatchObject({
    reason: `the service answers at \`${platformSocket}\``,
  });
  expect(await look(sgxSimulation, machine({ modes: {} }))).toMatchObject({ status: "missing" });
  const closed = machine({ modes: { "/lib/rune/sgxsim": S_IFREG | 0o644 } });
  expect(await look(sgxSimulation, closed)).toMatchObject({ status: "broken" });
});

test("the node's configuration: its warnings are findings", async () => {
  expect(await look(sgxNodeConfig, whole)).toMatchObject({ status: "ok" });
  const odd = machine({ config: '[runtime]\nplatfrom = "simulation"\n' });
  expect(await look(sgxNodeConfig, odd)).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("`runtime.platfrom`"),
  });
});

const built = join(import.meta.dir, "../../../native/build/lib");
const skeleton = readFileSync(join(built, "liberpal-skeleton-v3.so"));

function pal(bytes: Uint8Array | RuneError) {
  const path = "/usr/lib/liberpal-x.so";
  return withFiles({ [path]: "" }, {}, { pals: { [path]: bytes } });
}

test("a PAL: good, of another class, no ELF, without symbols, damaged, in the wrong place", async () => {
  expect(await look(sgxPal, whole)).toMatchObject({ status: "missing" });
  expect(await look(sgxPal, pal(skeleton))).toEqual({
    status: "ok",
    reason: "`/usr/lib/liberpal-x.so`",
  });
  const class32 = Uint8Array.from(skeleton);
  class32[4] = 1;
  expect(await look(sgxPal, pal(class32))).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("wrong ELF class"),
  });
  expect(await look(sgxPal, pal(Buffer.from("text")))).toMatchObject({
    reason: expect.stringContaining("it is no ELF file"),
  });
  const renamed = Buffer.from(
    skeleton.toString("latin1").replace("pal_init\0", "pal_onit\0"),
    "latin1",
  );
  expect(await look(sgxPal, pal(renamed))).toMatchObject({
    status: "broken",
    reason: "`/usr/lib/liberpal-x.so` does not export `pal_init`",
  });
  expect(await look(sgxPal, pal(skeleton.subarray(0, 600)))).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("damaged"),
  });
  const doing = "load PAL `/tmp/x.so`";
  const elsewhere = new RuneError({ code: "PAL_PATH", doing, reason: "belongs to uid 5" });
  expect(await look(sgxPal, pal(elsewhere))).toMatchObject({
    status: "broken",
    mend: expect.stringContaining("install -o root"),
  });
});

test("an enclave: verified, unsigned, with a damaged signature, none", async () => {
  const sigstruct = readFileSync(join(built, "../../../dist/lib/inclavare/encl.ss"));
  const files = { "/lib/rune/encl.bin": "", "/lib/rune/encl.ss": sigstruct.toString("latin1") };
  expect(await look(sgxEnclave, withFiles(files))).toMatchObject({
    status: "ok",
    reason: expect.stringContaining("verifies: MRSIGNER "),
  });
  expect(await look(sgxEnclave, withFiles({ "/lib/rune/encl.bin": "" }))).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("no signature beside it"),
  });
  const changed = Uint8Array.from(sigstruct);
  changed[960] = (changed[960] ?? 0) ^ 1; // MRENCLAVE
  const forged = { ...files, "/lib/rune/encl.ss": Buffer.from(changed).toString("latin1") };
  expect(await look(sgxEnclave, withFiles(forged))).toMatchObject({ status: "broken" });
  const short = { ...files, "/lib/rune/encl.ss": "short" };
  expect(await look(sgxEnclave, withFiles(short))).toMatchObject({
    reason: "`/lib/rune/encl.ss` has 5 bytes, and a SIGSTRUCT has 1808",
  });
  expect(await look(sgxEnclave, whole)).toMatchObject({ status: "missing" });
});
