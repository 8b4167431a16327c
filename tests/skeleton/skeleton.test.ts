// SPDX-License-Identifier: Apache-2.0
/** The sample enclave runtime on an SGX platform: its PALs, its enclave, a second client. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "../../src/sgx/bytes.ts";
import { parseReport } from "../../src/sgx/report.ts";
import { signSigstruct } from "../../src/sgx/sign.ts";
import { mrsigner, parseSigstruct } from "../../src/sgx/sigstruct.ts";
import { prepareSkeleton, type SkeletonSignOptions } from "../../src/sgx/skeleton-sign.ts";
import { newSigningKey, withByte } from "../../src/sgx/testing.ts";
import { verifySigstruct } from "../../src/sgx/verify.ts";
import { removeTree } from "../support/remove.ts";
import {
  compileClient,
  isBuilt,
  library,
  platform,
  runIn,
  whyNotBuilt,
  whySkipped,
} from "./platform.ts";

const available = platform !== undefined && isBuilt;
const why = whySkipped || whyNotBuilt;
const GREETING = "Hello Inclavare Containers!";
const SUCCESS = "Enclave runtime skeleton initialization succeeded\n";

let programs: string;
let bundle: string;
let driver: string;
let rawClient: string;

beforeAll(() => {
  programs = mkdtempSync(join(tmpdir(), "skeleton-clients-"));
  if (!available) return;
  driver = compileClient("pal-driver", programs);
  rawClient = compileClient("raw-client", programs);
});
afterAll(() => rmSync(programs, { recursive: true, force: true }));

beforeEach(() => {
  bundle = join(programs, "bundle");
  removeTree(bundle);
  Bun.spawnSync(["mkdir", bundle]);
  if (!isBuilt) return;
  for (const file of ["encl.bin", "encl.ss"]) copyFileSync(join(library, file), join(bundle, file));
});

/** Loads a version of the PAL in the bundle and takes the driver's steps. */
function pal(version: number, args: string, ...steps: string[]) {
  const file = join(library, `liberpal-skeleton-v${version}.so`);
  return runIn(bundle, [...(platform ?? []), driver, file, `${version}`, args, "info", ...steps]);
}

function raw(...args: string[]) {
  return runIn(bundle, [...(platform ?? []), rawClient, ...args]);
}

function bundleFile(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(bundle, name)));
}

/** Signs the bundle's image anew with other options. */
function resign(options: Omit<SkeletonSignOptions, "date">): void {
  const key = createPrivateKey(newSigningKey().export({ type: "pkcs1", format: "pem" }));
  const { image, body } = prepareSkeleton(bundleFile("encl.bin"), {
    date: 0x2026_1123,
    ...options,
  });
  writeFileSync(join(bundle, "encl.bin"), image);
  writeFileSync(join(bundle, "encl.ss"), signSigstruct(body, key));
}

