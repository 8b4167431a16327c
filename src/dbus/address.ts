// SPDX-License-Identifier: Apache-2.0
/** Addresses of buses: D-Bus specification, "Server Addresses". Only sockets of this machine. */
import { RuneError } from "../errors/error.ts";

/**
 * The socket paths that an address such as `unix:path=/run/dbus/system_bus_socket` names, in order; an
 * abstract one begins with NUL. Other transports are left out.
 */
export function socketPaths(address: string, runtimeDirectory?: string): string[] {
  return address
    .split(";")
    .filter((one) => one.startsWith("unix:"))
    .flatMap((one) => {
      const options = new Map(one.slice("unix:".length).split(",").map(parseOption));
      const [path, abstract] = [options.get("path"), options.get("abstract")];
      if (path !== undefined) return [path];
      if (abstract !== undefined) return [`\0${abstract}`];
      const atRuntime = options.get("runtime") === "yes" && runtimeDirectory !== undefined;
      return atRuntime ? [`${runtimeDirectory}/bus`] : [];
    });
}

function parseOption(text: string): [string, string] {
  const equals = text.indexOf("=");
  if (equals < 0) return [text, ""];
  return [text.slice(0, equals), unescapeValue(text.slice(equals + 1))];
}

/** Two hexadecimal digits behind a percent sign are a byte. */
function unescapeValue(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    const doing = `read D-Bus address \`${text}\``;
    throw new RuneError({ code: "DBUS", doing, reason: "it is not escaped as an address is" });
  }
}
