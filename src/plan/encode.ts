// SPDX-License-Identifier: Apache-2.0
/** Launch plans as bytes: docs/protocol/launch-plan.md, version 1. */
import { RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import { RecordWriter } from "../record/record.ts";
import type { HookArguments, Operation, Slot } from "./operation.ts";

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
      w.begin(1).string(o.path).bytes(new TextEncoder().encode(o.data)).end();
      return;
    case "setns":
      w.begin(2).u32(o.slot).u32(o.types).end();
      return;
    case "openTree":
      w.begin(3).u32(o.slot).string(o.path).u32(flag(o.recursive)).end();
      return;
    case "clone":
      w.begin(4)
        .u64(o.flags)
        .u32(o.cgroup ?? none);
      w.string(o.uidMap).string(o.gidMap);
      w.u32(flag(o.denySetgroups) | (flag(o.asksForMaps) << 1)).end();
      return;
    case "enter":
      w.begin(5).u32(o.program).list(o.argv).end();
      return;
    case "unshare":
      w.begin(6).u64(o.flags).end();
      return;
    case "setsid":
      w.begin(7).end();
      return;
    case "open":
      w.begin(8).u32(o.slot).string(o.path).u32(o.flags).end();
      return;
    case "affinity":
      w.begin(9).bytes(o.mask).end();
      return;
    case "time":
      w.begin(10).u32(o.proc).bytes(new TextEncoder().encode(o.offsets)).end();
      return;
    case "devNull":
      w.begin(15).end();
      return;
    case "propagation":
      w.begin(16).string(o.path).u64(o.flag).u32(flag(o.recursive)).end();
      return;
    case "root":
      w.begin(17).u32(o.slot).string(o.path).end();
      return;
    case "mountFs":
      w.begin(18).string(o.type).string(o.source).list(o.options).u64(o.attributes);
      w.u64(o.propagation).string(o.destination).u32(flag(o.links)).end();
      return;
    case "mountTree":
      w.begin(19).u32(o.slot).string(o.destination).u64(o.set).u64(o.clear);
      w.u64(o.reset).u64(o.recursiveSet).u64(o.recursiveClear).u64(o.base);
      w.u64(o.propagation.flag).u32(flag(o.propagation.recursive)).end();
      return;
    case "mknod":
      w.begin(20).string(o.path).u32(o.mode).u32(o.major).u32(o.minor);
      w.u32(o.uid).u32(o.gid).end();
      return;
    case "symlink":
      w.begin(21).string(o.target).string(o.path).end();
      return;
    case "mask":
      w.begin(22).string(o.path).u32(o.slot).list(o.options).end();
      return;
    case "readonly":
      w.begin(23).string(o.path).end();
      return;
    case "pivot":
      w.begin(24).u32(pivotModes[o.mode]).end();
      return;
    case "attributes":
      w.begin(25).string(o.path).u64(o.set).end();
      return;
    case "bindDevice":
      w.begin(26).u32(o.slot).string(o.path).end();
      return;
    case "mkdir":
      w.begin(27).string(o.path).end();
      return;
    case "tmpfs":
      w.begin(28).string(o.source).list(o.options).u64(o.attributes).u64(o.propagation);
      w.string(o.destination)
        .u32(flag(o.takesMode) | (flag(o.takesContent) << 1))
        .end();
      return;
    case "remount":
      w.begin(29).string(o.path).u64(o.set).u64(o.clear).u64(o.reset);
      w.u32(flag(o.options !== undefined))
        .list(o.options ?? [])
        .end();
      return;
    case "idMap":
      w.begin(30)
        .u32(o.slot)
        .u32(o.namespace ?? none);
      w.string(o.uidMap).string(o.gidMap).u32(flag(o.recursive)).string(o.path).end();
      return;
    case "mountData":
      w.begin(31).string(o.type).string(o.source).string(o.data).u64(o.flags);
      w.u64(o.propagation).string(o.destination).u32(flag(o.links)).end();
      return;
    case "sysctl":
      w.begin(86).string(o.name).bytes(new TextEncoder().encode(o.value)).end();
      return;
    case "demandProc":
      w.begin(87).u32(o.slot).string(o.path).end();
      return;
    case "hostname":
      w.begin(32).string(o.name).end();
      return;
    case "domainname":
      w.begin(33).string(o.name).end();
      return;
    case "rlimit":
      w.begin(34).u32(o.resource).u64(o.soft).u64(o.hard).end();
      return;
    case "raiseLimit":
      w.begin(57).u32(o.resource).u64(o.hard).end();
      return;
    case "console":
      w.begin(35).u32(o.slot).u32(o.rows).u32(o.columns).u32(flag(o.mount)).end();
      return;
    case "cwd":
      w.begin(36).string(o.path).u32(cwdModes[o.when]).end();
      return;
    case "umask":
      w.begin(37).u32(o.mask).end();
      return;
    case "ids":
      w.begin(38).u32(o.uid).u32(o.gid).u32(o.groups.length);
      for (const group of o.groups) w.u32(group);
      w.end();
      return;
    case "bounding":
      w.begin(39).u64(o.keep).end();
      return;
    case "capabilities":
      w.begin(40).u64(o.effective).u64(o.permitted);
      w.u64(o.inheritable).u64(o.ambient).end();
      return;
    case "awaitDevices":
      w.begin(11).end();
      return;
    case "netDevice":
      w.begin(12).string(o.name).bytes(o.addresses).end();
      return;
    case "noNewPrivs":
      w.begin(41).end();
      return;
    case "seccomp":
      w.begin(42).u32(o.flags).bytes(o.filter).end();
      return;
    case "keepFds":
      w.begin(43).u32(o.count).end();
      return;
    case "findProgram":
      w.begin(44).string(o.name).string(o.path).end();
      return;
    case "ready":
      w.begin(45).end();
      return;
    case "waitFifo":
      w.begin(46).u32(o.slot).end();
      return;
    case "exec":
      w.begin(47).list(o.argv).list(o.env).end();
      return;
    case "hook":
      encodeHook(w.begin(48), o).end();
      return;
    case "runtimeHooks":
      w.begin(75).end();
      return;
    case "poststart":
      encodeHook(w.begin(76), o).end();
      return;
    case "poststop":
      encodeHook(w.begin(77), o).list(o.report).end();
      return;
    case "seccompNotify":
      w.begin(78).u32(o.flags).bytes(o.filter).end();
      return;
    case "home":
      w.begin(49).u32(o.uid).end();
      return;
    case "scheduler":
      w.begin(50)
        .u32(o.policy)
        .u64(o.flags)
        .u32(o.nice >>> 0)
        .u32(o.priority);
      w.u64(o.runtime).u64(o.deadline).u64(o.period).end();
      return;
    case "ioPriority":
      w.begin(51).u32(o.value).end();
      return;
    case "memoryPolicy":
      w.begin(52).u32(o.mode).bytes(o.nodes).end();
      return;
    case "personality":
      w.begin(53).u32(o.domain).end();
      return;
    case "keyring":
      w.begin(54).string(o.name).end();
      return;
    case "label":
      w.begin(55).u32(o.proc).string(o.file).string(o.label).end();
      return;
    case "keep":
      w.begin(56).u32(o.slot).end();
      return;
    case "monitor":
      w.begin(64)
        .u32(o.pid)
        .u32(o.console ?? none)
        .u32(o.channel ?? none);
      w.u32(o.subreaper ? 0 : 1).end();
      return;
    case "notify":
      w.begin(96).u32(o.from).u32(o.to).end();
      return;
    case "claim":
      w.begin(13).u32(o.slot).u32(flag(o.hold)).end();
      return;
    case "cgroupRemove":
      w.begin(65).string(o.path).u32(flag(o.kill)).end();
      return;
    case "rmdir":
      w.begin(66).string(o.path).end();
      return;
    case "unlink":
      w.begin(67).string(o.path).end();
      return;
    case "exit":
      w.begin(68).end();
      return;
    case "namespaceRoot":
      w.begin(106).end();
      return;
    case "dropGroups":
      w.begin(107).end();
      return;
    case "report":
      w.begin(69).list(o.argv).end();
      return;
    case "palLoad":
      w.begin(80).u32(o.slot).string(o.name).end();
      return;
    case "palInit":
      w.begin(81).string(o.args).string(o.logLevel).list(o.env).end();
      return;
    case "agent":
      w.begin(82).u32(o.slot).end();
      return;
    case "palRun":
      w.begin(83).list(o.argv).list(o.env).end();
      return;
    case "agentExec":
      w.begin(84).u32(o.slot).string(o.cwd).list(o.argv).list(o.env).u32(flag(o.tty)).end();
      return;
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

function encodeHook(w: RecordWriter, o: HookArguments): RecordWriter {
  w.u32(o.timeoutSeconds).string(o.path).list(o.argv).list(o.env);
  return w.bytes(o.state).bytes(o.tail);
}

function flag(value: boolean): number {
  return value ? 1 : 0;
}
