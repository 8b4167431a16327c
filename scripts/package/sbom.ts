// SPDX-License-Identifier: Apache-2.0
/**
 * The bill of materials as SPDX 2.3 JSON (spdx.github.io/spdx-spec/v2.3): this project with its files, what
 * of others is inside of them, and what they are linked with.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Component, components } from "./components.ts";
import type { Source } from "./source.ts";
import { digest, filesBelow } from "./tools.ts";

const own = "SPDXRef-Package-inclavare-containers";

export function sbomOf(root: string, stage: string, source: Source): object {
  const others = components(root);
  const files = filesBelow(stage).map((name) => fileOf(stage, name));
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `${source.name}-${source.version}`,
    // Nothing is there to be fetched: a name, unique for what it describes.
    documentNamespace: `https://spdx.org/spdxdocs/${source.name}-${source.version}-${verificationCode(files)}`,
    creationInfo: {
      created: new Date(source.epoch * 1000).toISOString().replace(".000Z", "Z"),
      creators: [`Tool: ${source.name}-${source.version}`],
    },
    packages: [ownPackage(source, files), ...others.map(packageOf)],
    files,
    relationships: [
      relationship("SPDXRef-DOCUMENT", "DESCRIBES", own),
      ...others.map((component) =>
        relationship(
          own,
          component.how === "inside" ? "CONTAINS" : "DYNAMIC_LINK",
          idOf(component),
        ),
      ),
      ...files.map(({ SPDXID }) => relationship(own, "CONTAINS", SPDXID)),
    ],
  };
}

type File = ReturnType<typeof fileOf>;

function fileOf(stage: string, name: string) {
  const path = join(stage, name);
  return {
    SPDXID: `SPDXRef-File-${createHash("sha256").update(name).digest("hex").slice(0, 16)}`,
    fileName: `./${name}`,
    checksums: [
      { algorithm: "SHA1", checksumValue: digest("sha1", path) },
      { algorithm: "SHA256", checksumValue: digest("sha256", path) },
    ],
    licenseConcluded: "NOASSERTION",
    licenseInfoInFiles: ["NOASSERTION"],
    copyrightText: "NOASSERTION",
  };
}

function ownPackage(source: Source, files: readonly File[]): object {
  return {
    SPDXID: own,
    name: source.name,
    versionInfo: source.version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: true,
    packageVerificationCode: { packageVerificationCodeValue: verificationCode(files) },
    licenseConcluded: "NOASSERTION",
    licenseInfoFromFiles: ["NOASSERTION"],
    licenseDeclared: "Apache-2.0",
    copyrightText: "NOASSERTION",
    sourceInfo: `commit ${source.commit}`,
  };
}

function packageOf(component: Component): object {
  const { name, version, license, purl, sha512 } = component;
  return {
    SPDXID: idOf(component),
    name,
    ...(version === "" ? {} : { versionInfo: version }),
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: license,
    copyrightText: "NOASSERTION",
    ...(sha512 === undefined
      ? {}
      : { checksums: [{ algorithm: "SHA512", checksumValue: sha512 }] }),
    externalRefs: [
      { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl },
    ],
  };
}

function idOf({ name }: Component): string {
  return `SPDXRef-Package-${name.replaceAll(/[^A-Za-z0-9.-]+/g, "-").replace(/^-/, "")}`;
}

function relationship(from: string, relationshipType: string, to: string): object {
  return { spdxElementId: from, relationshipType, relatedSpdxElement: to };
}

/** SPDX 2.3, 7.9: SHA-1 over the files' SHA-1 sums in their order. */
function verificationCode(files: readonly File[]): string {
  const sums = files.map(({ checksums }) => checksums[0]?.checksumValue ?? "").sort();
  return createHash("sha1").update(sums.join("")).digest("hex");
}
