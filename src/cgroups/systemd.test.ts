// SPDX-License-Identifier: Apache-2.0
/** A container's unit against a peer that answers as systemd does, and every call that can fail. */
import { expect, test } from "bun:test";
import { decodeMessage, encodeMessage, type Message } from "../dbus/message.ts";
import type { DbusValue } from "../dbus/value.ts";
import { EIO } from "../kernel/constants.ts";
import type { Fd, Pid } from "../kernel/kernel.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { existingUnit, newUnit } from "./systemd.ts";

const bus = "/run/dbus/system_bus_socket";
const systemd = "org.freedesktop.systemd1";
const owner = ":1.7";
const pid = 4242 as Pid; // of nobody
const wanted = { id: "web", cgroupsPath: "a-b.slice:test:web", annotations: {} };
const choice = { user: false, environment: {} };
const hierarchies = [
  { version: 1, mountPoint: "/cg/memory", controllers: ["memory"], own: "/" },
  { version: 2, mountPoint: "/cg/unified", controllers: [], own: "/" },
] as const;

type Answer = { readonly error: string } | readonly [signature: string, ...body: DbusValue[]];
type Peer = {
  readonly kernel: RecordingKernel;
  /** The members that were called, in order. */
  readonly called: string[];
  /** By member; overrides what the peer answers. */
  readonly answers: Record<string, Answer>;
  /** Ends of jobs, instead of the right one. */
  jobEnds: readonly Partial<Message>[] | undefined;
};

/** A bus with systemd on it; `socket` is where. */
function peer(socket = bus): Peer {
  const made: Peer = {
    kernel: new RecordingKernel(),
    called: [],
    answers: {},
    jobEnds: undefined,
  };
  const { kernel } = made;
  let authenticated = false;
  kernel.reactions.write = (fd, bytes) => {
    if (kernel.nameOf(fd) !== socket) return;
    if (!authenticated) {
      // A message that came with these lines would be lost on a real systemd: they are a write alone.
      expect(new TextDecoder().decode(bytes)).toBe("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n");
      say(kernel, fd, "DATA\r\nOK 0123\r\n");
      authenticated = true;
      return;
    }
    answer(made, fd, decodeMessage(bytes));
  };
  return made;
}

function say(kernel: RecordingKernel, fd: Fd, text: string): void {
  kernel.deliver(fd, new TextEncoder().encode(text));
}

function answer(made: Peer, fd: Fd, call: Message): void {
  const { kernel } = made;
  const member = call.member ?? "";
  made.called.push(member === "Get" ? `Get ${call.body[1]}` : member);
  const found = made.answers[member] ?? usual(call);
  const reply = { serial: 1, replySerial: call.serial, sender: owner };
  const jobEnd: Partial<Message> = { sender: owner };
  const ends = ["StartTransientUnit", "StopUnit"].includes(member)
    ? (made.jobEnds ?? [jobEnd])
    : [];
  if ("error" in found) {
    const body = ["it says no"];
    kernel.deliver(
      fd,
      encodeMessage({ ...reply, type: "error", errorName: found.error, signature: "s", body }),
    );
    return;
  }
  // A signal may come before the answer.
  for (const end of ends) kernel.deliver(fd, encodeMessage({ ...jobRemoved, ...end }));
  const [signature, ...body] = found;
  kernel.deliver(fd, encodeMessage({ ...reply, type: "return", signature, body }));
}

const jobRemoved: Message = {
  type: "signal",
  serial: 2,
  path: "/org/freedesktop/systemd1",
  interface: `${systemd}.Manager`,
  member: "JobRemoved",
  signature: "uoss",
  body: [1, "/job/1", "test-web.scope", "done"],
};

function usual({ member, body, path = "" }: Message): Answer {
  switch (member) {
    case "Hello":
      return ["s", ":1.99"];
    case "GetNameOwner":
      return ["s", owner];
    case "StartTransientUnit":
    case "StopUnit":
      return ["o", "/job/1"];
    case "GetUnit":
      return ["o", "/unit/1"];
    case "Get":
      if (body[1] === "Version") return ["v", { signature: "s", value: "252.1" }];
      return ["v", { signature: "s", value: path === "/unit/1" ? cgroup : "/" }];
    default:
      return [""];
  }
}

const cgroup = "/a.slice/a-b.slice/test-web.scope";

test("a unit is asked for, waited for, and where it should be", () => {
  const { kernel, called } = peer();
  const unit = newUnit(kernel, choice, wanted);
  expect(unit.record).toEqual({ name: "test-web.scope", user: false });
  expect(unit.locate(hierarchies).map(({ path }) => path)).toEqual([
    `/cg/memory${cgroup}`,
    `/cg/unified${cgroup}`,
  ]);
  expect(unit.isOurs).toBe(false);
  unit.start(pid, { pids: { limit: 5n } }, 1);
  expect(unit.isOurs).toBe(true);
  unit.close();
  expect(called).toEqual([
    "Hello",
    "GetNameOwner",
    "Get ControlGroup",
    "Get Version",
    "AddMatch",
    "Subscribe",
    "StartTransientUnit",
    "GetUnit",
    "Get ControlGroup",
  ]);
  expect(kernel.openNames()).toEqual([]);
});

