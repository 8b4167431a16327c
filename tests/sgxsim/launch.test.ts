// SPDX-License-Identifier: Apache-2.0
/** Building, checking and calling an enclave on the platform. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { toHex } from "../../src/sgx/bytes.ts";
import { readTap, run, simulate, simulator, Workshop, whySkipped } from "./platform.ts";

const EPERM = 1;

let workshop: Workshop;
let launch = "";
let mrenclave = "";
beforeAll(() => {
  workshop = new Workshop();
  if (whySkipped !== "") return;
  mrenclave = toHex(workshop.buildEnclave());
  launch = workshop.compile("launch");
});
afterAll(() => workshop[Symbol.dispose]());

const image = () => workshop.path("enclave.bin");
const sigstruct = () => workshop.path("enclave.ss");

/** A copy of a file in which one byte is another. */
function changed(file: string, offset: number): string {
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset);
  writeFileSync(workshop.path("changed"), bytes);
  return workshop.path("changed");
}

describe.skipIf(whySkipped !== "")(`launch${whySkipped}`, () => {
  test("a signed enclave is launched and answers", () => {
    expect(simulate([launch, image(), sigstruct()])).toEqual({
      code: 0,
      out: ["launched"],
      err: "",
    });
  });

  test("--verbose says what happened and that CPUID is or is not answered", () => {
    const { code, err } = simulate(["--verbose", launch, image(), sigstruct()]);
    expect(code).toBe(0);
    expect(err).toContain("EINIT: done, product 7, security version 3");
  });

  test("without the platform there is no device", () => {
    expect(run([launch, image(), sigstruct()]).out).toEqual(["open: errno 2"]);
  });

  test.each([
    ["TCS", 32, 4],
    ["code", 0x1010, 4],
    ["last page", 0x9fff, 4],
  ] as const)(
    "one changed byte of the image's %s: error of the measurement",
    (_, offset, error) => {
      const { out, err } = simulate(["--verbose", launch, changed(image(), offset), sigstruct()]);
      expect(out).toEqual([`init: errno ${EPERM}`]);
      expect(err).toContain(`EINIT: error ${error}:`);
    },
  );

  test.each([
    ["header", 0, 1],
    ["exponent", 512, 1],
    ["signature", 600, 8],
    ["modulus", 200, 8],
    ["date", 20, 8],
    ["ENCLAVEHASH", 960, 8],
    ["Q1", 1100, 8],
    ["Q2", 1500, 8],
  ] as const)("one changed byte of SIGSTRUCT's %s", (_, offset, error) => {
    const { out, err } = simulate(["--verbose", launch, image(), changed(sigstruct(), offset)]);
    expect(out).toEqual([`init: errno ${EPERM}`]);
    expect(err).toContain(`EINIT: error ${error}:`);
  });

  test("attributes that the signer did not allow", () => {
    const { out, err } = simulate(["--verbose", launch, image(), sigstruct(), "84"]);
    expect(out).toEqual([`init: errno ${EPERM}`]);
    expect(err).toContain("EINIT: error 2:");
  });

  test("PROVISION_KEY needs /dev/sgx_provision: EACCES", () => {
    expect(simulate([launch, image(), sigstruct(), "14"]).out).toEqual(["init: errno 13"]);
  });

  test("nobody gets EINITTOKEN_KEY: EACCES", () => {
    expect(simulate([launch, image(), sigstruct(), "24"]).out).toEqual(["init: errno 13"]);
  });

  test("a 32-bit enclave is refused by ECREATE: EIO", () => {
    expect(simulate([launch, image(), sigstruct(), "2"]).out).toEqual(["create: errno 5"]);
  });

  test("entry, exits, exceptions, signals, threads, the vDSO", () => {
    const { code, out, err } = simulate([workshop.compile("suite"), image(), sigstruct()]);
    expect(readTap(out)).toEqual({ failed: [], complete: true });
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });
});

// Longer in `npm run test:conformance`: a fault of the way in and out may take its time to show.
const crowdSeconds = process.env["CONFORMANCE"] === "1" ? 120 : 3;

describe.skipIf(whySkipped !== "")(`crowd${whySkipped}`, () => {
  for (const options of [[], ["--fast-exit", "off"]]) {
    test(`24 threads in 12 enclaves under signals at 10 kHz ${options.join(" ")}`, () => {
      const program = workshop.compile("crowd");
      const words = [...options, program, image(), sigstruct(), String(crowdSeconds)];
      const child = Bun.spawnSync([simulator, ...words], { stdin: "ignore" });
      const out = child.stdout.toString().split("\n");
      expect(readTap(out)).toEqual({ failed: [], complete: true });
      expect({ code: child.exitCode, err: child.stderr.toString() }).toEqual({ code: 0, err: "" });
    }, 300_000);
  }
});

describe.skipIf(whySkipped !== "")(`exceptions${whySkipped}`, () => {
  for (const options of [[], ["--fast-exit", "off"], ["--fidelity"]]) {
    test(`as Intel's SDK and Gramine handle them ${options.join(" ")}`, () => {
      const words = [...options, workshop.compile("flows"), image(), sigstruct()];
      const { code, out, err } = simulate(words);
      expect({ ...readTap(out), code, err }).toEqual({
        failed: [],
        complete: true,
        code: 0,
        err: "",
      });
    });
  }
});

