// SPDX-License-Identifier: Apache-2.0
/**
 * A stand-in for systemd's manager, for machines without one: `bun systemd-stand-in.ts SOCKET LOG`. It
 * owns org.freedesktop.systemd1 on a bus, makes scopes of the version 1 hierarchies that systemd manages
 * and of version 2, and is as strict as systemd about names and types. LOG gets a JSON line for
 * everything it was asked. It is no systemd: tests/systemd/real.test.ts has one.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import {
  decodeMessage,
  encodeMessage,
  fixedHeaderBytes,
  type Message,
  messageSize,
} from "../../src/dbus/message.ts";
import type { DbusValue } from "../../src/dbus/value.ts";

const [socketPath = "", logFile = ""] = process.argv.slice(2);
const systemd = "org.freedesktop.systemd1";
const managed = ["systemd", "cpu", "cpuacct", "memory", "blkio", "pids", "unified"];

/** Types of the properties of a scope: org.freedesktop.systemd1(5), "Scope Unit Objects". */
const propertyTypes: Readonly<Record<string, string>> = {
  Description: "s",
  Slice: "s",
  Delegate: "b",
  PIDs: "au",
  MemoryAccounting: "b",
  CPUAccounting: "b",
  BlockIOAccounting: "b",
  IOAccounting: "b",
  TasksAccounting: "b",
  DefaultDependencies: "b",
  CollectMode: "s",
  DevicePolicy: "s",
  DeviceAllow: "a(ss)",
  MemoryLimit: "t",
  MemoryMax: "t",
  MemorySwapMax: "t",
  CPUShares: "t",
  CPUWeight: "t",
  CPUQuotaPerSecUSec: "t",
  CPUQuotaPeriodUSec: "t",
  BlockIOWeight: "t",
  TasksMax: "t",
  AllowedCPUs: "ay",
  AllowedMemoryNodes: "ay",
  TimeoutStopUSec: "t",
  RuntimeMaxUSec: "t",
};

type Unit = { readonly name: string; readonly cgroup: string; failed: boolean };
const units = new Map<string, Unit>();
/** Their cgroups go once they are empty. */
const ended = new Set<Unit>();
let subscribers = 0;
let jobs = 0;
let serial = 0;

class Refusal extends Error {
  readonly errorName: string;

  constructor(errorName: string, message: string) {
    super(message);
    this.errorName = errorName;
  }
}

const socket = connect(socketPath);
let received = new Uint8Array();
let authenticated = false;

socket.write("\0AUTH EXTERNAL\r\n");
socket.on("data", (chunk) => {
  received = new Uint8Array(Buffer.concat([received, Buffer.from(chunk)]));
  if (!authenticated) return authenticate();
  takeMessages();
});
socket.on("close", () => process.exit(0));

function authenticate(): void {
  for (let end = received.indexOf(10); end >= 0; end = received.indexOf(10)) {
    const line = new TextDecoder().decode(received.slice(0, end)).trim();
    received = received.slice(end + 1);
    if (line === "DATA") socket.write("DATA\r\n");
    if (!line.startsWith("OK")) continue;
    authenticated = true;
    socket.write("BEGIN\r\n");
    busCall("Hello", "", []);
    busCall("RequestName", "su", [systemd, 4]);
    note({ ready: true });
    return;
  }
}

function takeMessages(): void {
  while (received.length >= fixedHeaderBytes) {
    const size = messageSize(received);
    if (received.length < size) return;
    const message = decodeMessage(received.slice(0, size));
    received = received.slice(size);
    if (message.type === "call") answer(message);
  }
}

function answer(call: Message): void {
  const to = call.sender === undefined ? {} : { destination: call.sender };
  try {
    note({ member: call.member, body: call.body });
    const [signature, ...body] = perform(call);
    send({ type: "return", replySerial: call.serial, signature, body, ...to });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { errorName, message } = error;
    note({ refused: call.member, errorName, message });
    const reply = { signature: "s", body: [message], replySerial: call.serial };
    send({ type: "error", errorName, ...reply, ...to });
  }
  // As systemd: the answer with the job first, the job's end after it.
  for (const signal of pending.splice(0)) send(signal);
}

