// SPDX-License-Identifier: Apache-2.0
/** For tests: runs the programs that seccomp filters consist of, and stands in for libseccomp. */
import { RuneError } from "../errors/error.ts";
import type { ArgumentTest, SeccompLibrary } from "../kernel/seccomp-library.ts";
import {
  architectures,
  assemble,
  instructionBytes,
  jumpAlways,
  jumpBitsSet,
  jumpEqual,
  jumpGreater,
  loadWord,
  returnConstant,
} from "./bpf.ts";

export type Call = {
  readonly systemCall: number;
  /** AUDIT_ARCH_* */
  readonly architecture: number;
  readonly args?: readonly bigint[];
};

/** The verdict on a call; undefined where the program ends without one. Throws where it is malformed. */
export function judge(program: Uint8Array, call: Call): number | undefined {
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  const data = seccompData(call);
  let accumulator = 0;
  for (let at = 0; at < program.length; at += instructionBytes) {
    const [code, k] = [view.getUint16(at, true), view.getUint32(at + 4, true)];
    const [jt, jf] = [view.getUint8(at + 2), view.getUint8(at + 3)];
    const branch = (holds: boolean) => {
      at += instructionBytes * (holds ? jt : jf);
    };
    switch (code) {
      case loadWord:
        accumulator = data.getUint32(k, true);
        break;
      case jumpAlways:
        at += instructionBytes * k;
        break;
      case jumpEqual:
        branch(accumulator === k);
        break;
      case jumpGreater:
        branch(accumulator > k);
        break;
      case jumpGreaterOrEqual:
        branch(accumulator >= k);
        break;
      case jumpBitsSet:
        branch((accumulator & k) !== 0);
        break;
      case and:
        accumulator = (accumulator & k) >>> 0;
        break;
      case returnConstant:
        return k;
      default:
        throw new Error(`instruction 0x${code.toString(16)} at ${at / instructionBytes}`);
    }
  }
  return undefined;
}

/** Further instructions of libseccomp's: BPF_JMP | BPF_JGE | BPF_K, BPF_ALU | BPF_AND | BPF_K. */
const jumpGreaterOrEqual = 0x35;
const and = 0x54;

function seccompData({ systemCall, architecture, args = [] }: Call): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, systemCall, true);
  data.setUint32(4, architecture, true);
  for (const [index, value] of args.entries()) data.setBigUint64(16 + 8 * index, value, true);
  return data;
}

/** One call of {@link FakeLibrary}'s filter. */
export type Recorded =
  | { readonly did: "init"; readonly action: number }
  | { readonly did: "architecture"; readonly architecture: number }
  | {
      readonly did: "rule";
      readonly action: number;
      readonly systemCall: number;
      readonly tests: readonly ArgumentTest[];
    }
  | { readonly did: "tree" | "export" | "dispose" };

/** Knows a few names and records what is asked of it; its program returns the marker. */
export class FakeLibrary implements SeccompLibrary {
  static readonly marker = 0xdeadbeef;
  readonly recorded: Recorded[] = [];
  /** How many marker instructions export gives. */
  programSize = 1;
  file: string | undefined = "/etc/passwd";
  /** Where set, what addRule says. */
  refusal: string | undefined;

  version(): string {
    return "2.5.0";
  }

  /** Any file will do: there is no other library. */
  path(): string | undefined {
    return this.file;
  }

  systemCall(name: string): number | undefined {
    return calls.get(name)?.[0];
  }

  systemCallOf(architecture: number, name: string): number | undefined {
    const order: readonly number[] = [architectures.x86_64, architectures.x86, architectures.x32];
    return calls.get(name)?.[order.indexOf(architecture)];
  }

  filter(action: number) {
    const { recorded } = this;
    recorded.push({ did: "init", action });
    return {
      addArchitecture: (architecture: number) => {
        recorded.push({ did: "architecture", architecture });
      },
      addRule: (action: number, systemCall: number, tests: readonly ArgumentTest[]) => {
        if (this.refusal !== undefined) {
          throw new RuneError({ code: "SECCOMP", doing: "add a rule", reason: this.refusal });
        }
        recorded.push({ did: "rule", action, systemCall, tests });
      },
      sortAsTree: () => void recorded.push({ did: "tree" }),
      export: () => {
        recorded.push({ did: "export" });
        const one = { code: returnConstant, jt: 0, jf: 0, k: FakeLibrary.marker };
        return assemble(Array.from({ length: this.programSize }, () => one));
      },
      [Symbol.dispose]: () => void recorded.push({ did: "dispose" }),
    };
  }
}

/** Numbers on x86-64, x86 and x32; negative ones are libseccomp's for "not there". */
const calls = new Map([
  ["read", [0, 3, 0x40000000]],
  ["write", [1, 4, 0x40000001]],
  ["socketcall", [-101, 102, -101]],
  ["getrandom", [318, 355, 0x4000013e]],
  ["openat2", [437, 437, 0x400001b5]],
]);
