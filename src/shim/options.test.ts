// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { encode } from "../protobuf/codec.ts";
import { taskOptions } from "./options.ts";
import { CreateOptions } from "./proto/linux-options.gen.ts";
import { Options } from "./proto/runc-options.gen.ts";

test("runc's options, with or without the prefix of a type's address", () => {
  const value = encode(Options, { root: "/r", systemdCgroup: true, shimCgroup: "/s" });
  for (const typeUrl of ["containerd.runc.v1.Options", "types.x/containerd.runc.v1.Options"]) {
    expect(taskOptions({ typeUrl, value })).toMatchObject({
      ...{ root: "/r", systemdCgroup: true, shimCgroup: "/s", noPivotRoot: false },
    });
  }
});

test("the old options that containerd's client sends to shims of other names", () => {
  const value = encode(CreateOptions, { noPivotRoot: true, ioUid: 7, shimCgroup: "/s" });
  expect(taskOptions({ typeUrl: CreateOptions.typeName, value })).toEqual({
    ...{ noPivotRoot: true, noNewKeyring: false, shimCgroup: "/s", ioUid: 7, ioGid: 0 },
  });
});

test("none, those of a configuration file, and unknown ones", () => {
  expect(taskOptions(undefined)).toEqual({});
  const value = new Uint8Array();
  expect(taskOptions({ typeUrl: "runtimeoptions.v1.Options", value })).toEqual({});
  expect(() => taskOptions({ typeUrl: "a.B", value })).toThrow("options of type `a.B`");
});
