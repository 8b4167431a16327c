// SPDX-License-Identifier: Apache-2.0
/** Launch plans as bytes: docs/protocol/launch-plan.md, version 1. */
import { RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import { RecordWriter } from "../record/record.ts";
import type { Operation, Slot } from "./operation.ts";

const version = 1;
const headerBytes = 24;
const slotsMax = 256;
const none = 0xffffffff;
const pivotModes = { pivot: 0, move: 1, chroot: 2 } as const;
const cwdModes = { now: 0, try: 1, "if-deferred": 2 } as const;

/** Collects a plan's operations and the descriptors they use. */
export class PlanBuilder {
  readonly operations: Operation[] = [];
  /** Descriptors the interpreter inherits; the index is the slot. */
  readonly inherited: Fd[] = [];
  #filled = 0;

  add(...operations: Operation[]): void {
    this.operations.push(...operations);
  }

  /** A slot that holds an open descriptor from the start. */
  inherit(fd: Fd): Slot {
    this.inherited.push(fd);
    this.#check();
    return (this.inherited.length - 1) as Slot;
  }

  /** An empty slot for an operation to fill; handed out from the top, as inherited ones come later. */
  slot(): Slot {
    this.#filled++;
    this.#check();
    return (slotsMax - this.#filled) as Slot;
  }

  encode(): Uint8Array {
    return encodePlan(this.operations, this.inherited);
  }

  #check(): void {
    if (this.inherited.length + this.#filled <= slotsMax) return;
    const reason = `more than ${slotsMax} mounts, devices and descriptors`;
    throw new RuneError({ code: "CONFIG_UNSUPPORTED", doing: "plan the container", reason });
  }
}

/** The whole plan: header, descriptor table, records. */
export function encodePlan(operations: readonly Operation[], inherited: readonly Fd[]): Uint8Array {
  const tableEnd = (headerBytes + 4 * inherited.length + 7) & ~7;
  const writer = new RecordWriter(tableEnd, 16384);
  for (const operation of operations) encodeOperation(writer, operation);
  const plan = writer.finish();
  const view = new DataView(plan.buffer, plan.byteOffset, plan.byteLength);
  new TextEncoder().encodeInto("RUNEPLAN", plan);
  view.setUint32(8, version, true);
  view.setUint32(12, plan.length, true);
  view.setUint32(16, operations.length, true);
  view.setUint32(20, inherited.length, true);
  inherited.forEach((fd, index) => {
    view.setUint32(headerBytes + 4 * index, fd, true);
  });
  return plan;
}

function encodeOperation(w: RecordWriter, o: Operation): void {
  switch (o.op) {
    case "writeFile":
      return void w.begin(1).string(o.path).bytes(new TextEncoder().encode(o.data)).end();
    case "setns":
      return void w.begin(2).u32(o.slot).u32(o.types).end();
    case "openTree":
      return void w.begin(3).u32(o.slot).string(o.path).u32(flag(o.recursive)).end();
    case "clone":
      w.begin(4)
        .u64(o.flags)
        .u32(o.cgroup ?? none);
      return void w.string(o.uidMap).string(o.gidMap).u32(flag(o.denySetgroups)).end();
    case "enter":
      return void w.begin(5).u32(o.program).list(o.argv).end();
    case "unshare":
      return void w.begin(6).u64(o.flags).end();
    case "setsid":
      return void w.begin(7).end();
    case "propagation":
      return void w.begin(16).string(o.path).u64(o.flag).u32(flag(o.recursive)).end();
    case "root":
      return void w.begin(17).u32(o.slot).string(o.path).end();
    case "mountFs":
      w.begin(18).string(o.type).string(o.source).list(o.options).u64(o.attributes);
      return void w.u64(o.propagation).string(o.destination).end();
    case "mountTree":
      w.begin(19).u32(o.slot).string(o.destination).u64(o.set).u64(o.clear);
      return void w.u64(o.recursiveSet).u64(o.recursiveClear).u64(o.propagation).end();
    case "mknod":
      w.begin(20).string(o.path).u32(o.mode).u32(o.major).u32(o.minor);
      return void w.u32(o.uid).u32(o.gid).end();
    case "symlink":
      return void w.begin(21).string(o.target).string(o.path).end();
    case "mask":
      return void w.begin(22).string(o.path).end();
    case "readonly":
      return void w.begin(23).string(o.path).end();
    case "pivot":
      return void w.begin(24).u32(pivotModes[o.mode]).end();
    case "attributes":
      return void w.begin(25).string(o.path).u64(o.set).end();
    case "bindDevice":
      return void w.begin(26).u32(o.slot).string(o.path).end();
    default:
      return encodeProcessOperation(w, o);
  }
}

type MountOperation =
  | "writeFile"
  | "setns"
  | "openTree"
  | "clone"
  | "enter"
  | "unshare"
  | "setsid"
  | "propagation"
  | "root"
  | "mountFs"
  | "mountTree"
  | "mknod"
  | "symlink"
  | "mask"
  | "readonly"
  | "pivot"
  | "attributes"
  | "bindDevice";

function encodeProcessOperation(
  w: RecordWriter,
  o: Exclude<Operation, { readonly op: MountOperation }>,
): void {
  switch (o.op) {
    case "hostname":
      return void w.begin(32).string(o.name).end();
    case "domainname":
      return void w.begin(33).string(o.name).end();
    case "rlimit":
      return void w.begin(34).u32(o.resource).u64(o.soft).u64(o.hard).end();
    case "console":
      return void w.begin(35).u32(o.slot).u32(o.rows).u32(o.columns).u32(flag(o.mount)).end();
    case "cwd":
      return void w.begin(36).string(o.path).u32(cwdModes[o.when]).end();
    case "umask":
      return void w.begin(37).u32(o.mask).end();
    case "ids":
      w.begin(38).u32(o.uid).u32(o.gid).u32(o.groups.length);
      for (const group of o.groups) w.u32(group);
      return void w.end();
    case "bounding":
      return void w.begin(39).u64(o.keep).end();
    case "capabilities":
      w.begin(40).u64(o.effective).u64(o.permitted);
      return void w.u64(o.inheritable).u64(o.ambient).end();
    case "noNewPrivs":
      return void w.begin(41).end();
    case "seccomp":
      return void w.begin(42).u32(o.flags).bytes(o.filter).end();
    case "keepFds":
      return void w.begin(43).u32(o.count).end();
    case "findProgram":
      return void w.begin(44).string(o.name).string(o.path).end();
    case "ready":
      return void w.begin(45).end();
    case "waitFifo":
      return void w.begin(46).u32(o.slot).end();
    case "exec":
      return void w.begin(47).list(o.argv).list(o.env).end();
    case "hook":
      w.begin(48).u32(o.timeoutSeconds).string(o.path).list(o.argv).list(o.env);
      return void w.bytes(o.state).end();
    case "home":
      return void w.begin(49).u32(o.uid).end();
    case "monitor":
      return void w
        .begin(64)
        .u32(o.pid)
        .u32(o.console ?? none)
        .u32(o.subreaper ? 0 : 1)
        .end();
    case "cgroupKill":
      return void w.begin(65).string(o.path).end();
    case "rmdir":
      return void w.begin(66).string(o.path).end();
    case "unlink":
      return void w.begin(67).string(o.path).end();
    case "exit":
      return void w.begin(68).end();
    case "palLoad":
      return void w.begin(80).u32(o.slot).string(o.name).end();
    case "palInit":
      return void w.begin(81).string(o.args).string(o.logLevel).end();
    case "agent":
      return void w.begin(82).u32(o.slot).end();
    case "palRun":
      return void w.begin(83).list(o.argv).list(o.env).end();
    default: {
      const unknown: never = o;
      throw new RuneError({
        code: "RUNELET",
        doing: "encode a launch plan",
        reason: `unknown operation ${JSON.stringify(unknown)}`,
      });
    }
  }
}

function flag(value: boolean): number {
  return value ? 1 : 0;
}