const pending: Omit<Message, "serial">[] = [];

function perform({ member, signature = "", body, path = "" }: Message): [string, ...DbusValue[]] {
  const expected: Readonly<Record<string, string>> = {
    Subscribe: "",
    StartTransientUnit: "ssa(sv)a(sa(sv))",
    StopUnit: "ss",
    ResetFailedUnit: "s",
    SetUnitProperties: "sba(sv)",
    GetUnit: "s",
    Get: "ss",
  };
  if (member === undefined || expected[member] !== signature) {
    throw new Refusal("org.freedesktop.DBus.Error.InvalidArgs", `no ${member}(${signature})`);
  }
  const [name] = body;
  switch (member) {
    case "Subscribe":
      subscribers++;
      return [""];
    case "StartTransientUnit":
      return ["o", startUnit(String(name), propertiesOf(body[2]))];
    case "StopUnit":
      return ["o", stopUnit(unitOf(String(name)))];
    case "ResetFailedUnit":
      if (unitOf(String(name)).failed) units.delete(String(name));
      return [""];
    case "SetUnitProperties":
      unitOf(String(name));
      checkProperties(propertiesOf(body[2]));
      return [""];
    case "GetUnit":
      return ["o", `/unit/${Buffer.from(unitOf(String(name)).name).toString("hex")}`];
    default:
      return ["v", property(path, String(body[1]))];
  }
}

function property(path: string, name: string): DbusValue {
  const text = (value: string) => ({ signature: "s", value });
  if (name === "Version") return text("252.39-1~deb12u1");
  const unit = Buffer.from(path.split("/").at(-1) ?? "", "hex").toString();
  if (name === "ControlGroup") return text(units.get(unit)?.cgroup ?? "");
  throw new Refusal("org.freedesktop.DBus.Error.UnknownProperty", `no ${name}`);
}

type Properties = ReadonlyMap<string, DbusValue>;

function propertiesOf(list: DbusValue | undefined): Properties {
  const entries = (list as readonly [string, { signature: string; value: DbusValue }][]).map(
    ([name, { signature, value }]): [string, DbusValue] => {
      if (propertyTypes[name] !== signature) {
        const known = propertyTypes[name] ?? "no property";
        throw new Refusal(
          "org.freedesktop.DBus.Error.InvalidArgs",
          `${name} has type ${signature}, expected ${known}`,
        );
      }
      return [name, value];
    },
  );
  return new Map(entries);
}

/** What systemd checks beyond types, as far as it matters here. */
function checkProperties(properties: Properties): void {
  const refuse = (name: string) => {
    throw new Refusal("org.freedesktop.DBus.Error.InvalidArgs", `${name} is out of range`);
  };
  const weight = properties.get("CPUWeight");
  if (typeof weight === "bigint" && weight > 10000n) refuse("CPUWeight");
  const shares = properties.get("CPUShares");
  if (typeof shares === "bigint" && (shares < 2n || shares > 262144n)) refuse("CPUShares");
  const policy = properties.get("DevicePolicy");
  if (policy !== undefined && !["auto", "closed", "strict"].includes(String(policy))) {
    refuse("DevicePolicy");
  }
  for (const entry of (properties.get("DeviceAllow") ?? []) as readonly [string, string][]) {
    const [path, access] = entry;
    const known = /^(\/dev\/(char|block)\/[0-9]+:[0-9]+|(char|block)-\S+)$/.test(path);
    if (!known || !/^r?w?m?$/.test(access)) refuse("DeviceAllow");
  }
  const mode = properties.get("CollectMode") ?? "inactive";
  if (mode !== "inactive" && mode !== "inactive-or-failed") refuse("CollectMode");
}

