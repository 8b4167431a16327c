// SPDX-License-Identifier: Apache-2.0
import type { Kernel } from "../kernel/kernel.ts";

/** Absolute, relative to the current directory. */
export function absolute(kernel: Kernel, path: string): string {
  if (path.startsWith("/")) return path.length > 1 ? path.replace(/\/+$/, "") : path;
  const cwd = kernel.readlink("/proc/self/cwd");
  const clean = path.replace(/^(\.\/+)+/, "").replace(/\/+$/, "");
  return clean === "" || clean === "." ? cwd : `${cwd === "/" ? "" : cwd}/${clean}`;
}
