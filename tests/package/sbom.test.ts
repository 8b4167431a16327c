// SPDX-License-Identifier: Apache-2.0
/** The bill of materials against SPDX 2.3 (spdx.github.io/spdx-spec/v2.3), chapter by chapter. */
import { afterAll, beforeAll, expect } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../support/command.ts";
import { needs, only, repository } from "../support/runtime.ts";
import { Built } from "./built.ts";

const runnable = Bun.which("dpkg-deb") !== null;
const test = runnable ? only("rune", "the packages are rune's") : needs("needs dpkg-deb");

type Checksum = { readonly algorithm: string; readonly checksumValue: string };
type Element = { readonly SPDXID: string };
type SpdxPackage = Element & {
  readonly name: string;
  readonly versionInfo?: string;
  readonly downloadLocation: string;
  readonly filesAnalyzed: boolean;
  readonly licenseConcluded: string;
  readonly licenseDeclared: string;
  readonly copyrightText: string;
  readonly packageVerificationCode?: { readonly packageVerificationCodeValue: string };
  readonly checksums?: readonly Checksum[];
};
type SpdxFile = Element & {
  readonly fileName: string;
  readonly checksums: readonly Checksum[];
  readonly licenseConcluded: string;
  readonly licenseInfoInFiles: readonly string[];
  readonly copyrightText: string;
};
type Spdx = Element & {
  readonly spdxVersion: string;
  readonly dataLicense: string;
  readonly name: string;
  readonly documentNamespace: string;
  readonly creationInfo: { readonly created: string; readonly creators: readonly string[] };
  readonly packages: readonly SpdxPackage[];
  readonly files: readonly SpdxFile[];
  readonly relationships: readonly {
    readonly spdxElementId: string;
    readonly relationshipType: string;
    readonly relatedSpdxElement: string;
  }[];
};

let built: Built;
let spdx: Spdx;
beforeAll(async () => {
  if (!runnable) return;
  built = await Built.shared();
  spdx = JSON.parse(readFileSync(built.sbom, "utf8"));
}, 300_000);
afterAll(() => built?.[Symbol.dispose]());

test("6: document creation", () => {
  expect(spdx.spdxVersion).toBe("SPDX-2.3");
  expect(spdx.dataLicense).toBe("CC0-1.0");
  expect(spdx.SPDXID).toBe("SPDXRef-DOCUMENT");
  expect(spdx.name).not.toBe("");
  expect(new URL(spdx.documentNamespace).hash).toBe("");
  expect(spdx.creationInfo.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(spdx.creationInfo.creators.length).toBeGreaterThan(0);
  for (const creator of spdx.creationInfo.creators)
    expect(creator).toMatch(/^(Person|Organization|Tool): /);
});

test("7: packages", () => {
  for (const one of spdx.packages) {
    expect(one.SPDXID).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
    expect(one.name).not.toBe("");
    for (const field of [one.downloadLocation, one.licenseDeclared, one.copyrightText])
      expect(field).not.toBe("");
    // 7.9: mandatory where files were analysed, and only there.
    expect(one.packageVerificationCode !== undefined).toBe(one.filesAnalyzed);
    for (const { algorithm, checksumValue } of one.checksums ?? []) {
      expect(algorithm).toBe("SHA512");
      expect(checksumValue).toMatch(/^[0-9a-f]{128}$/);
    }
  }
});

test("7.9: the verification code follows from the files", () => {
  const sums = spdx.files.map(
    ({ checksums }) => checksums.find(({ algorithm }) => algorithm === "SHA1")?.checksumValue,
  );
  const code = createHash("sha1").update(sums.sort().join("")).digest("hex");
  const own = spdx.packages.find(({ filesAnalyzed }) => filesAnalyzed);
  expect(own?.packageVerificationCode?.packageVerificationCodeValue).toBe(code);
});

test("8: files, which are those of the archive", async () => {
  const listed = await mustRun(["tar", "-tzf", built.archive]);
  const inArchive = listed
    .trim()
    .split("\n")
    .filter((name) => !name.endsWith("/") && !name.endsWith("/install.sh"))
    .map((name) => `.${name.slice(name.indexOf("/"))}`);
  const names = spdx.files.map(({ fileName }) => fileName);
  expect(names.filter((name) => !name.endsWith("/install.sh")).sort()).toEqual(inArchive.sort());
  for (const { checksums } of spdx.files) {
    // 8.4: SHA1 is mandatory.
    expect(checksums.map(({ algorithm }) => algorithm)).toEqual(["SHA1", "SHA256"]);
  }
});

test("11: relationships lead to elements, from the document on", () => {
  const ids = [spdx, ...spdx.packages, ...spdx.files].map(({ SPDXID }) => SPDXID);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { spdxElementId, relatedSpdxElement } of spdx.relationships) {
    expect(ids).toContain(spdxElementId);
    expect(ids).toContain(relatedSpdxElement);
  }
  expect(
    spdx.relationships.filter(({ relationshipType }) => relationshipType === "DESCRIBES").length,
  ).toBe(1);
});

test("every library that the programs import is in it, and nothing that only tests use", () => {
  const { dependencies } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  const names = spdx.packages.map(({ name }) => name);
  for (const name of Object.keys(dependencies)) expect(names).toContain(name);
  for (const name of ["@oven/bun-linux-x64", "musl", "libc6", "libseccomp2"])
    expect(names).toContain(name);
  for (const name of ["@biomejs/cli-linux-x64", "assemblyscript"])
    expect(names).not.toContain(name);
});
