// SPDX-License-Identifier: Apache-2.0
/** What the generated `*.gen.ts` files are made of: tables of fields, in place of code for each message. */

export type Scalar = "string" | "bytes" | "bool" | "uint32" | "int32" | "uint64" | "int64" | "enum";

export type Kind = Scalar | Schema<object>;

/** The field's number, what it holds, and whether it is a list, or a map from strings. */
export type Field = readonly [no: number, kind: Kind, form?: "list" | "map"];

/** A message of proto3. `T` is what it decodes to. */
export type Schema<T extends object> = {
  readonly typeName: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Only for the type: never set. */
  readonly decoded?: T;
};

export function schema<T extends object>(
  typeName: string,
  fields: Readonly<Record<string, Field>>,
): Schema<T> {
  return { typeName, fields };
}

/** What a message is made from: what is left out has the default of its type, on the wire nothing. */
export type Init<T> = T extends Uint8Array | ReadonlyMap<string, unknown>
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Init<Item>[]
    : T extends object
      ? { readonly [K in keyof T]?: Init<T[K]> | undefined }
      : T;

export type MethodType<I extends object, O extends object> = {
  readonly request: Schema<I>;
  readonly response: Schema<O>;
  /** Which sides send more than one message; absent for a plain call. */
  readonly streams?: "client" | "server" | "both";
};

export type ServiceType = {
  readonly typeName: string;
  readonly methods: Readonly<Record<string, MethodType<object, object>>>;
};
