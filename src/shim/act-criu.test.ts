// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { decode, encode } from "../protobuf/codec.ts";
import { checkpointRequest } from "./act-criu.ts";
import { Act } from "./proto/act.gen.ts";
import { CheckpointOptions } from "./proto/runc-options.gen.ts";

function request(options: Partial<CheckpointOptions>) {
  const checkpoint = encode(CheckpointOptions, options);
  const act = encode(Act, { id: "web", bundle: "/bundle", images: "/images", checkpoint });
  return checkpointRequest(decode(Act, act));
}

test("what a client wants of a checkpoint, in criu's words", () => {
  expect(request({})).toMatchObject({
    ...{ id: "web", imagePath: "/images", workPath: "/bundle/criu-work", leaveRunning: true },
    ...{ tcpEstablished: false, extUnixSk: false, shellJob: false, fileLocks: false },
  });
  expect(request({})).not.toHaveProperty("manageCgroupsMode");
  const all = { exit: true, openTcp: true, externalUnixSockets: true, terminal: true };
  expect(request({ ...all, fileLocks: true, cgroupsMode: "soft", workPath: "/w" })).toMatchObject({
    ...{ workPath: "/w", leaveRunning: false, manageCgroupsMode: "soft" },
    ...{ tcpEstablished: true, extUnixSk: true, shellJob: true, fileLocks: true },
  });
});

test("a cgroups mode that there is not is refused", () => {
  expect(() => request({ cgroupsMode: "hard" })).toThrow("there is no cgroups mode `hard`");
});
