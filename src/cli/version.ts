// SPDX-License-Identifier: Apache-2.0
/** `rune --version`. */
import { ociVersion } from "../oci/state.ts";

export type BuildVersions = {
  readonly version: string;
  readonly commit: string;
  readonly bun: string;
};

/** Engines read the first line by its third word, then `commit:` and `spec:` (go-runc, Version). */
export function versionText({ version, commit, bun }: BuildVersions): string {
  return `rune version ${version}\ncommit: ${commit}\nspec: ${ociVersion}\nbun: ${bun}\n`;
}
