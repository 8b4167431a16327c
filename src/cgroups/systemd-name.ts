// SPDX-License-Identifier: Apache-2.0
/** Names of units, and where systemd puts their cgroups: systemd.unit(5), systemd.slice(5). */
import { RuneError } from "../errors/error.ts";

export type ScopeName = { readonly slice: string; readonly unit: string };

/** UNIT_NAME_MAX in systemd's unit-name.h, without its NUL. */
const unitNameMaxLength = 255;
const defaultPrefix = "rune";

/**
 * `slice:prefix:name` is the scope `prefix-name.scope` in the slice. An empty slice, as an empty path,
 * means systemd's own; the prefix is then `rune` and the name the container's id.
 */
export function parseScopeName(cgroupsPath: string, id: string, user: boolean): ScopeName {
  const defaultSlice = user ? "user.slice" : "system.slice";
  const [slice = "", prefix = "", name = "", ...more] =
    cgroupsPath === "" ? ["", defaultPrefix, id] : cgroupsPath.split(":");
  if (name === "" || more.length > 0) {
    throw invalid(cgroupsPath, "with --systemd-cgroup it is slice:prefix:name");
  }
  if (name.endsWith(".slice")) {
    throw invalid(cgroupsPath, "a slice holds no processes: the name is that of a scope");
  }
  const unit = `${prefix}-${name}.scope`;
  if (!/^[A-Za-z0-9:_.\\@-]+$/.test(unit) || unit.length > unitNameMaxLength) {
    throw invalid(unit, "it is no name that systemd allows for a unit");
  }
  const chosen = slice === "" ? defaultSlice : slice;
  expandSlice(chosen);
  return { slice: chosen, unit };
}

/** "a-b.slice" lies in "a.slice": /a.slice/a-b.slice; "-.slice" is the root, an empty path. */
export function expandSlice(slice: string): string {
  if (slice === "-.slice") return "";
  const name = slice.endsWith(".slice") ? slice.slice(0, -".slice".length) : "";
  const parts = name.split("-");
  if (!/^[A-Za-z0-9:_.\\@-]+$/.test(name) || parts.includes("")) {
    throw invalid(slice, "it is no name of a slice, such as `system.slice` or `a-b.slice`");
  }
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("-")}.slice`).join("");
}

function invalid(what: string, reason: string): RuneError {
  const doing = `config \`linux.cgroupsPath\`: use \`${what}\``;
  return new RuneError({ code: "CONFIG_INVALID", doing, reason });
}
