// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import type { Config } from "../oci/config.ts";
import { bindNotifySocket, connectHost, makeNotifyDirectory, withNotifySocket } from "./notify.ts";
import { ContainerDirectory } from "./store.ts";

function container() {
  const kernel = new RecordingKernel().directory("/run");
  return { kernel, directory: ContainerDirectory.create(kernel, "/run/rune", "web") };
}

test("the container gets the directory and the variable, in place of one of its own", () => {
  const { directory } = container();
  const config: Config = {
    ociVersion: "1.2.0",
    root: { path: "rootfs" },
    process: {
      user: { uid: 0, gid: 0 },
      args: ["x"],
      cwd: "/",
      env: ["A=1", "NOTIFY_SOCKET=/old"],
    },
  };
  expect(withNotifySocket(config, directory)).toMatchObject({
    process: { args: ["x"], env: ["A=1", "NOTIFY_SOCKET=/run/notify/notify.sock"] },
    mounts: [
      {
        destination: "/run/notify",
        source: "/run/rune/web/notify",
        options: ["bind", "nosuid", "noexec", "nodev", "ro"],
      },
    ],
  });
  expect(config.process.env).toEqual(["A=1", "NOTIFY_SOCKET=/old"]);
});

test("every user of the container may write, and an abstract name begins with NUL", () => {
  const { kernel, directory } = container();
  makeNotifyDirectory(kernel, directory);
  expect(kernel.calls).toContain("mkdir /run/rune/web/notify 755");
  connectHost(kernel, "@systemd");
  expect(kernel.calls.at(-1)).toBe("connectDatagram \0systemd");
});

test("a container created without the directory has no socket", () => {
  const { kernel, directory } = container();
  expect(bindNotifySocket(kernel, directory)).toBeUndefined();
});
