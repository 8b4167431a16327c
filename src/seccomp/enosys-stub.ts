// SPDX-License-Identifier: Apache-2.0
/**
 * A prefix for filters that answers ENOSYS to system calls which are newer than the profile. With the
 * profile's own answer, mostly EPERM, a C library would not fall back to the older call it could have
 * used, and every program breaks when it learns a new one (as with clone3 and faccessat2). A call is
 * newer when its number is above every one the profile names: numbers are given out in order since
 * Linux 5.1, the same on all architectures. runc has the same rule since 1.0.
 */
import {
  architectures,
  dataOffset,
  type Instruction,
  jumpAlways,
  jumpBitsSet,
  jumpEqual,
  jumpGreater,
  loadWord,
  returnConstant,
  verdict,
} from "./bpf.ts";

/** The highest system call the profile names, for one architecture of the filter. */
export type HighestCall = {
  /** libseccomp's token. */
  readonly architecture: number;
  readonly systemCall: number;
};

const x32Bit = 0x40000000;
const ENOSYS = 38;

/** Falls through into what follows, with nothing in the accumulator it could count on. */
export function enosysStub(highest: readonly HighestCall[]): Instruction[] {
  const byArchitecture = new Map(
    highest.map(({ architecture, systemCall }) => [architecture, systemCall]),
  );
  const x32 = byArchitecture.get(architectures.x32);
  const x86_64 = byArchitecture.get(architectures.x86_64);
  byArchitecture.delete(architectures.x32);
  byArchitecture.delete(architectures.x86_64);
  const sections = [...byArchitecture].map(([architecture, last]) => ({
    architecture,
    body: [loadCall, ...limit(last)],
  }));
  if (x86_64 !== undefined || x32 !== undefined) {
    const ordinary = limit(x86_64);
    const body = [
      loadCall,
      { code: jumpBitsSet, jt: ordinary.length + 1, jf: 0, k: x32Bit },
      ...ordinary,
      jump(limit(x32).length),
      ...limit(x32),
    ];
    // The most likely first.
    sections.unshift({ architecture: architectures.x86_64, body });
  }
  return withSections(sections);
}

type Section = { readonly architecture: number; readonly body: readonly Instruction[] };

/** Each section is skipped unless it is the call's architecture, and then leaves the stub. */
function withSections(sections: readonly Section[]): Instruction[] {
  if (sections.length === 0) return [];
  let stub: Instruction[] = [];
  for (const { architecture, body } of [...sections].reverse()) {
    // Conditional jumps reach 255 instructions; a body has ten at most.
    const test = { code: jumpEqual, jt: 0, jf: body.length + 1, k: architecture };
    stub = [test, ...body, jump(stub.length), ...stub];
  }
  return [{ code: loadWord, jt: 0, jf: 0, k: dataOffset.architecture }, ...stub];
}

/** ENOSYS for what is above; nothing where the profile names no call of the architecture. */
function limit(last: number | undefined): Instruction[] {
  if (last === undefined) return [];
  return [
    { code: jumpGreater, jt: 0, jf: 1, k: last },
    { code: returnConstant, jt: 0, jf: 0, k: verdict.errno | ENOSYS },
  ];
}

const loadCall: Instruction = { code: loadWord, jt: 0, jf: 0, k: dataOffset.systemCall };

function jump(skip: number): Instruction {
  return { code: jumpAlways, jt: 0, jf: 0, k: skip };
}
