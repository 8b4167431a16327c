// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Source } from "./source.ts";

export type PackageRequest = {
  readonly root: string;
  /** What an archive holds: see stage.ts. */
  readonly stage: string;
  /** For what is thrown away. */
  readonly work: string;
  readonly output: string;
  readonly source: Source;
  readonly quick: boolean;
};

/** Runs a program whose time, zone and language are fixed; returns what it prints. */
export function run(command: readonly string[], { epoch }: Pick<Source, "epoch">): string {
  const { stdout, stderr, success } = Bun.spawnSync([...command], {
    env: {
      PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      LC_ALL: "C.UTF-8",
      TZ: "UTC",
      SOURCE_DATE_EPOCH: String(epoch),
    },
  });
  if (!success) throw new Error(`package: ${command.join(" ")}: ${stderr.toString().trim()}`);
  return stdout.toString();
}

/** Regular files below a directory, by their path there, sorted. */
export function filesBelow(directory: string): string[] {
  const found = [...new Bun.Glob("**/*").scanSync({ cwd: directory, dot: true })];
  return found.filter((name) => statSync(join(directory, name)).isFile()).sort();
}

export function sha256(path: string): string {
  return digest("sha256", path);
}

export function digest(algorithm: "md5" | "sha1" | "sha256", path: string): string {
  return createHash(algorithm).update(readFileSync(path)).digest("hex");
}
