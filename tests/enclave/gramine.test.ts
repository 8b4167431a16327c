// SPDX-License-Identifier: Apache-2.0
/**
 * liberpal-gramine.so. Gramine itself cannot be had here: a shell script stands in for the image's `gramine-sgx`,
 * and says what it was called with.
 */
import { expect } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EnclaveSandbox, enclave, enclaveObstacle, moreEnvironment } from "../support/enclave.ts";
import { busybox, needs, repository } from "../support/runtime.ts";

const test = needs(enclaveObstacle);
const pal = "liberpal-gramine.so";

const standIn = `#!/bin/sh
echo "arguments $#: $*"
echo "of the pod: $GREETING"
[ -f "$1.manifest.sgx" ] && [ -f "$1.sig" ] || exit 64
exec 3<"$1.manifest.sgx"
eval "$(/bin/busybox cat <&3)"
`;

/** An image with Gramine in it, and what the carrier has put there: here the manifest is what the stand-in does. */
function image(sandbox: EnclaveSandbox, manifest: string): string {
  const { rootfs } = sandbox.bundle;
  for (const name of ["bin", "usr/bin"]) mkdirSync(join(rootfs, name), { recursive: true });
  for (const name of ["busybox", "sh"]) copyFileSync(busybox, join(rootfs, "bin", name));
  writeFileSync(join(rootfs, "usr/bin/gramine-sgx"), standIn, { mode: 0o755 });
  writeFileSync(join(rootfs, "app.manifest.sgx"), manifest);
  writeFileSync(join(rootfs, "app.sig"), "");
  const path = join(sandbox.pals, pal);
  copyFileSync(join(repository, "native/build/lib", pal), path);
  chmodSync(path, 0o755);
  return path;
}

test("gramine-sgx gets the manifest's name and the pod's environment; its status is the container's", async () => {
  await using sandbox = new EnclaveSandbox();
  const path = image(sandbox, "exit 7");
  const { status, stdout } = await sandbox.run(
    enclave(path, "app", "not", "in", "the", "manifest"),
    moreEnvironment("GREETING=hello"),
  );
  expect({ status, stdout }).toEqual({
    status: 7,
    stdout: "arguments 1: app\nof the pod: hello\n",
  });
  await sandbox.expectNothingLeft();
});

test("a signal ends it, and so it says; another program does not run beside it", async () => {
  await using sandbox = new EnclaveSandbox();
  const id = sandbox.id();
  sandbox.configure(enclave(image(sandbox, "kill -9 $$"), "app"));
  expect((await sandbox.call(["run", id])).status).toBe(137);

  const other = sandbox.id();
  sandbox.configure(enclave(image(sandbox, "exec /bin/busybox sleep 1000"), "app"));
  await sandbox.must(["create", other]);
  await sandbox.must(["start", other]);
  const exec = await sandbox.call(["exec", other, "/bin/sh"]);
  expect(exec.status).not.toBe(0);
  await sandbox.must(["kill", other, "KILL"]);
  await sandbox.must(["delete", "--force", other]);
  await sandbox.expectNothingLeft();
});

for (const [args, reason] of [
  ["", "expected one argument"],
  ["../app", "expected one argument"],
  ["other", "other.manifest.sgx: No such file or directory"],
] as const)
  test(`with the argument ${JSON.stringify(args)} create fails`, async () => {
    await using sandbox = new EnclaveSandbox();
    sandbox.configure(enclave(image(sandbox, "exit 0"), args));
    const { status, stderr } = await sandbox.call(["run", sandbox.id()]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(reason) });
    expect(stderr).toContain("PAL_FAILED");
    await sandbox.expectNothingLeft();
  });
