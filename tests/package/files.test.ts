// SPDX-License-Identifier: Apache-2.0
/** What `npm run package` makes, looked at from outside. */
import { afterAll, beforeAll, expect } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { command, mustRun } from "../support/command.ts";
import { needs, only, repository } from "../support/runtime.ts";
import { Built } from "./built.ts";

const runnable = Bun.which("dpkg-deb") !== null;
const test = runnable ? only("rune", "the packages are rune's") : needs("needs dpkg-deb");
const conformance = process.env["CONFORMANCE"] === "1";

let built: Built;
beforeAll(async () => {
  if (runnable) built = await Built.shared();
}, 300_000);
afterAll(() => built?.[Symbol.dispose]());

type Entry = { readonly mode: string; readonly owner: string; readonly path: string };

async function entries(): Promise<Entry[]> {
  const list = await mustRun(["dpkg-deb", "--contents", built.deb]);
  return list
    .trim()
    .split("\n")
    .map((line) => {
      const [mode = "", owner = "", , , , path = ""] = line.split(/\s+/);
      return { mode, owner, path: path.replace(/^\./, "") };
    });
}

test("the control file names what the programs need", async () => {
  const field = async (name: string) =>
    (await mustRun(["dpkg-deb", "--field", built.deb, name])).trim();
  expect(await field("Package")).toBe("inclavare-containers");
  expect(await field("Architecture")).toBe("amd64");
  expect(await field("Version")).toBe("0.1.0");
  const depends = (await field("Depends")).split(", ");
  expect(depends).toContain("libseccomp2 (>= 2.5.0)");
  expect(depends).toContain("adduser");
  expect(depends.find((one) => one.startsWith("libc6"))).toMatch(/^libc6 \(>= 2\.\d+\)$/);
  expect(Number(await field("Installed-Size"))).toBeGreaterThan(100_000);
});

test("every file of the build is in the package, root's, and writable by root alone", async () => {
  const found = await entries();
  const paths = found.map(({ path }) => path);
  for (const name of readdirSync(join(repository, "dist/bin")))
    expect(paths).toContain(`/usr/bin/${name}`);
  for (const name of readdirSync(join(repository, "dist/lib/inclavare")))
    expect(paths).toContain(`/usr/lib/inclavare/${name}`);
  expect(paths).toContain("/usr/share/man/man8/rune-run.8.gz");
  expect(paths).toContain("/usr/lib/systemd/system/inclavare-platform.service");
  for (const { mode, owner, path } of found) {
    expect([path, owner]).toEqual([path, "root/root"]);
    const expected =
      mode.startsWith("d") || isExecutable(path) ? /^[-d]rwxr-xr-x$/ : /^-rw-r--r--$/;
    expect(`${path} ${mode}`).toMatch(new RegExp(` ${expected.source.replaceAll(/[$^]/g, "")}$`));
  }
});

function isExecutable(path: string): boolean {
  return /^\/usr\/(bin\/|lib\/inclavare\/[^.]+$)/.test(path);
}

test("nothing in it names the folder it was built in, and units run what is installed", async () => {
  const tree = join(built.folder, "tree");
  await mustRun(["dpkg-deb", "-x", built.deb, tree]);
  const { stdout } = await command(["grep", "-rlF", repository, tree]);
  expect(stdout).toBe("");
  const unit = join(tree, "usr/lib/systemd/system/inclavare-platform.service");
  expect(readFileSync(unit, "utf8")).toContain("\nExecStart=/usr/bin/sgx-tools platform serve\n");
});

test("md5sums and conffiles agree with the files", async () => {
  const tree = join(built.folder, "sums");
  await mustRun(["dpkg-deb", "-R", built.deb, tree]);
  const control = (name: string) => readFileSync(join(tree, "DEBIAN", name), "utf8");
  expect(control("conffiles")).toBe("/etc/inclavare-containers/config.toml\n");
  const check = await command(["md5sum", "--quiet", "--check", "DEBIAN/md5sums"], { cwd: tree });
  expect([check.status, check.stdout]).toEqual([0, ""]);
  const files = (await entries()).filter(({ mode }) => mode.startsWith("-"));
  expect(control("md5sums").trim().split("\n").length).toBe(files.length);
  for (const script of ["postinst", "prerm", "postrm"]) {
    await mustRun(["sh", "-n", join(tree, "DEBIAN", script)]);
  }
});

test("the checksums are those of the files", async () => {
  const sums = await mustRun(["sha256sum", "--check", "SHA256SUMS"], { cwd: built.made });
  expect(sums.match(/: OK$/gm)?.length).toBe(3);
});

test("a second run makes the same bytes", async () => {
  using again = await Built.fresh();
  expect(readFileSync(join(again.made, "SHA256SUMS"), "utf8")).toBe(
    readFileSync(join(built.made, "SHA256SUMS"), "utf8"),
  );
});

test("the archive installs what the package has, and takes all of it away again", async () => {
  const place = join(built.folder, "unpacked");
  mkdirSync(place);
  await mustRun(["tar", "-xzf", built.archive, "-C", place]);
  const install = join(place, "inclavare-containers-0.1.0/install.sh");
  const target = join(built.folder, "root");
  const shared = join(target, "usr/share/doc");
  mkdirSync(shared, { recursive: true });
  await mustRun([install, "--prefix=/usr", "--destdir", target]);
  const below = async () =>
    (await mustRun(["find", target, "-type", "f", "-printf", "/%P\n"])).trim().split("\n");
  const own = /^\/usr\/share\/(lintian|doc\/inclavare-containers\/(copyright|changelog))|^\/etc/;
  const inPackage = (await entries())
    .filter(({ mode, path }) => mode.startsWith("-") && !own.test(path))
    .map(({ path }) => path.replace(/^(\/usr\/share\/man\/.*)\.gz$/, "$1"));
  expect((await below()).sort()).toEqual(inPackage.sort());
  const { stdout } = await command([join(target, "usr/bin/rune"), "--version"]);
  expect(stdout).toContain("rune version");
  await mustRun([install, "--prefix=/usr", "--destdir", target, "--uninstall"]);
  expect(await below()).toEqual([""]);
  expect([readdirSync(shared), existsSync(join(target, "usr/lib/inclavare"))]).toEqual([[], false]);
});

const lintian = !runnable
  ? needs("needs dpkg-deb")
  : !conformance
    ? needs("with --conformance only: lintian takes a minute")
    : needs(Bun.which("lintian") === null ? "needs lintian" : undefined);

lintian("lintian finds no error and no warning", async () => {
  const { stdout } = await command(["lintian", "--allow-root", "--fail-on=none", built.deb]);
  expect(stdout).toBe("");
});
