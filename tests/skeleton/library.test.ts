// SPDX-License-Identifier: Apache-2.0
/** What can be said of the PALs without an SGX platform. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "../../src/sgx/bytes.ts";
import { parseSkeletonImage } from "../../src/sgx/skeleton-image.ts";
import { layOutSkeleton, measureSkeleton } from "../../src/sgx/skeleton-layout.ts";
import { verifySigstruct } from "../../src/sgx/verify.ts";
import { compileClient, isBuilt, library, runIn, whyNotBuilt } from "./platform.ts";

const palOf = (version: number) => join(library, `liberpal-skeleton-v${version}.so`);
const hasDevice = existsSync("/dev/sgx_enclave") || existsSync("/dev/sgx/enclave");

let folder: string;
let driver = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "skeleton-library-"));
  if (!isBuilt) return;
  driver = compileClient("pal-driver", folder);
  for (const file of ["encl.bin", "encl.ss"]) copyFileSync(join(library, file), join(folder, file));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!isBuilt)(`skeleton library${whyNotBuilt}`, () => {
  const version1 = ["pal_destroy", "pal_exec", "pal_init"];
  const version2 = [...version1, "pal_create_process", "pal_get_version", "pal_kill"];
  const version3 = [...version2, "pal_get_local_report", "pal_get_report_with_data"];

  test.each([
    [1, version1],
    [2, version2],
    [3, version3],
  ] as const)("version %d exports its symbols and no others", (version, symbols) => {
    const { out } = runIn(folder, ["nm", "-D", "--defined-only", palOf(version)]);
    expect(out.map((line) => line.split(" ")[2] ?? "").toSorted()).toEqual(symbols.toSorted());
  });

  test.each([1, 2, 3])(
    "version %d needs libc alone, bound at load, and no RWX segment",
    (version) => {
      const { out } = runIn(folder, ["readelf", "-dlW", palOf(version)]);
      const needed = out.filter((line) => line.includes("(NEEDED)"));
      expect(needed.length).toBe(1);
      expect(needed[0]).toContain("[libc.so.6]");
      expect(out.some((line) => line.includes("BIND_NOW"))).toBe(true);
      const loads = out.filter((line) => /^\s+(LOAD|GNU_STACK) /.test(line));
      expect(loads.length).toBeGreaterThan(3);
      expect(loads.filter((line) => line.includes("RWE"))).toEqual([]);
    },
  );

  test.skipIf(hasDevice)(
    "without a device, loading works and pal_init says what is missing",
    () => {
      for (const version of [1, 2, 3]) {
        const command = [
          driver,
          palOf(version),
          `${version}`,
          "",
          "info",
          "init",
          "destroy",
          "run:0",
        ];
        const { code, out, err } = runIn(folder, command);
        expect(out).toEqual([
          `version ${version}`,
          "init -19",
          "destroy -1",
          "exec -1 exit -12345",
        ]);
        expect(code).toBe(0);
        expect(err).toBe(
          "skeleton: no SGX device: neither `/dev/sgx_enclave` nor `/dev/sgx/enclave` is here\n",
        );
      }
    },
  );

  test("log level off is silent", () => {
    const quiet = [driver, palOf(2), "2", "backend-kvm", "off", "init"];
    expect(runIn(folder, quiet)).toEqual({ code: 0, out: ["version 2", "init -38"], err: "" });
  });

  test("both SIGSTRUCTs verify and are for the image, each for its page layout", () => {
    const image = parseSkeletonImage(new Uint8Array(readFileSync(join(library, "encl.bin"))));
    for (const [name, pageLayout] of [
      ["encl.ss", "published"],
      ["encl-noted.ss", "noted"],
    ] as const) {
      const { sigstruct } = verifySigstruct(new Uint8Array(readFileSync(join(library, name))));
      const layout = layOutSkeleton(image, { xfrm: 3n, miscSelect: 0, pageLayout });
      expect(toHex(sigstruct.enclaveHash)).toBe(toHex(measureSkeleton(layout)));
      expect(sigstruct.swDefined).toBe(pageLayout === "noted" ? 1 : 0);
    }
  });

  test("the image ends with its metadata and carries a page note", () => {
    const file = readFileSync(join(library, "encl.bin"));
    expect(file.length % 4096).toBe(17);
    expect(parseSkeletonImage(new Uint8Array(file)).pageNote).toBeDefined();
  });
});
