// SPDX-License-Identifier: Apache-2.0
/**
 * Checks of parsed JSON, put together from small functions. A validation library would cost 1.5 to
 * 4 ms of every `create`; this costs microseconds. A checker takes a value of unknown shape and
 * returns a fresh, typed copy of the part it knows, or throws a `Fault`.
 *
 * Paths are gathered while a fault unwinds, so a good document builds none.
 */

export type Checker<T> = (value: unknown) => T;

/** Where and why a document is wrong. */
export class Fault extends Error {
  /** Outermost first; a number is an index. */
  readonly path: (string | number)[] = [];
  readonly reason: string;

  constructor(reason: string, ...path: (string | number)[]) {
    super(reason);
    this.reason = reason;
    this.path = path;
  }

  /** `linux.namespaces[2].type`, `annotations["a.b"]`; empty for the document itself. */
  get pathText(): string {
    let text = "";
    for (const step of this.path) {
      if (typeof step === "number") text += `[${step}]`;
      else if (!/^\w+$/.test(step)) text += `[${JSON.stringify(step)}]`;
      else text += text === "" ? step : `.${step}`;
    }
    return text;
  }
}

export function expected(what: string, value: unknown): Fault {
  return new Fault(`expected ${what}, got ${describe(value)}`);
}

export function boolean(value: unknown): boolean {
  if (typeof value !== "boolean") throw expected("true or false", value);
  return value;
}

/** A string without NUL: every string may reach C, where a NUL would cut it short. */
export function string(value: unknown): string {
  if (typeof value !== "string") throw expected("a string", value);
  if (value.includes("\0")) throw new Fault("a string must not contain NUL");
  return value;
}

export function nonEmptyString(value: unknown): string {
  const text = string(value);
  if (text === "") throw expected("a string that is not empty", value);
  return text;
}

export function absolutePath(value: unknown): string {
  const text = string(value);
  if (!text.startsWith("/")) throw expected("an absolute path", value);
  return text;
}

export function integer(minimum: number, maximum: number): Checker<number> {
  return (value) => {
    if (Number.isInteger(value)) {
      // isInteger is true of numbers only, which its type does not say.
      const number = value as number;
      if (number >= minimum && number <= maximum) return number;
    }
    throw expected(`an integer from ${minimum} to ${maximum}`, value);
  };
}

export const uint16 = integer(0, 0xffff);
export const uint32 = integer(0, 0xffff_ffff);
export const int32 = integer(-0x8000_0000, 0x7fff_ffff);

/** A 64-bit integer met a number whose digits are lost: parse again with `parseExactJson`. */
export class InexactNumber extends Error {}

/**
 * A 64-bit integer: seccomp arguments and limits are that wide, and a mask that lost its low bits
 * would allow what it should forbid.
 */
function wideInteger(minimum: bigint, maximum: bigint): Checker<bigint> {
  return (value) => {
    const number = toBigInt(value);
    if (number !== undefined && number >= minimum && number <= maximum) return number;
    throw expected(`an integer from ${minimum} to ${maximum}`, value);
  };
}

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value !== "number" || !Number.isInteger(value)) return undefined;
  if (Number.isSafeInteger(value)) return BigInt(value);
  throw new InexactNumber();
}

export const uint64 = wideInteger(0n, 2n ** 64n - 1n);
export const int64 = wideInteger(-(2n ** 63n), 2n ** 63n - 1n);

export function oneOf<const T extends string>(choices: readonly T[]): Checker<T> {
  return (value) => {
    // `includes` asks for T; that the value is one is what it finds out.
    if (choices.includes(value as T)) return value as T;
    throw expected(`one of ${choices.join(", ")}`, value);
  };
}

export function array<T>(item: Checker<T>): Checker<T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw expected("an array", value);
    const result: T[] = [];
    for (let index = 0; index < value.length; index++) {
      try {
        result.push(item(value[index]));
      } catch (error) {
        throw outward(error, index);
      }
    }
    return result;
  };
}

/** An object with arbitrary keys; without prototype, so that `constructor` is no member of it. */
export function dictionary<T>(item: Checker<T>): Checker<Record<string, T>> {
  return (value) => {
    const source = record(value);
    const result: Record<string, T> = Object.create(null);
    for (const key of Object.keys(source)) {
      try {
        result[string(key)] = item(source[key]);
      } catch (error) {
        throw outward(error, key);
      }
    }
    return result;
  };
}

type Field<T> = {
  readonly required: boolean;
  readonly emptyIsAbsent: boolean;
  readonly check: Checker<T>;
};
type RequiredField<T> = Field<T> & { readonly required: true };
type OptionalField<T> = Field<T> & { readonly required: false };

/** One field a key of T, required exactly where T requires it. */
export type Fields<T> = {
  readonly [Key in keyof T]-?: Partial<Pick<T, Key>> extends Pick<T, Key>
    ? OptionalField<Exclude<T[Key], undefined>>
    : RequiredField<T[Key]>;
};

export function required<T>(check: Checker<T>): RequiredField<T> {
  return { required: true, emptyIsAbsent: false, check };
}

/** May be absent, or null, which Go's encoders write for absent lists. */
export function optional<T>(check: Checker<T>): OptionalField<T> {
  return { required: false, emptyIsAbsent: false, check };
}

/** May be absent, null or "": Go programs that do not omit empty strings write them. */
export function optionalText<T extends string>(check: Checker<T>): OptionalField<T> {
  return { required: false, emptyIsAbsent: true, check };
}

/** An object with the given fields; others are ignored, as the specification demands. */
export function object<T extends object>(fields: Fields<T>): Checker<T> {
  // Fields<T> has a Field for every key by its definition.
  const known = Object.entries(fields) as [string, Field<unknown>][];
  return (value) => {
    const source = record(value);
    const result: Record<string, unknown> = {};
    for (const [name, field] of known) {
      const item = source[name];
      if (item === undefined || item === null) {
        if (field.required) throw new Fault("is missing", name);
        continue;
      }
      if (item === "" && field.emptyIsAbsent) continue;
      try {
        result[name] = field.check(item);
      } catch (error) {
        throw outward(error, name);
      }
    }
    // Every key of T went through its checker.
    return result as T;
  };
}

/** A checker followed by rules over its result; a rule throws a Fault of its own. */
export function refine<T>(check: Checker<T>, rule: (value: T) => void): Checker<T> {
  return (value) => {
    const result = check(value);
    rule(result);
    return result;
  };
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw expected("an object", value);
  }
  // JSON's objects have string keys and nothing else.
  return value as Record<string, unknown>;
}

function outward(error: unknown, step: string | number): unknown {
  if (error instanceof Fault) error.path.unshift(step);
  return error;
}

/** A value as a person may look at it: short, a container by its kind only. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "bigint") return `${value}`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
