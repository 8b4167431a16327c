// SPDX-License-Identifier: Apache-2.0
/**
 * Real evidence, which lies outside the repository: beside it, or beside the main checkout that a
 * worktree belongs to. Tests that need it are skipped where there is none.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dir, "../../..");

function findVectors(): string | undefined {
  const common = Bun.spawnSync(["git", "rev-parse", "--path-format=absolute", "--git-common-dir"], {
    cwd: root,
  });
  const main = common.exitCode === 0 ? dirname(common.stdout.toString().trim()) : root;
  return [root, main]
    .map((checkout) => resolve(checkout, "../shared/vectors"))
    .find((folder) => existsSync(folder));
}

/** Where the sets lie. */
export const vectorFolder: string | undefined = findVectors();
const folder = vectorFolder;

/** Why the tests with real evidence are skipped; undefined if they are not. */
export const noVectors: string | undefined =
  folder === undefined ? "no ../shared/vectors beside the project" : undefined;

/** A file of a set: `vector("dcap-sgx-v3-oasis", "quote.bin")`. */
export function vector(set: string, file: string): Uint8Array {
  return new Uint8Array(readFileSync(join(folder ?? "", set, file)));
}

export function vectorText(set: string, file: string): string {
  return Buffer.from(vector(set, file)).toString("utf8");
}

/** JSON of a set, which the tests know the shape of. */
export function vectorJson(set: string, file: string): Record<string, unknown> {
  // The vectors' own files: a test that misreads one fails.
  return JSON.parse(vectorText(set, file)) as Record<string, unknown>;
}
