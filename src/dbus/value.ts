// SPDX-License-Identifier: Apache-2.0
/** Values of D-Bus types as JavaScript has them. */

/** A value that carries its type. */
export type Variant = { readonly signature: string; readonly value: DbusValue };

/**
 * By type: `b` boolean; `y n q i u d` number; `x t` bigint; `s o g` string; `ay` bytes; other arrays and
 * structures lists; `v` a variant. Descriptors (`h`) are not carried.
 */
export type DbusValue =
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Variant
  | readonly DbusValue[];
