// SPDX-License-Identifier: Apache-2.0
/** What of others is inside of what we ship, or linked with it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Component = {
  readonly name: string;
  readonly version: string;
  /** SPDX licence expression. */
  readonly license: string;
  /** purl (github.com/package-url/purl-spec). */
  readonly purl: string;
  /** inside: its code is part of our files; linked: it must be on the machine. */
  readonly how: "inside" | "linked";
  /** Who holds the rights, for the copyright file. */
  readonly holders: string;
  /** Hex, SHA-512 of the archive npm verified; where it comes from npm. */
  readonly sha512?: string;
};

type LockEntry = {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly integrity?: string;
};

/** The engine is Bun with our program behind it, though the lock calls it a tool of the build. */
const runtimePackages = ["@oven/bun-linux-x64"];

const holders: Readonly<Record<string, string>> = {
  "@bufbuild/protobuf": "2021-2026 Buf Technologies, Inc.",
  "@oven/bun-linux-x64": "2022-2026 Oven Technologies, Inc. and the authors of what it contains",
  "smol-toml": "Squirrel Chat et al.",
};

export function components(root: string): Component[] {
  return [...npmComponents(root), ...systemComponents()];
}

function npmComponents(root: string): Component[] {
  const lock: { readonly packages: Readonly<Record<string, LockEntry>> } = JSON.parse(
    readFileSync(join(root, "package-lock.json"), "utf8"),
  );
  return Object.entries(lock.packages).flatMap(([path, entry]) => {
    const name = path.split("node_modules/").at(-1) ?? "";
    if (name === "" || (entry.dev === true && !runtimePackages.includes(name))) return [];
    const { version = "", license = "NOASSERTION", integrity = "" } = entry;
    const sha512 = integrity.startsWith("sha512-")
      ? { sha512: Buffer.from(integrity.slice(7), "base64").toString("hex") }
      : {};
    return [
      {
        name,
        version,
        license: license.replace(/^\((.*)\)$/, "$1"),
        purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
        how: "inside" as const,
        holders: holders[name] ?? "its authors",
        ...sha512,
      },
    ];
  });
}

function systemComponents(): Component[] {
  const list: readonly [string, string, Component["how"], string][] = [
    ["musl", "MIT", "inside", "2005-2020 Rich Felker and others"],
    ["libc6", "LGPL-2.1-or-later", "linked", "Free Software Foundation, Inc."],
    [
      "libgcc-s1",
      "GPL-3.0-or-later WITH GCC-exception-3.1",
      "linked",
      "Free Software Foundation, Inc.",
    ],
    ["libseccomp2", "LGPL-2.1-only", "linked", "the authors of libseccomp"],
  ];
  return list.map(([name, license, how, holders]) => {
    const version = debianVersion(name);
    const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=amd64`;
    return { name, version, license, purl, how, holders };
  });
}

/** Of the machine that builds; empty where it is not Debian's. */
function debianVersion(name: string): string {
  if (!existsSync("/var/lib/dpkg/status")) return "";
  const { stdout } = Bun.spawnSync(["dpkg-query", "--show", name]);
  // Name, tab, version.
  return stdout.toString().trim().split("\t")[1] ?? "";
}
