// SPDX-License-Identifier: Apache-2.0
/** The Debian package in a fresh Debian: installed, used, upgraded, removed, purged. */
import { afterAll, beforeAll, expect } from "bun:test";
import { copyFileSync, mkdirSync } from "node:fs";
import { DebianRoot, debianRootMissing } from "../support/debian-root.ts";
import { busybox, needs, only } from "../support/runtime.ts";
import { Built } from "./built.ts";

const missing = debianRootMissing();
const test = missing === undefined ? only("rune", "the package is rune's") : needs(missing);

const config = "/etc/inclavare-containers/config.toml";
let built: Built;
let root: DebianRoot;

beforeAll(async () => {
  if (missing !== undefined) return;
  built = await Built.shared();
  root = new DebianRoot();
  const older = await built.older("0.0.1", (text) =>
    text.replace("max_builds = 2", "max_builds = 1"),
  );
  mkdirSync(root.changed("root"), { recursive: true });
  copyFileSync(older, root.changed("root/older.deb"));
  copyFileSync(built.deb, root.changed("root/inclavare-containers.deb"));
  copyFileSync(busybox, root.changed("root/busybox"));
}, 300_000);
afterAll(() => {
  root?.[Symbol.dispose]();
  built?.[Symbol.dispose]();
});

/** Every file, folder and link, but for what dpkg, apt and adduser keep of their own work. */
const listing = `find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /root -o -path /tmp \\
  -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache/apt -o -path /var/cache/man \\
  -o -path /var/cache/debconf -o -path /var/log -o -path '/etc/*-' -o -path /etc/.pwd.lock -o -path /var/cache/ldconfig \\) -prune -o -print | sort`;

let before = "";

test("apt installs it with what it depends on, and starts nothing", async () => {
  before = await root.must(listing);
  const output = await root.must("apt-get install -y --no-install-recommends ./older.deb 2>&1");
  expect(output).toContain("Setting up inclavare-containers (0.0.1)");
  expect(await root.must("dpkg --audit; dpkg --verify inclavare-containers")).toBe("");
  expect(await root.must("dpkg-query --status inclavare-containers")).toContain(
    "\nStatus: install ok installed\n",
  );
});

test("an upgrade keeps the configuration as its owner changed it", async () => {
  await root.must(`sed -i 's/^log_level = .*/log_level = "warn"/' ${config}`);
  const upgrade =
    "apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold ./inclavare-containers.deb 2>&1";
  expect(await root.must(upgrade)).toContain("Unpacking inclavare-containers (0.1.0) over (0.0.1)");
  expect(await root.must(`cat ${config}`)).toContain('log_level = "warn"');
  expect(await root.must(`cat ${config}.dpkg-dist`)).toContain('log_level = "info"');
  await root.must(`rm ${config}.dpkg-dist`);
  // A configuration that nobody has touched follows the package.
  using other = new DebianRoot();
  mkdirSync(other.changed("root"), { recursive: true });
  for (const name of ["older.deb", "inclavare-containers.deb"])
    copyFileSync(root.changed(`root/${name}`), other.changed(`root/${name}`));
  await other.must("dpkg -i older.deb && dpkg -i inclavare-containers.deb");
  expect(await other.must(`grep -c 'max_builds = 2' ${config}`)).toBe("1\n");
});

test("tools, manual pages and completions are where they are looked for", async () => {
  expect(await root.must("rune --version")).toMatch(/^rune version 0\.1\.0\ncommit: /);
  expect(await root.must("sgx-tools measure /usr/lib/inclavare/encl.bin")).toMatch(/[0-9a-f]{64}/);
  expect(await root.must("which containerd-shim-rune-v2 signature-server")).toBe(
    "/usr/bin/containerd-shim-rune-v2\n/usr/bin/signature-server\n",
  );
  expect(await root.must("man -w rune-run sgx-tools")).toBe(
    "/usr/share/man/man8/rune-run.8.gz\n/usr/share/man/man8/sgx-tools.8.gz\n",
  );
  const complete = `bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader rune; complete -p rune'`;
  expect(await root.must(complete)).toMatch(/^complete .* rune\n$/);
  expect(await root.must("test -s /usr/share/zsh/site-functions/_rune; echo zsh")).toBe("zsh\n");
});

test("the service's user is there, and owns nothing yet", async () => {
  expect(await root.must("getent passwd inclavare-platform")).toMatch(
    /^inclavare-platform:x:\d+:\d+:Simulated SGX platform,*:\/var\/lib\/inclavare\/platform:\/usr\/sbin\/nologin\n$/,
  );
});

test("a container runs", async () => {
  const output = await root.must(`
    mkdir -p bundle/rootfs/bin && cp busybox bundle/rootfs/bin/sh && cd bundle && rune spec
    sed -i -e 's/"terminal": true/"terminal": false/' -e 's/"sh"$/"sh", "-c", "echo from the container"/' config.json
    rune run fresh && rune list -q && cd .. && rm -r bundle`);
  expect(output).toBe("from the container\n");
});

test("an enclave runs on the simulated platform, with the package's own sample", async () => {
  const output = await root.must(`
    mkdir -p enclave/rootfs/proc enclave/rootfs/dev enclave/rootfs/sys && cd enclave
    cp /usr/lib/inclavare/encl.bin /usr/lib/inclavare/encl.ss rootfs/
    rune spec --enclave
    sed -i -e 's/"terminal": true/"terminal": false/' -e 's/"sh"/"hello"/' -e 's#"cwd": "/var/run/rune"#"cwd": "/"#' \\
      -e 's#/var/run/rune/liberpal#/usr/lib/inclavare/liberpal#' config.json
    rune run --platform simulation enclave 2>/dev/null; cd .. && rm -r enclave`);
  expect(output.toLowerCase()).toContain("hello");
});

test("a package without systemd is removed without a word, and leaves its configuration alone", async () => {
  const removal = await root.run("apt-get remove -y inclavare-containers 2>&1");
  expect(removal.stdout).not.toMatch(/error|warning/i);
  expect(removal.status).toBe(0);
  const left = added(before, await root.must(listing));
  expect(left.filter((path) => !path.startsWith("/var/lib/inclavare"))).toEqual([
    "/etc/inclavare-containers",
    config,
  ]);
});

test("a purge leaves nothing, but for what is not the package's", async () => {
  await root.must("echo mine >/etc/inclavare-containers/policy.json");
  await root.must("apt-get purge -y inclavare-containers 2>&1");
  expect(added(before, await root.must(listing))).toEqual([
    "/etc/inclavare-containers",
    "/etc/inclavare-containers/policy.json",
  ]);
  expect((await root.run("getent passwd inclavare-platform")).status).toBe(2);
});

function added(old: string, now: string): string[] {
  const known = new Set(old.split("\n"));
  return now.split("\n").filter((path) => !known.has(path));
}
