// SPDX-License-Identifier: Apache-2.0
/**
 * The folder that an archive holds and a Debian package is installed from: dist/ and packaging/ as
 * packaging/install.sh expects them, with what depends on the machine of the build taken out.
 */
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { signSigstruct } from "../../src/sgx/sign.ts";
import type { PageLayout } from "../../src/sgx/skeleton-layout.ts";
import { prepareSkeleton } from "../../src/sgx/skeleton-sign.ts";
import { sampleKey } from "./sample-key.ts";
import type { Source } from "./source.ts";
import { filesBelow, run } from "./tools.ts";

const copied = [
  "dist/bin",
  "dist/lib/inclavare",
  "dist/share",
  "packaging/config.toml",
  "packaging/files",
  "packaging/install.sh",
  "packaging/systemd",
  "packaging/sysusers.d",
  "LICENSE",
  "native/include/enclave_runtime_pal.h",
];

export function makeStage(root: string, stage: string, source: Source): string {
  for (const path of copied) {
    mkdirSync(join(stage, path, ".."), { recursive: true });
    cpSync(join(root, path), join(stage, path), { recursive: true });
  }
  const library = join(stage, "dist/lib/inclavare");
  for (const name of filesBelow(library)) {
    // Not the engine, behind whose sections is the program: Bun looks for it at the end of the file.
    if (/\.so$|^init-runelet$/.test(name)) {
      run(["strip", "--strip-unneeded", "--remove-section=.comment", join(library, name)], source);
    }
  }
  signSample(library, source);
  for (const name of filesBelow(stage)) {
    chmodSync(
      join(stage, name),
      /^dist\/bin\/|\.sh$/.test(name) || isProgram(name) ? 0o755 : 0o644,
    );
  }
  return stage;
}

function isProgram(name: string): boolean {
  const own = /^dist\/lib\/inclavare\/([^/.]+)$/.exec(name)?.[1];
  return own !== undefined;
}

/** A build signs with a key of the machine's own; a package's key has to be everybody's. */
function signSample(library: string, { epoch }: Source): void {
  const image = new Uint8Array(readFileSync(join(library, "encl.bin")));
  const day = new Date(epoch * 1000).toISOString().slice(0, 10).replaceAll("-", "");
  const layouts: readonly [PageLayout, string][] = [
    ["published", "encl.ss"],
    ["noted", "encl-noted.ss"],
  ];
  for (const [pageLayout, name] of layouts) {
    const { body } = prepareSkeleton(image, { pageLayout, date: Number.parseInt(day, 16) });
    writeFileSync(join(library, name), signSigstruct(body, sampleKey()));
  }
}
