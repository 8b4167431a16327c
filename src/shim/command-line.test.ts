// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parseShimLine } from "./command-line.ts";

test("what containerd says to start and to delete", () => {
  const words = [
    "-namespace",
    "k8s.io",
    "-address",
    "/a.sock",
    "-publish-binary",
    "/c",
    "-id",
    "x",
  ];
  const common = { namespace: "k8s.io", address: "/a.sock", publishBinary: "/c", id: "x" };
  expect(parseShimLine([...words, "start"])).toMatchObject({ ...common, action: "start" });
  expect(parseShimLine([...words, "-bundle", "/b", "-debug", "delete"])).toMatchObject({
    ...common,
    ...{ action: "delete", bundle: "/b", debug: true },
  });
});

test("flags as Go reads them: one dash or two, with = or without", () => {
  expect(parseShimLine(["--namespace=a=b", "-id=", "start"])).toMatchObject({
    ...{ namespace: "a=b", id: "" },
  });
  expect(parseShimLine(["-v"])).toMatchObject({ version: true });
  expect(parseShimLine(["-info"])).toMatchObject({ info: true });
});

test.each([
  [["-nonsense", "start"], "there is no flag `-nonsense`"],
  [["-id"], "flag `-id` needs a value"],
  [[], "its action is start or delete"],
  [["stop"], "its action is start or delete, not `stop`"],
  [["start", "more"], "its action is start or delete, not `start more`"],
])("%p is refused", (words, reason) => {
  expect(() => parseShimLine(words)).toThrow(reason);
});
