// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { socketPaths } from "./address.ts";

test("sockets of this machine, in order", () => {
  expect(socketPaths("unix:path=/run/user/1000/bus")).toEqual(["/run/user/1000/bus"]);
  expect(socketPaths("unix:abstract=/tmp/dbus-x,guid=0123")).toEqual(["\0/tmp/dbus-x"]);
  expect(socketPaths("tcp:host=h,port=1;unix:path=/a%20b;unix:path=/c")).toEqual(["/a b", "/c"]);
  expect(socketPaths("unix:runtime=yes", "/run/user/7")).toEqual(["/run/user/7/bus"]);
  expect(socketPaths("unix:runtime=yes")).toEqual([]);
  expect(socketPaths("autolaunch:")).toEqual([]);
  expect(socketPaths("")).toEqual([]);
  expect(() => socketPaths("unix:path=/%zz")).toThrow("not escaped");
});
