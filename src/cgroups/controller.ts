// SPDX-License-Identifier: Apache-2.0
/**
 * What every controller's file gives: how `linux.resources`, which is written in terms of version 1,
 * becomes writes to the files of version 1 and of version 2. docs/reference/resources.md has them all.
 */
import { RuneError } from "../errors/error.ts";
import type { Resources } from "../oci/config-resources.ts";
import type { LimitFiles } from "./limit-files.ts";

type Setter = (files: LimitFiles, resources: Resources) => void;

export type Controller = {
  /** Its name in a version 1 hierarchy. */
  readonly v1: string;
  /** Its name in version 2; absent: version 2 has none. */
  readonly v2?: string;
  /**
   * The field, below `linux.resources`, that asks for something; undefined when none does. Engines
   * written in Go write zeros and empty lists for what nobody asked for.
   */
  readonly asked: (resources: Resources) => string | undefined;
  readonly setV1: Setter;
  /** Present exactly where `v2` is. */
  readonly setV2?: Setter;
};

/** The first of some fields that has a value; zero and "" are none. */
export function firstAsked(
  group: string,
  fields: readonly (readonly [string, bigint | number | string | undefined])[],
): string | undefined {
  const found = fields.find(([, value]) => isSet(value));
  return found === undefined ? undefined : `${group}.${found[0]}`;
}

/** As runc has it, 0 and "" stand for "not set" but where 0 is a value of its own. */
export function isSet<T extends bigint | number | string>(value: T | undefined): value is T {
  return value !== undefined && value !== 0n && value !== 0 && value !== "";
}

/** Version 2 says "max" where version 1 and config.json say -1. */
export function orMax(value: bigint): string {
  return value < 0n ? "max" : String(value);
}

/** A value that contradicts the others. */
export function invalid(field: string, value: unknown, reason: string): RuneError {
  const doing = `config \`linux.resources.${field}\`: set \`${value}\``;
  return new RuneError({ code: "CONFIG_INVALID", doing, reason });
}
