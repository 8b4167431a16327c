// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EACCES, EEXIST } from "../kernel/constants.ts";
import { existing, fakeHost, root } from "./fake-host.ts";
import { ContainerDirectory, containerIds, peekState } from "./store.ts";

const failure = (code: string) => expect.objectContaining({ code });

test("a directory is made, locked and checked, its root with it", () => {
  const { kernel } = fakeHost();
  const directory = ContainerDirectory.create(kernel, "/run/a/b", "web");
  expect(kernel.calls).toEqual([
    "mkdir /run/a/b 711",
    "mkdir /run/a 711",
    "mkdir /run/a/b 711",
    "mkdir /run/a/b/web 711",
    "open /run/a/b/web",
    "lock /run/a/b/web",
    "fstat /run/a/b/web",
  ]);
  directory.release();
  directory.release();
  expect(kernel.openNames()).toEqual([]);
});

test("a root that another command makes at the same time is no error", () => {
  const { kernel } = fakeHost();
  kernel.fail("mkdir /run/a/b 711", 2).fail("mkdir /run/a/b 711", EEXIST);
  kernel.directory("/run/a/b");
  ContainerDirectory.create(kernel, "/run/a/b", "web").release();
});

test("a root in a user's runtime directory has the sticky bit, one by name has not", () => {
  for (const [sticky, mode] of [
    [true, "1700"],
    [false, "711"],
  ] as const) {
    const { kernel } = fakeHost();
    ContainerDirectory.create(kernel, root, "web", sticky).release();
    expect(kernel.calls.find((call) => call.startsWith(`mkdir ${root}`))).toBe(
      `mkdir ${root} ${mode}`,
    );
  }
});

test("an id is taken once", () => {
  const { kernel } = fakeHost();
  ContainerDirectory.create(kernel, root, "web").release();
  expect(() => ContainerDirectory.create(kernel, root, "web")).toThrow(failure("CONTAINER_EXISTS"));
  expect(kernel.below(root)).toEqual([`${root}/web`]);
});

test("the state is replaced in one step", () => {
  const host = fakeHost();
  const state = existing(host);
  using directory = ContainerDirectory.open(host.kernel, root, "web");
  host.kernel.calls.length = 0;
  directory.writeState({ ...state, bundle: "/other" });
  expect(host.kernel.calls).toEqual([
    `open ${root}/web/state.json.new`,
    `write ${root}/web/state.json.new`,
    `close ${root}/web/state.json.new`,
    `rename ${root}/web/state.json.new ${root}/web/state.json`,
  ]);
  expect(directory.readState()?.bundle).toBe("/other");
});

test("a container goes, its state as the last of its files", () => {
  const host = fakeHost();
  existing(host);
  host.kernel.fifo(`${root}/web/exec.fifo`, false);
  const directory = ContainerDirectory.open(host.kernel, root, "web");
  host.kernel.calls.length = 0;
  directory.remove();
  directory.release();
  expect(host.kernel.calls.filter((call) => /^(unlink|rmdir)/.test(call)).slice(-2)).toEqual([
    `unlink ${root}/web/state.json`,
    `rmdir ${root}/web`,
  ]);
  expect(host.kernel.below(root)).toEqual([]);
  expect(host.kernel.openNames()).toEqual([]);
});

test("who waited for the lock of a container that went finds none", () => {
  for (const replaced of [false, true]) {
    const host = fakeHost();
    existing(host);
    const { kernel } = host;
    kernel.reactions.lock = () => {
      kernel.unlink(`${root}/web/state.json`);
      kernel.rmdir(`${root}/web`);
      if (replaced) kernel.mkdir(`${root}/web`, 0o711);
    };
    expect(() => ContainerDirectory.open(kernel, root, "web")).toThrow(
      failure("CONTAINER_NOT_FOUND"),
    );
    expect(kernel.openNames()).toEqual([]);
  }
});

test("a new directory that `delete --force` takes away before it is locked is not left half", () => {
  const { kernel } = fakeHost();
  kernel.directory(root);
  kernel.reactions.lock = () => kernel.rmdir(`${root}/web`);
  expect(() => ContainerDirectory.create(kernel, root, "web")).toThrow(failure("CONTAINER_EXISTS"));
  expect(kernel.below(root)).toEqual([]);
  expect(kernel.openNames()).toEqual([]);
});

test("what is read without the lock", () => {
  const host = fakeHost();
  const state = existing(host);
  const { kernel } = host;
  expect(peekState(kernel, root, "web")).toEqual(state);
  expect(() => peekState(kernel, root, "none")).toThrow(failure("CONTAINER_NOT_FOUND"));
  kernel.file(`${root}/file`, "").directory(`${root}/empty`);
  expect(() => peekState(kernel, root, "empty")).toThrow(failure("CONTAINER_STATE"));
  kernel.fail(`open ${root}/web/state.json`, EACCES);
  expect(() => peekState(kernel, root, "web")).toThrow(failure("SYSCALL"));
  kernel.file(`${root}/a/x`, "");
  expect(containerIds(kernel, root)).toEqual(["a", "empty", "web"]);
  expect(containerIds(kernel, "/none")).toEqual([]);
});
