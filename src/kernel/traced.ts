// SPDX-License-Identifier: Apache-2.0
/** A kernel that tells of each call: `--log-level trace`. */
import type { Kernel } from "./kernel.ts";

/** Of bytes only the number is told: they may be a container's secrets. */
export function traced(inner: Kernel, tell: (line: string) => void): Kernel {
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const call = [String(name), ...args.map(shown)].join(" ");
        try {
          const result: unknown = Reflect.apply(value, target, args);
          tell(result === undefined ? call : `${call} = ${shown(result)}`);
          return result;
        } catch (error) {
          tell(`${call}: ${error instanceof Error ? error.message : String(error)}`);
          throw error;
        }
      };
    },
  });
}

function shown(value: unknown): string {
  if (typeof value === "string") return value === "" ? '""' : value;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeof value === "object" && value !== null)
    return "path" in value ? String(value.path) : "{}";
  return String(value);
}