describe.skipIf(!available)(`skeleton${why}`, () => {
  describe.each([1, 2, 3])("PAL version %d", (version) => {
    test("greets, runs the payload and ends", () => {
      const { code, out, err } = pal(version, "", "init", "run:0", "destroy");
      const lines = [`version ${version}`, GREETING, "init 0", "exec 0 exit 0", "destroy 0"];
      expect(out).toEqual(lines);
      expect([code, err]).toEqual([0, SUCCESS]);
    });

    test("waits as long as wait_timeout says", () => {
      const start = performance.now();
      const { out } = pal(version, "", "init", "run:1", "destroy");
      expect(out).toContain("exec 0 exit 0");
      expect(performance.now() - start).toBeGreaterThan(1000);
    });

    test("logs the identities that sgx-tools computes", () => {
      const { sigstruct, mrsigner: signer } = verifySigstruct(bundleFile("encl.ss"));
      const { err } = pal(version, "debug", "init", "destroy");
      expect(err).toContain(`skeleton: mrenclave ${toHex(sigstruct.enclaveHash)}\n`);
      expect(err).toContain(`skeleton: mrsigner ${toHex(signer)}\n`);
    });

    test("leaves no descriptor behind and maps nothing both writable and executable", () => {
      const { out } = pal(version, "", "init", "fds", "maps", "run:0", "run:0", "fds", "destroy");
      const counts = out.filter((line) => line.startsWith("fds"));
      expect(counts[0]).toBe(counts[1] ?? "");
      expect(out).toContain("rwx mappings 0");
    });

    test("takes NULL for arguments and log level", () => {
      expect(pal(version, "", "init-null", "destroy").out).toContain("init 0");
    });

    test("refuses what comes too early, twice, or too late", () => {
      const { out } = pal(version, "", "run:0", "destroy", "init", "init", "destroy", "run:0");
      expect(out.filter((line) => line !== GREETING)).toEqual([
        `version ${version}`,
        "exec -1 exit -12345",
        "destroy -1",
        "init 0",
        "init -17",
        "destroy 0",
        "exec -1 exit -12345",
      ]);
    });

    test("starts again after destroy", () => {
      const { out } = pal(version, "", "init", "destroy", "init", "run:0", "destroy");
      expect(out.filter((line) => line === "init 0").length).toBe(2);
      expect(out).toContain("exec 0 exit 0");
    });

    test("runs payloads beside each other", () => {
      const start = performance.now();
      const eight = Array.from({ length: 8 }, () => "background:1");
      const { out, err } = pal(version, "", "init", ...eight, "join", "destroy");
      expect(out.filter((line) => line === "exec 0 exit 0").length).toBe(8);
      expect(err).toBe(SUCCESS.repeat(8));
      expect(performance.now() - start).toBeLessThan(6000);
    });
  });

  test("version 1: destroy ends a payload that is waiting", () => {
    const { out } = pal(1, "", "init", "background:30", "destroy", "join");
    expect(out.slice(-2).toSorted()).toEqual(["destroy 0", "exec -125 exit -12345"]);
  });

  describe.each([2, 3])("signals, version %d", (version) => {
    test("end the payload they are for, with 128 and the signal's number", () => {
      for (const signal of [2, 9, 10, 15, 34]) {
        const { out } = pal(version, "", "init", "background:30", `kill:last:${signal}`, "join");
        // Two threads write: the payload may be gone before pal_kill has come back.
        expect(out.slice(-2).toSorted()).toEqual([`exec 0 exit ${128 + signal}`, "kill 0"]);
      }
    });

    test("0 is the oldest payload, -1 all, and others do not exist", () => {
      const { out } = pal(
        version,
        "",
        ...["init", "background:30", "background:3", "background:30", "kill:999999:9"],
        ...["kill:0:15", "kill:last:9", "kill:0:0", "kill:-1:2", "join", "kill:0:9", "kill:-1:9"],
        ...["kill:-2:9", "kill:0:65", "destroy"],
      );
      expect(out.filter((line) => line.startsWith("kill"))).toEqual(
        ["kill -3", "kill 0", "kill 0", "kill 0", "kill 0", "kill -3", "kill 0"].concat([
          "kill -22",
          "kill -22",
        ]),
      );
      const exits = out.filter((line) => line.startsWith("exec")).toSorted();
      expect(exits).toEqual(["exec 0 exit 130", "exec 0 exit 137", "exec 0 exit 143"]);
    });

    test("destroy kills what is still running", () => {
      const start = performance.now();
      const { out } = pal(version, "", "init", "background:30", "destroy", "join");
      expect(out).toContain("destroy 0");
      expect(performance.now() - start).toBeLessThan(10_000);
    });
  });

  test("version 3 reports carry the identities and the caller's data", () => {
    const { sigstruct } = verifySigstruct(bundleFile("encl.ss"));
    const { out } = pal(3, "", "init", "report", "report:A", "destroy");
    const reports = out
      .filter((line) => line.startsWith("report 0 432 "))
      .map((line) => parseReport(Uint8Array.from(Buffer.from(line.split(" ")[3] ?? "", "hex"))));
    expect(reports.length).toBe(2);
    for (const report of reports) {
      expect(toHex(report.mrenclave)).toBe(toHex(sigstruct.enclaveHash));
      expect(toHex(report.mrsigner)).toBe(toHex(mrsigner(sigstruct.modulus)));
      expect(report.attributes).toEqual({ flags: 7n, xfrm: 3n });
    }
    expect(toHex(reports[0]?.reportData ?? new Uint8Array(0))).toBe("00".repeat(64));
    expect(toHex(reports[1]?.reportData ?? new Uint8Array(0))).toBe("41".repeat(64));
    expect(out).toContain("report errors -22 -22 -22 -22");
  });

  describe("EINIT refuses", () => {
    const bytes: readonly (readonly [string, "encl.bin" | "encl.ss", number, string])[] = [
      ["a code byte", "encl.bin", 4096 + 20, "SGX_INVALID_MEASUREMENT (4)"],
      ["a data byte", "encl.bin", 5 * 4096, "SGX_INVALID_MEASUREMENT (4)"],
      ["the entry point", "encl.bin", 33, "SGX_INVALID_MEASUREMENT (4)"],
      ["the last metadata byte", "encl.bin", 6 * 4096 + 16, "SGX_INVALID_MEASUREMENT (4)"],
      ["the header", "encl.ss", 5, "SGX_INVALID_SIG_STRUCT (1)"],
      ["the exponent", "encl.ss", 512, "SGX_INVALID_SIG_STRUCT (1)"],
      ["a reserved byte", "encl.ss", 1000, "SGX_INVALID_SIG_STRUCT (1)"],
      ["the date", "encl.ss", 20, "SGX_INVALID_SIGNATURE (8)"],
      ["the modulus", "encl.ss", 200, "SGX_INVALID_SIGNATURE (8)"],
      ["the signature", "encl.ss", 600, "SGX_INVALID_SIGNATURE (8)"],
      ["MRENCLAVE", "encl.ss", 960, "SGX_INVALID_SIGNATURE (8)"],
      ["ISVSVN", "encl.ss", 1026, "SGX_INVALID_SIGNATURE (8)"],
      ["Q1", "encl.ss", 1040, "SGX_INVALID_SIGNATURE (8)"],
      ["Q2", "encl.ss", 1807, "SGX_INVALID_SIGNATURE (8)"],
    ];
    test.each(bytes)("%s changed in %s", (_what, file, offset, error) => {
      writeFileSync(join(bundle, file), withByte(bundleFile(file), offset));
      const { out, err } = pal(2, "", "init", "run:0");
      expect(out).toEqual(["version 2", "init -1", "exec -1 exit -12345"]);
      expect(err).toContain(`skeleton: EINIT refuses the enclave: ${error}: `);
    });

    test("DEBUG where the signer forbids it", () => {
      resign({ noDebugger: true });
      expect(pal(2, "", "init").out).toContain("init 0");
      const { out, err } = pal(2, "debug", "init");
      expect(out).toEqual(["version 2", "init -1"]);
      expect(err).toContain("SGX_INVALID_ATTRIBUTE (2)");
    });
  });

  describe("files", () => {
    const replace = (name: string, content: Uint8Array) =>
      writeFileSync(join(bundle, name), content);
    const cases: readonly (readonly [string, () => void, string, string])[] = [
      ["no image", () => rmSync(join(bundle, "encl.bin")), "init -2", "open `encl.bin`: No such"],
      ["no SIGSTRUCT", () => rmSync(join(bundle, "encl.ss")), "init -2", "open `encl.ss`: No such"],
      [
        "an empty image",
        () => replace("encl.bin", new Uint8Array(0)),
        "init -22",
        "0 bytes are no",
      ],
      [
        "a short SIGSTRUCT",
        () => replace("encl.ss", new Uint8Array(1807)),
        "init -22",
        "1807 bytes",
      ],
      [
        "a long SIGSTRUCT",
        () => replace("encl.ss", new Uint8Array(1809)),
        "init -22",
        "1809 bytes",
      ],
      [
        "garbage",
        () => replace("encl.bin", new Uint8Array(9000).fill(255)),
        "init -22",
        "metadata",
      ],
      [
        "a FIFO",
        () => {
          rmSync(join(bundle, "encl.bin"));
          Bun.spawnSync(["mkfifo", join(bundle, "encl.bin")]);
        },
        "init -22",
        "not a regular file",
      ],
    ];
    test.each(cases)("%s", (_name, prepare, line, error) => {
      prepare();
      const { out, err } = pal(3, "", "init");
      expect(out).toEqual(["version 3", line]);
      expect(err).toContain(error);
    });
  });

  describe("signed otherwise", () => {
    test("with the note's permissions", () => {
      resign({ pageLayout: "noted" });
      expect(parseSigstruct(bundleFile("encl.ss")).swDefined).toBe(1);
      expect(pal(2, "", "init", "run:0", "destroy").out).toContain("exec 0 exit 0");
    });

    test("without a page note, as other people's images are", () => {
      const image = bundleFile("encl.bin");
      image.fill(0, image.length - 17 - 64, image.length - 17);
      writeFileSync(join(bundle, "encl.bin"), image);
      resign({});
      const { out, err } = pal(2, "", "init", "maps", "run:0", "destroy");
      expect(err).toBe(SUCCESS);
      expect(out).toContain("exec 0 exit 0");
      // They are mapped as they were signed: nothing says which of the pages are code.
      expect(out).not.toContain("rwx mappings 0");
    });

    test("with NULL-dereference protection and padding", () => {
      resign({
        metadata: {
          maxMmapSize: 0x20000n,
          nullDereferenceProtection: true,
          mmapMinAddr: 0x10000n,
        },
      });
      const { out, err } = pal(3, "", "init", "report", "run:0", "destroy");
      expect(err).toBe(SUCCESS);
      expect(out).toContain("exec 0 exit 0");
      expect(out.some((line) => line.startsWith("report 0 432 "))).toBe(true);
    });
  });

  describe("a client of its own", () => {
    const REFUSED = "-14";
    const expected = {
      "unknown ecall": "-22",
      "huge ecall": "-22",
      null: REFUSED,
      "into code": REFUSED,
      "into data": REFUSED,
      "into ssa": REFUSED,
      "across start": REFUSED,
      "last byte": REFUSED,
      wrapping: REFUSED,
      "report from inside": REFUSED,
      "data from inside": REFUSED,
      "report into code": REFUSED,
    };

    test.each([
      ["published", []],
      ["noted", ["--noted"]],
    ] as const)("starts the enclave as %s, and the enclave trusts no pointer", (layout, flags) => {
      resign({ pageLayout: layout });
      const { code, out } = raw(...flags, "encl.bin", "encl.ss");
      expect(code).toBe(0);
      expect(out).toContain(`greeting ${GREETING}`);
      expect(out).not.toContain("scrubbed 0");
      for (const [name, result] of Object.entries(expected))
        expect(out).toContain(`${name} ${result}`);
      const line = out.find((candidate) => /^report [0-9a-f]{864}$/.test(candidate)) ?? "";
      const report = parseReport(Uint8Array.from(Buffer.from(line.slice(7), "hex")));
      expect(toHex(report.reportData)).toBe("d7".repeat(64));
      expect(toHex(report.mrenclave)).toBe(
        toHex(parseSigstruct(bundleFile("encl.ss")).enclaveHash),
      );
    });

    test("hands a running enclave over to version 3", () => {
      const file = join(library, "liberpal-skeleton-v3.so");
      const { out } = raw("encl.bin", "encl.ss", file);
      expect(out[0]).toBe(GREETING);
      expect(out.filter((line) => !/^report [0-9a-f]{800}/.test(line)).slice(1)).toEqual([
        "init 0",
        "report 0",
        "destroy 0",
        "descriptor closed",
      ]);
    });

    test("cannot start it with other permissions than it was signed for", () => {
      resign({ pageLayout: "noted" });
      const { code, out } = raw("encl.bin", "encl.ss");
      expect([code, out.length]).toEqual([1, 1]);
      expect(out[0]).toStartWith("EINIT: ");
    });
  });
});
