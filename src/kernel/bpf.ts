// SPDX-License-Identifier: Apache-2.0
/** bpf(2), as far as programs on cgroups' devices need it; the attributes are `union bpf_attr` of linux/bpf.h. */
import { RuneError } from "../errors/error.ts";
import { EACCES, EINVAL, ENOENT, EPERM } from "./constants.ts";
import { type AttachedProgram, type Fd, type Kernel, unlessErrno } from "./kernel.ts";
import { addressIn } from "./libc.ts";

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_GET_FD_BY_ID = 13;
const BPF_OBJ_GET_INFO_BY_FD = 15;
const BPF_PROG_QUERY = 16;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 1 << 1;
const BPF_F_REPLACE = 1 << 2;
/** BPF_CGROUP_MAX_PROGS, include/linux/bpf-cgroup-defs.h. */
const programsMax = 64;
const nameBytes = 16;
const logBytes = 64 << 10;
/** Enough for what went wrong; the rest of the verifier's log lists the program. */
const logTail = 400;

type Calls = Pick<Kernel, "loadDeviceProgram" | "devicePrograms" | "attachDeviceProgram">;
/** bpf(2) itself: throws a RuneError with errno. */
type Bpf = (doing: () => string, command: number, attribute: number, sizeBytes: number) => number;

export function bpfCalls(bpf: Bpf): Calls {
  return {
    loadDeviceProgram: (name, instructions) => load(bpf, name, instructions),
    devicePrograms: (cgroup) =>
      query(bpf, cgroup).flatMap((id) => {
        // Gone meanwhile, or not for us to see, by a security module's word.
        const program = unlessErrno(() => programOf(bpf, id), ENOENT, EACCES, EPERM);
        return program === undefined ? [] : [program];
      }),
    attachDeviceProgram: (cgroup, program, replaced) => attach(bpf, cgroup, program, replaced),
  };
}

/**
 * prog_type u32@0, insn_cnt u32@4, insns u64@8, license u64@16, log_level u32@24, log_size u32@28,
 * log_buf u64@32, kern_version u32@40, prog_flags u32@44, prog_name 16@48. The license is a text for
 * the kernel, which lends its GPL-only helpers by it; no helper is called.
 */
function load(bpf: Bpf, name: string, instructions: Uint8Array): Fd {
  const code = pinned(instructions.length);
  code.set(instructions);
  const license = pinned(16);
  license.set(new TextEncoder().encode("Apache-2.0"));
  const log = pinned(logBytes);
  const attempt = (withLog: boolean) =>
    call(bpf, "load a device program", BPF_PROG_LOAD, 64, (view, bytes) => {
      view.setUint32(0, BPF_PROG_TYPE_CGROUP_DEVICE, true);
      view.setUint32(4, instructions.length / 8, true);
      view.setBigUint64(8, address(code), true);
      view.setBigUint64(16, address(license), true);
      view.setUint32(24, withLog ? 1 : 0, true);
      view.setUint32(28, withLog ? logBytes : 0, true);
      view.setBigUint64(32, withLog ? address(log) : 0n, true);
      bytes.set(new TextEncoder().encode(name).subarray(0, nameBytes - 1), 48);
    });
  try {
    return attempt(false) as Fd; // BPF_PROG_LOAD returns a descriptor
  } catch (error) {
    const { errno, reason, doing, code: errorCode } = RuneError.from(error, "load");
    if (errno !== EINVAL && errno !== EACCES) throw error;
    // The verifier refuses it. Once more, for its reasons; their lack is no reason to fail otherwise.
    try {
      return attempt(true) as Fd;
    } catch {
      const said = textOf(log).trim().slice(-logTail);
      const why = said === "" ? reason : `${reason}: ${said}`;
      throw new RuneError({ code: errorCode, doing, reason: why, errno, cause: error });
    }
  }
}

/** target_fd u32@0, attach_type u32@4, query_flags u32@8, attach_flags u32@12, prog_ids u64@16, prog_cnt u32@24. */
function query(bpf: Bpf, cgroup: Fd): number[] {
  const ids = pinned(4 * programsMax);
  let count = 0;
  call(
    bpf,
    "list device programs",
    BPF_PROG_QUERY,
    32,
    (view) => {
      view.setUint32(0, cgroup, true);
      view.setUint32(4, BPF_CGROUP_DEVICE, true);
      view.setBigUint64(16, address(ids), true);
      view.setUint32(24, programsMax, true);
    },
    (view) => {
      count = Math.min(view.getUint32(24, true), programsMax);
    },
  );
  const view = new DataView(ids.buffer);
  return Array.from({ length: count }, (_, index) => view.getUint32(4 * index, true));
}

/** By id: prog_id u32@0. Its info: bpf_fd u32@0, info_len u32@4, info u64@8; struct bpf_prog_info: name 16@64. */
function programOf(bpf: Bpf, id: number): AttachedProgram {
  const doing = `open device program ${id}`;
  const program = call(bpf, doing, BPF_PROG_GET_FD_BY_ID, 16, (view) => {
    view.setUint32(0, id, true);
  }) as Fd; // that is what the command returns
  const info = pinned(80);
  call(bpf, doing, BPF_OBJ_GET_INFO_BY_FD, 16, (view) => {
    view.setUint32(0, program, true);
    view.setUint32(4, 80, true);
    view.setBigUint64(8, address(info), true);
  });
  return { program, name: textOf(info.subarray(64, 64 + nameBytes)) };
}

/** target_fd u32@0, attach_bpf_fd u32@4, attach_type u32@8, attach_flags u32@12, replace_bpf_fd u32@16. */
function attach(bpf: Bpf, cgroup: Fd, program: Fd, replaced: Fd | undefined): void {
  call(bpf, "attach a device program", BPF_PROG_ATTACH, 20, (view) => {
    view.setUint32(0, cgroup, true);
    view.setUint32(4, program, true);
    view.setUint32(8, BPF_CGROUP_DEVICE, true);
    view.setUint32(12, BPF_F_ALLOW_MULTI | (replaced === undefined ? 0 : BPF_F_REPLACE), true);
    view.setUint32(16, replaced ?? 0, true);
  });
}

function call(
  bpf: Bpf,
  doing: string,
  command: number,
  sizeBytes: number,
  fill: (view: DataView, bytes: Uint8Array) => void,
  look: (view: DataView) => void = () => {},
): number {
  const attribute = pinned(sizeBytes);
  const view = new DataView(attribute.buffer);
  fill(view, attribute);
  const value = bpf(() => doing, command, Number(address(attribute)), sizeBytes);
  look(view);
  return value;
}

/** Zeroes at an address that stays: the collector may move small arrays. */
function pinned(sizeBytes: number): Uint8Array {
  return new Uint8Array(Math.max(4096, sizeBytes));
}

function address(bytes: Uint8Array): bigint {
  return BigInt(addressIn(bytes));
}

/** Up to the first NUL. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
}
