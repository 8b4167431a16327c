// SPDX-License-Identifier: Apache-2.0
/** Rules to the program the kernel loads. */
import { RuneError } from "../errors/error.ts";
import type { LibraryFilter, SeccompLibrary } from "../kernel/seccomp-library.ts";
import { assemble, instructionBytes, programMaxInstructions, verdict } from "./bpf.ts";
import { enosysStub, type HighestCall } from "./enosys-stub.ts";
import type { FilterRules } from "./rules.ts";

/** To be raised when the same rules give another program: compiled filters are kept. */
export const compilerVersion = 1;

/** From so many rules on libseccomp is asked for a binary tree, as runc does. */
const treeFromRules = 33;

/** libseccomp's time grows with the square of the rules for one call: this many take it 4 s. */
const maximumRules = 16384;

/** The filter, an array of `struct sock_filter`. */
export function compile(library: SeccompLibrary, rules: FilterRules): Uint8Array {
  const stub = needsStub(rules)
    ? assemble(enosysStub(highestCalls(library, rules)))
    : new Uint8Array(0);
  const filter = exportFilter(library, rules);
  const count = (stub.length + filter.length) / instructionBytes;
  if (filter.length === 0 || !Number.isInteger(count)) throw refusal("libseccomp made no filter");
  if (count > programMaxInstructions) {
    throw refusal(`it needs ${count} instructions; the kernel takes ${programMaxInstructions}`);
  }
  const program = new Uint8Array(stub.length + filter.length);
  program.set(stub);
  program.set(filter, stub.length);
  return program;
}

/**
 * Where everything unknown is let through, or answered with ENOSYS anyway, nothing is to be mended. A
 * tracer, too, is to see new calls.
 */
function needsStub({ defaultAction }: FilterRules): boolean {
  const action = defaultAction & 0xffff0000;
  return (
    defaultAction !== verdict.allow &&
    defaultAction !== verdict.log &&
    action !== verdict.trace &&
    defaultAction !== (verdict.errno | 38)
  ); // ENOSYS
}

/** All names count, also those of rules that only repeat the default action. */
function highestCalls(
  library: SeccompLibrary,
  { groups, architectures }: FilterRules,
): HighestCall[] {
  const names = groups.flatMap(({ names }) => names);
  return architectures.flatMap((architecture) => {
    let systemCall = -1;
    for (const name of names) {
      systemCall = Math.max(systemCall, library.systemCallOf(architecture, name) ?? -1);
    }
    return systemCall < 0 ? [] : [{ architecture, systemCall }];
  });
}

function exportFilter(library: SeccompLibrary, rules: FilterRules): Uint8Array {
  using filter = library.filter(rules.defaultAction);
  for (const architecture of rules.architectures) filter.addArchitecture(architecture);
  if (addRules(library, filter, rules) >= treeFromRules) filter.sortAsTree();
  return filter.export();
}

/** The number of rules added. Names libseccomp does not know are skipped: profiles are newer than it. */
function addRules(library: SeccompLibrary, filter: LibraryFilter, rules: FilterRules): number {
  let count = 0;
  for (const { names, action, alternatives } of rules.groups) {
    // libseccomp refuses a rule that says what holds anyway.
    if (action === rules.defaultAction) continue;
    for (const name of names) {
      const systemCall = library.systemCall(name);
      if (systemCall === undefined) continue;
      for (const tests of alternatives) {
        if (++count > maximumRules) throw refusal(`it has more than ${maximumRules} rules`);
        addRule(() => filter.addRule(action, systemCall, tests), name);
      }
    }
  }
  return count;
}

function addRule(add: () => void, name: string): void {
  try {
    add();
  } catch (error) {
    throw RuneError.from(error, "add a rule").within(`system call \`${name}\``);
  }
}

function refusal(reason: string): RuneError {
  return new RuneError({ code: "SECCOMP", doing: "compile the seccomp filter", reason });
}