test("a unit that exists is told of new limits, stopped and forgotten", () => {
  const { kernel, called } = peer();
  const unit = existingUnit(kernel, {}, { name: "test-web.scope", user: false });
  unit.setResources({ pids: { limit: 7n } }, 2);
  unit.setResources({}, 2);
  unit.stop();
  unit.close();
  expect(called.filter((member) => !/^(Hello|Get)/.test(member))).toEqual([
    "SetUnitProperties",
    "AddMatch",
    "Subscribe",
    "StopUnit",
    "ResetFailedUnit",
  ]);
  expect(kernel.openNames()).toEqual([]);
});

test("a unit that is gone is stopped, whatever else systemd says is not", () => {
  const gone = peer();
  gone.answers["StopUnit"] = { error: `${systemd}.NoSuchUnit` };
  gone.answers["ResetFailedUnit"] = { error: `${systemd}.NoSuchUnit` };
  existingUnit(gone.kernel, {}, { name: "a.scope", user: false }).stop();
  const refused = peer();
  refused.answers["StopUnit"] = { error: "org.freedesktop.DBus.Error.AccessDenied" };
  const unit = existingUnit(refused.kernel, {}, { name: "a.scope", user: false });
  expect(() => unit.stop()).toThrow("it says no (org.freedesktop.DBus.Error.AccessDenied)");
});

test("a unit that is on its way out is waited for", () => {
  const { kernel, answers } = peer();
  answers["StartTransientUnit"] = { error: `${systemd}.UnitExists` };
  kernel.reactions.sleep = () => delete answers["StartTransientUnit"];
  newUnit(kernel, choice, wanted).start(pid, {}, 2);
});

test("a failed unit in the way is forgotten, one that runs is not touched", () => {
  const { kernel, called, answers } = peer();
  answers["StartTransientUnit"] = { error: `${systemd}.UnitExists` };
  const unit = newUnit(kernel, choice, wanted);
  expect(() => unit.start(pid, {}, 2)).toThrow("UnitExists");
  expect(kernel.nowMs()).toBeGreaterThan(3000);
  unit.stop();
  expect(called.slice(-3)).toEqual(["StartTransientUnit", "ResetFailedUnit", "StartTransientUnit"]);
  expect(called).not.toContain("StopUnit");
});

test("only systemd's word on our job counts", () => {
  const made = peer();
  const forged: Partial<Message> = { sender: ":1.66", body: [1, "/job/1", "x", "failed"] };
  const other: Partial<Message> = { sender: owner, body: [2, "/job/2", "x", "failed"] };
  made.jobEnds = [forged, other, { sender: owner }];
  newUnit(made.kernel, choice, wanted).start(pid, {}, 2);
  const failing = peer();
  failing.jobEnds = [{ sender: owner, body: [1, "/job/1", "x", "failed"] }];
  const unit = newUnit(failing.kernel, choice, wanted);
  expect(() => unit.start(pid, {}, 2)).toThrow("systemd's job ended as `failed`");
  expect(unit.isOurs).toBe(true);
  const silent = peer();
  silent.jobEnds = [];
  expect(() => newUnit(silent.kernel, choice, wanted).start(pid, {}, 2)).toThrow(
    "there is no answer",
  );
});

test("a unit in another cgroup than expected is an error", () => {
  const made = peer();
  made.answers["Get"] = ["v", { signature: "s", value: "/elsewhere" }];
  expect(() => newUnit(made.kernel, choice, wanted).start(pid, {}, 2)).toThrow(
    "systemd has put it into `/elsewhere`",
  );
});

test("every call that fails is an error, and nothing stays open", () => {
  const act = (kernel: RecordingKernel) => {
    const unit = newUnit(kernel, choice, wanted);
    try {
      unit.locate(hierarchies);
      unit.start(pid, {}, 2);
    } finally {
      unit.close();
    }
  };
  const whole = peer();
  act(whole.kernel);
  for (let call = 1; call <= whole.kernel.fallible; call++) {
    const broken = peer();
    broken.kernel.failCall(call, EIO);
    // Systemd's own socket is tried next where the bus fails, and there is none.
    expect(() => act(broken.kernel), String(call)).toThrow();
    expect(broken.kernel.openNames()).toEqual([]);
  }
});

test("without a bus systemd is asked itself", () => {
  const { kernel, called } = peer("/run/systemd/private");
  kernel.fail(`connectUnix ${bus}`, 2 /* ENOENT */);
  existingUnit(kernel, {}, { name: "a.scope", user: false }).stop();
  expect(called).toEqual(["Subscribe", "StopUnit", "ResetFailedUnit"]);
});

test("whose systemd it is, and where", () => {
  const tried = (user: boolean, environment: typeof choice.environment, uid = 0) => {
    const kernel = new RecordingKernel();
    kernel.uid = uid;
    for (let count = 0; count < 3; count++) kernel.fail("connectUnix", 2 /* ENOENT */);
    const unit = existingUnit(kernel, environment, { name: "a.scope", user });
    expect(() => unit.stop()).toThrow(user ? "reach the user's systemd" : "reach the system's");
    return kernel.calls.filter((call) => call.startsWith("connectUnix")).map((c) => c.slice(12));
  };
  expect(tried(false, {})).toEqual([bus, "/run/systemd/private"]);
  expect(tried(false, {}, 1000)).toEqual([bus]);
  expect(tried(false, { systemBus: "unix:path=/b" })).toEqual(["/b"]);
  expect(tried(true, { sessionBus: "unix:path=/b", runtimeDirectory: "/run/user/7" })).toEqual([
    "/b",
    "/run/user/7/bus",
    "/run/user/7/systemd/private",
  ]);
  expect(tried(true, {})).toEqual([]);
});
