// SPDX-License-Identifier: Apache-2.0
/** `--config-root`: where /etc and the programs that it names are looked for. */
import { absolute } from "../container/path.ts";
import type { Kernel } from "../kernel/kernel.ts";

/** What stands in front of an absolute path: "" for this machine's own root. */
export function configRootOf(kernel: Kernel, given: string | undefined): string {
  return given === undefined ? "" : absolute(kernel, given).replace(/\/+$/, "");
}
