// SPDX-License-Identifier: Apache-2.0
/**
 * System calls that are newer than a profile. A profile written before a call existed would answer it
 * with its default, usually EPERM, where programs take only ENOSYS as "fall back to the old call": so
 * a stub before the filter answers ENOSYS to every number above the highest that the profile names.
 * runc does the same (libcontainer/seccomp/patchbpf).
 */
import type { Seccomp } from "../oci/config-linux.ts";
import { architectures, type KnownArchitecture } from "./architectures.ts";
import type { SeccompLibrary } from "./library.ts";

/** struct sock_filter: code u16@0, jt u8@2, jf u8@3, k u32@4. */
type Instruction = {
  readonly code: number;
  readonly jt?: number;
  readonly jf?: number;
  readonly k: number;
};

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JEQ = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JGT = 0x25;
const JGE = 0x35;
const RETURN = 0x06; // BPF_RET | BPF_K
const [numberOffset, architectureOffset] = [0, 4]; // struct seccomp_data
const ENOSYS = 38;
const x32Bit = 0x40000000;
const permissive = new Set(["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"]);

/** The stub's bytes; none where the default is no refusal, or is ENOSYS already. */
export function enosysStub(
  library: SeccompLibrary,
  seccomp: Seccomp,
  known: readonly KnownArchitecture[],
): Uint8Array {
  if (permissive.has(seccomp.defaultAction) || seccomp.defaultErrnoRet === ENOSYS) {
    return new Uint8Array();
  }
  const highest = (architecture: KnownArchitecture) =>
    known.includes(architecture) ? highestNumber(library, seccomp, architecture) : undefined;
  const native = highest("SCMP_ARCH_X86_64");
  const x32 = highest("SCMP_ARCH_X32");
  const x86 = highest("SCMP_ARCH_X86");
  return encode([
    { code: LOAD, k: architectureOffset },
    ...(native === undefined ? [] : forArchitecture("SCMP_ARCH_X86_64", split(native, x32))),
    ...(x86 === undefined ? [] : forArchitecture("SCMP_ARCH_X86", above(x86))),
  ]);
}

function highestNumber(
  library: SeccompLibrary,
  { syscalls = [] }: Seccomp,
  architecture: KnownArchitecture,
): number | undefined {
  const numbers = syscalls
    .flatMap(({ names }) => names)
    .map((name) => library.number(name, architectures[architecture]) ?? -1)
    .filter((number) => number >= 0);
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}

/** The block runs only for the architecture, and leaves it in the accumulator for the next one. */
function forArchitecture(name: KnownArchitecture, block: readonly Instruction[]): Instruction[] {
  const body: Instruction[] = [
    { code: LOAD, k: numberOffset },
    ...block,
    { code: LOAD, k: architectureOffset },
  ];
  return [{ code: JEQ, jt: 0, jf: body.length, k: architectures[name] }, ...body];
}

function above(last: number): Instruction[] {
  return [
    { code: JGT, jt: 0, jf: 1, k: last },
    { code: RETURN, k: 0x00050000 | ENOSYS },
  ];
}

/** x32 calls have the same architecture and a bit in their number. */
function split(native: number, x32: number | undefined): Instruction[] {
  const forX32 = x32 === undefined ? [] : above((x32 | x32Bit) >>> 0);
  const forNative = above(native);
  return [
    // x32: over the native block, which is followed by its own.
    { code: JGE, jt: forNative.length, jf: 0, k: x32Bit },
    ...forNative,
    // A native number never exceeds an x32 one, so it may run into the x32 block unharmed.
    ...forX32,
  ];
}

function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * instructions.length);
  const view = new DataView(bytes.buffer);
  instructions.forEach(({ code, jt = 0, jf = 0, k }, index) => {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jt);
    view.setUint8(8 * index + 3, jf);
    view.setUint32(8 * index + 4, k, true);
  });
  return bytes;
}
