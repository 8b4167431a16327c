// SPDX-License-Identifier: Apache-2.0
/** Annotations `org.systemd.property.NAME` as properties of the container's unit, as runc and crun. */
import type { DbusValue, Variant } from "../dbus/value.ts";
import { parseVariant } from "../dbus/variant-text.ts";
import { RuneError } from "../errors/error.ts";
import type { Property } from "./systemd-manager.ts";

const prefix = "org.systemd.property.";

/** @throws RuneError CONFIG_INVALID for a name or value that is none */
export function annotationProperties(annotations: Readonly<Record<string, string>>): Property[] {
  return Object.entries(annotations)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]) => {
      const name = key.slice(prefix.length);
      if (!/^[A-Za-z]{3,}$/.test(name)) {
        throw invalid(key, `\`${name}\` is no name of a property: at least three letters`);
      }
      try {
        return inMicroseconds(name, parseVariant(text));
      } catch (error) {
        throw RuneError.from(error, "read").within(`annotation \`${key}\``);
      }
    });
}

/** Unit files know TimeoutStopSec, the bus TimeoutStopUSec: seconds become microseconds. */
function inMicroseconds(name: string, value: Variant): Property {
  if (!/[a-z]Sec$/.test(name)) return [name, value];
  const property = `${name.slice(0, -"Sec".length)}USec`;
  return [property, { signature: "t", value: microseconds(name, value.value) }];
}

function microseconds(name: string, seconds: DbusValue): bigint {
  const numeric = typeof seconds === "bigint" || typeof seconds === "number";
  const us =
    typeof seconds === "bigint" ? seconds * 1_000_000n : numeric ? rounded(seconds) : undefined;
  if (us !== undefined && us >= 0n && us < 1n << 64n) return us;
  throw invalid(name, "it is no number of seconds");
}

function rounded(seconds: number): bigint | undefined {
  return Number.isFinite(seconds) ? BigInt(Math.round(seconds * 1e6)) : undefined;
}

function invalid(what: string, reason: string): RuneError {
  return new RuneError({ code: "CONFIG_INVALID", doing: `set \`${what}\``, reason });
}