describe.skipIf(whySkipped !== "")(`fidelity${whySkipped}`, () => {
  const faithful = (program: string, ...words: string[]) =>
    simulate(["--fidelity", workshop.compile(program), image(), sigstruct(), ...words]);

  test("what only it refuses: strays, state beyond XFRM, accesses from outside", () => {
    const plain = simulate([workshop.compile("strict"), image(), sigstruct()]);
    expect(readTap(plain.out)).toEqual({ failed: [], complete: true });
    const strict = faithful("strict", "fidelity");
    expect(readTap(strict.out)).toEqual({ failed: [], complete: true });
    if (!strict.out.some((line) => line.includes("# skip no AVX2")))
      expect(strict.err).toContain("which its XFRM 0x3 does not allow");
  });

  test.each(["suite", "leaves", "shared"])("right programs stay right under it: %s", (program) => {
    const { code, out } = faithful(program);
    expect(readTap(out)).toEqual({ failed: [], complete: true });
    expect(code).toBe(0);
  });

  test("24 threads in 12 enclaves, interrupted and signalled", () => {
    const { out } = faithful("crowd", String(crowdSeconds));
    expect(readTap(out)).toEqual({ failed: [], complete: true });
  }, 300_000);

  test("programs that are executed inherit it", () => {
    const script = `exec ${workshop.compile("strict")} ${image()} ${sigstruct()} fidelity`;
    const { out } = simulate(["--fidelity", "sh", "-c", script]);
    expect(readTap(out)).toEqual({ failed: [], complete: true });
  });
});

describe.skipIf(whySkipped !== "")(`EPC${whySkipped}`, () => {
  test("an EPC that is too small: ADD_PAGES says ENOMEM, in what is executed, too", () => {
    const bench = workshop.compile("leaves");
    const whole = simulate(["--epc", "64M", bench, image(), sigstruct()]);
    expect(readTap(whole.out)).toEqual({ failed: [], complete: true });
    const hundred = workshop.compile("epc");
    const words = ["--epc", "1M", "sh", "-c", `exec ${hundred} ${image()} ${sigstruct()}`];
    // 256 pages, of which an enclave has 10.
    expect(simulate(words).out).toEqual([
      "25 enclaves: add: errno 12",
      "1 more after one has gone",
    ]);
    expect(simulate([hundred, image(), sigstruct()]).out[0]).toBe("40 enclaves: none: errno 0");
  });

  test("sizes that are none", () => {
    for (const size of ["0M", "12", "M", "1500K", "2T", "9999999999G", "-1M"]) {
      expect({ size, code: simulate(["--epc", size, "true"]).code }).toEqual({ size, code: 125 });
    }
  });
});

describe.skipIf(whySkipped !== "")(`sharing${whySkipped}`, () => {
  test("one enclave in several processes: by execve, SCM_RIGHTS, fork", () => {
    const { code, out, err } = simulate([workshop.compile("shared"), image(), sigstruct()]);
    expect({ ...readTap(out), notes: out.filter((line) => line.startsWith("# ")) }).toEqual({
      failed: [],
      complete: true,
      notes: [],
    });
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });
});

describe.skipIf(whySkipped !== "")(`leaves${whySkipped}`, () => {
  test("the checks of the leaves and of the driver", () => {
    const { code, out, err } = simulate([workshop.compile("leaves"), image(), sigstruct()]);
    expect({ ...readTap(out), notes: out.filter((line) => line.startsWith("# ")) }).toEqual({
      failed: [],
      complete: true,
      notes: [],
    });
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });
});

describe.skipIf(whySkipped !== "")(`identity${whySkipped}`, () => {
  /** What programs/identity.c prints, by label. */
  function identity(target: string): Record<string, string> {
    const { out } = simulate([workshop.compile("identity"), image(), sigstruct(), target]);
    return Object.fromEntries(
      out.map((line) => [line.split(" ")[0], line.slice(line.indexOf(" ") + 1)]),
    );
  }

  test("a report has the enclave's identity, and the target's key verifies it", () => {
    const mine = identity(mrenclave);
    const report = Buffer.from(mine["report"] ?? "", "hex");
    expect(report.length).toBe(432);
    expect(report.subarray(64, 96).toString("hex")).toBe(mrenclave);
    expect(report.readBigUInt64LE(48)).toBe(7n);
    expect(report.readUInt16LE(256)).toBe(7);
    expect(report.readUInt16LE(258)).toBe(3);
    writeFileSync(workshop.path("body"), report.subarray(0, 384));
    const key = `hexkey:${mine["report-key"]}`;
    const words = ["openssl", "mac", "-cipher", "AES-128-CBC", "-macopt", key];
    const mac = run([...words, "-in", workshop.path("body"), "CMAC"]).out[0]?.toLowerCase();
    expect(mac).toBe(report.subarray(416).toString("hex"));
  });

  test("a report for another enclave is not verified by this one's key", () => {
    const other = identity("00".repeat(32));
    const mine = identity(mrenclave);
    expect(other["report-key"]).toBe(mine["report-key"]);
    expect(other["report"]?.slice(832)).not.toBe(mine["report"]?.slice(832));
  });

  test("seal keys are stable, and are the enclave's own or its signer's", () => {
    const before = identity(mrenclave);
    expect(identity(mrenclave)).toEqual(before);
    expect(before["seal-enclave"]).not.toBe(before["seal-signer"]);
    const image0 = readFileSync(image());
    try {
      workshop.buildEnclave({ isvSvn: 4 });
      const newer = identity(mrenclave);
      expect(newer["seal-enclave"]).toBe(before["seal-enclave"]);
      expect(newer["seal-signer"]).toBe(before["seal-signer"]);
      workshop.buildEnclave({ isvProdId: 8 });
      expect(identity(mrenclave)["seal-signer"]).not.toBe(before["seal-signer"]);
    } finally {
      writeFileSync(image(), image0);
      workshop.buildEnclave();
    }
  });

  test("keys without the attribute, and unknown ones", () => {
    const { provision, unknown } = identity(mrenclave);
    expect(provision).toBe("error 2 zf 1");
    expect(unknown).toBe("error 256 zf 1");
  });
});
