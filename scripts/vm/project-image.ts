// SPDX-License-Identifier: Apache-2.0
/** The disk with which a guest sees the project: dist/, tests/, what they import, and Bun. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Workshop } from "../../tests/sgxsim/platform.ts";
import { guestRuntimes, guests } from "./guests.ts";

const parts = [
  "dist/bin",
  "dist/lib",
  "native/build/testing",
  "node_modules/smol-toml",
  "package.json",
  "scripts/vm",
  "src",
  "tests",
  "tsconfig.json",
];

/** Writes the image to `path`; `scratch` is a directory of the caller's. */
export function makeProjectImage(root: string, scratch: string, path: string): void {
  const tree = join(scratch, "project");
  mkdirSync(tree);
  for (const part of parts) cpSync(join(root, part), join(tree, part), { recursive: true });
  cpSync(join(root, "node_modules/@oven/bun-linux-x64/bin/bun"), join(tree, "bun"));
  addSgxPrograms(join(tree, "sgx"));
  for (const { name, tests } of guests) {
    writeFileSync(join(tree, `${name}.tests`), tests.map((test) => `./${test}\n`).join(""));
    writeFileSync(join(tree, `${name}.runtimes`), guestRuntimes.join(" "));
  }
  const make = ["mke2fs", "-q", "-t", "ext4", "-d", tree, "-F", path, "600M"];
  const { exitCode, stderr } = Bun.spawnSync(make, { stdout: "ignore" });
  if (exitCode !== 0) throw new Error(`${make.join(" ")}: ${stderr.toString()}`);
}

/** For tests/vm/protection-keys.test.ts: guests have no compiler. */
function addSgxPrograms(folder: string): void {
  using workshop = new Workshop();
  workshop.buildEnclave();
  mkdirSync(folder);
  const files = [
    workshop.compile("strict", "static"),
    workshop.path("enclave.bin"),
    workshop.path("enclave.ss"),
  ];
  for (const file of files) cpSync(file, join(folder, basename(file)));
}