function startUnit(name: string, properties: Properties): string {
  if (!/^[A-Za-z0-9:_.\\@-]{1,255}\.scope$/.test(name)) {
    throw new Refusal("org.freedesktop.DBus.Error.InvalidArgs", `Unit name ${name} is not valid`);
  }
  if (units.has(name)) {
    throw new Refusal(`${systemd}.UnitExists`, `Unit ${name} was already loaded`);
  }
  checkProperties(properties);
  const pids = (properties.get("PIDs") ?? []) as readonly number[];
  if (pids.length === 0) throw new Refusal(`${systemd}.BadUnitSetting`, "Scope has no PIDs");
  if (!pids.every((pid) => existsSync(`/proc/${pid}`))) {
    throw new Refusal("org.freedesktop.DBus.Error.UnixProcessIdUnknown", "no such process");
  }
  const slice = String(properties.get("Slice") ?? "system.slice").replace(/\.slice$/, "");
  const parts = slice === "-" ? [] : slice.split("-");
  const above = parts.map((_, index) => `/${parts.slice(0, index + 1).join("-")}.slice`).join("");
  const unit = { name, cgroup: `${above}/${name}`, failed: false };
  for (const directory of directories(unit)) {
    mkdirSync(directory, { recursive: true });
    for (const pid of pids) writeFileSync(join(directory, "cgroup.procs"), String(pid));
  }
  units.set(name, unit);
  const failing = existsSync(`${logFile}.fail-jobs`);
  if (failing) {
    unit.failed = true;
    ended.add(unit);
  }
  return job(name, failing ? "failed" : "done");
}

function stopUnit(unit: Unit): string {
  for (const pid of pidsOf(unit)) process.kill(pid, "SIGKILL");
  return job(unit.name, "done");
}

/** A job's end is signalled only while somebody has asked for it. */
function job(unit: string, result: string): string {
  const id = ++jobs;
  const path = `/org/freedesktop/systemd1/job/${id}`;
  if (subscribers === 0) return path;
  pending.push({
    type: "signal",
    path: "/org/freedesktop/systemd1",
    interface: `${systemd}.Manager`,
    member: "JobRemoved",
    signature: "uoss",
    body: [id, path, unit, result],
  });
  return path;
}

function unitOf(name: string): Unit {
  const unit = units.get(name);
  if (unit === undefined) throw new Refusal(`${systemd}.NoSuchUnit`, `Unit ${name} not loaded.`);
  return unit;
}

function directories({ cgroup }: Unit): string[] {
  return managed
    .map((name) => `/sys/fs/cgroup/${name}`)
    .filter((path) => existsSync(join(path, "cgroup.procs")))
    .map((path) => `${path}${cgroup}`);
}

function pidsOf(unit: Unit): number[] {
  const [first] = directories(unit);
  try {
    return readFileSync(`${first}/cgroup.procs`, "utf8").split("\n").filter(Boolean).map(Number);
  } catch {
    return []; // removed already
  }
}

/** A scope without processes is gone, with its cgroup and slices that nobody uses. */
setInterval(() => {
  for (const unit of ended) {
    if (pidsOf(unit).length > 0) continue;
    for (const directory of directories(unit)) removeEmpty(directory);
    ended.delete(unit);
  }
  for (const unit of units.values()) {
    if (unit.failed || pidsOf(unit).length > 0) continue;
    ended.add(unit);
    units.delete(unit.name);
    note({ collected: unit.name });
  }
}, 20);

function removeEmpty(directory: string): void {
  if (directory === "/sys/fs/cgroup" || dirname(directory) === "/sys/fs/cgroup") return;
  try {
    rmdirSync(directory);
  } catch {
    if (existsSync(directory)) return; // in use
  }
  removeEmpty(dirname(directory));
}

function busCall(member: string, signature: string, body: DbusValue[]): void {
  const name = "org.freedesktop.DBus";
  const target = { destination: name, path: "/org/freedesktop/DBus", interface: name };
  send({ type: "call", ...target, member, signature, body });
}

function send(message: Omit<Message, "serial">): void {
  socket.write(encodeMessage({ ...message, serial: ++serial }));
}

function note(entry: object): void {
  const plain = (_key: string, value: unknown) => {
    if (typeof value === "bigint") return String(value);
    return value instanceof Uint8Array ? [...value] : value;
  };
  appendFileSync(logFile, `${JSON.stringify(entry, plain)}\n`);
}
