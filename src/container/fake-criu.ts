// SPDX-License-Identifier: Apache-2.0
/** For tests: a host whose runelets become criu, which answers as it is told. */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Fd } from "../kernel/kernel.ts";
import type { RecordingKernel } from "../kernel/recording.ts";
import { failedMessage, fakeHost, type Host, initPid, ready, readyMessage } from "./fake-host.ts";

export type FakeCriu = {
  readonly version: readonly [major: number, minor: number];
  readonly memTrack: boolean;
  readonly lazyPages: boolean;
  /** What it stops at on its way. */
  readonly steps: readonly string[];
  readonly fails: boolean;
  /** Whether runelet finds the program. */
  readonly exists: boolean;
};

export const usualCriu: FakeCriu = {
  version: [4, 1],
  memTrack: true,
  lazyPages: true,
  steps: [],
  fails: false,
  exists: true,
};

/** A field of a message: of a nested one the bytes. */
export type SentField = { readonly number: number; readonly value: number | Uint8Array };

export type CriuHost = Host & {
  /** Dumps and restores that were asked for: their type, and their options. */
  readonly requests: { readonly type: number; readonly options: readonly SentField[] }[];
};

/** What criu's process is to this one; the fake kernel's next. */
export const criuPid = 101;

export function criuHost(config: object = {}, change: Partial<FakeCriu> = {}): CriuHost {
  const criu = { ...usualCriu, ...change };
  const host = fakeHost(config);
  const { kernel } = host;
  const requests: CriuHost["requests"] = [];
  kernel
    .file(`/proc/${criuPid}/cgroup`, "4:memory:/web\n0::/web\n")
    .file("/images/descriptors.json", '["/dev/null","pipe:[7]","pipe:[8]"]')
    .directory("/folder")
    .directory(`/proc/${criuPid}/root/images`)
    .directory(`/proc/${criuPid}/root/folder`)
    .directory(`/proc/${initPid}/root/proc`);
  for (const name of ["time", "net", "pid"]) {
    kernel
      .link(`/proc/${initPid}/ns/${name}`, `${name}:[2]`)
      .link(`/proc/self/ns/${name}`, "x:[1]");
  }
  kernel.reactions.write = (fd, bytes) => {
    if (kernel.nameOf(fd) !== "channel") return;
    if (bytes[0] === 17) beRunelet(kernel, fd, criu);
    if (bytes[0] !== 8 || bytes[1] === 6) return;
    const type = bytes[1] ?? 0;
    if (type <= 4) requests.push({ type, options: optionsOf(bytes) });
    for (const packet of answersTo(type, criu)) {
      const brings = Buffer.from(packet).includes("orphan-pts-master");
      kernel.deliver(fd, packet, brings ? ["master"] : []);
    }
    if (type === 2 && !criu.fails) ready(kernel); // in its cgroups
  };
  kernel.reactions.close = () => {};
  return { ...host, requests };
}

/** Plans with `swrk` become criu; the others end. */
function beRunelet(kernel: RecordingKernel, channel: Fd, { exists }: FakeCriu): void {
  const plan = kernel.lastMemfd("plan");
  // Descriptors have numbers; /proc/self/fd says where they lead.
  for (let fd = 3; fd < 64; fd++) {
    const name = kernel.nameOf(fd);
    if (name === "/images" || name === "/folder") kernel.link(`/proc/self/fd/${fd}`, name);
  }
  if (!plan.includes("swrk")) return;
  if (exists) kernel.deliver(channel, readyMessage());
  else kernel.deliver(channel, notFound());
}

function notFound(): Uint8Array {
  return failedMessage(2, 2, "exec `criu`", "No such file or directory");
}

function answersTo(type: number, criu: FakeCriu): Uint8Array[] {
  const w = () => new BinaryWriter().tag(1, WireType.Varint).int32(type);
  const success = (ok: boolean) => w().tag(2, WireType.Varint).bool(ok);
  if (type === 10) {
    const [major, minor] = criu.version;
    const version = success(true).tag(10, WireType.LengthDelimited).fork();
    version.tag(1, WireType.Varint).int32(major).tag(2, WireType.Varint).int32(minor);
    return [version.join().finish()];
  }
  if (type === 9) {
    const features = success(true).tag(8, WireType.LengthDelimited).fork();
    features.tag(1, WireType.Varint).bool(criu.memTrack);
    return [features.tag(2, WireType.Varint).bool(criu.lazyPages).join().finish()];
  }
  const steps = criu.steps.map((script) => {
    const step = new BinaryWriter()
      .tag(1, WireType.Varint)
      .int32(6)
      .tag(2, WireType.Varint)
      .bool(true);
    step.tag(5, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string(script);
    return step.tag(2, WireType.Varint).int32(initPid).join().finish();
  });
  if (criu.fails) return [...steps, success(false).tag(7, WireType.Varint).int32(3).finish()];
  if (type !== 2) return [...steps, success(true).finish()];
  const restored = success(true).tag(4, WireType.LengthDelimited).fork();
  return [...steps, restored.tag(1, WireType.Varint).int32(initPid).join().finish()];
}

function optionsOf(bytes: Uint8Array): SentField[] {
  const reader = new BinaryReader(bytes);
  const sent: SentField[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === 2) sent.push(...fieldsOf(reader.bytes()));
    else reader.skip(type, number);
  }
  return sent;
}

export function fieldsOf(bytes: Uint8Array): SentField[] {
  const reader = new BinaryReader(bytes);
  const fields: SentField[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const value = type === WireType.Varint ? reader.int32() : reader.bytes();
    fields.push({ number, value });
  }
  return fields;
}

/** The values of an option: numbers, and texts as they are. */
export function sent({ requests }: CriuHost, number: number): (number | string)[] {
  const options = requests.at(-1)?.options ?? [];
  return options
    .filter((field) => field.number === number)
    .map(({ value }) => (typeof value === "number" ? value : new TextDecoder().decode(value)));
}

/** The values of an option that is a message of two fields. */
export function sentPairs({ requests }: CriuHost, number: number): (number | string)[][] {
  const options = requests.at(-1)?.options ?? [];
  return options.flatMap(({ number: found, value }) =>
    found !== number || typeof value === "number"
      ? []
      : [
          fieldsOf(value).map((field) =>
            typeof field.value === "number" ? field.value : new TextDecoder().decode(field.value),
          ),
        ],
  );
}
