// SPDX-License-Identifier: Apache-2.0
/** The Debian package: deb(5), and Debian policy 4.6 as far as lintian knows it. */
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { copyrightText } from "./copyright.ts";
import { dependencies } from "./dependencies.ts";
import { digest, filesBelow, type PackageRequest, run } from "./tools.ts";

const configuration = "/etc/inclavare-containers/config.toml";

export function makeDebianPackage(request: PackageRequest): string {
  const { root, stage, work, output, source, quick } = request;
  const tree = join(work, "deb");
  run(["sh", join(stage, "packaging/install.sh"), "--prefix=/usr", `--destdir=${tree}`], source);
  put(tree, configuration, readFileSync(join(stage, "packaging/config.toml")));
  const documents = `/usr/share/doc/${source.name}`;
  put(tree, `${documents}/copyright`, copyrightText(root));
  put(tree, `${documents}/changelog.gz`, gzip(changelog(request)));
  put(tree, `/usr/share/lintian/overrides/${source.name}`, template(root, "lintian-overrides"));
  compressPages(tree);
  const files = filesBelow(tree);
  const control = template(root, "control")
    .replace("@version@", source.version)
    .replace("@maintainer@", maintainer())
    .replace("@depends@", dependencies(tree, files, source).join(", "))
    .replace("@size@", String(installedKiB(tree, files)));
  put(tree, "/DEBIAN/control", control);
  put(tree, "/DEBIAN/conffiles", `${configuration}\n`);
  put(tree, "/DEBIAN/md5sums", files.map((name) => md5Line(tree, name)).join(""));
  for (const script of ["postinst", "prerm", "postrm"]) {
    put(tree, `/DEBIAN/${script}`, template(root, script), 0o755);
  }
  const path = join(output, `${source.name}_${source.version}_amd64.deb`);
  // One thread: how many there are decides where xz starts blocks.
  const compression = quick ? ["-Zgzip", "-z1"] : ["-Zxz", "-z6", "--threads-max=1"];
  run(["dpkg-deb", "--root-owner-group", ...compression, "--build", tree, path], source);
  return path;
}

function put(tree: string, path: string, content: string | Uint8Array, mode = 0o644): void {
  const target = join(tree, path);
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  writeFileSync(target, content);
  chmodSync(target, mode);
}

function template(root: string, name: string): string {
  return readFileSync(join(root, "packaging/debian", name), "utf8");
}

/** Policy 12.1: manual pages are compressed with the highest level, without a time. */
function compressPages(tree: string): void {
  for (const name of filesBelow(tree)) {
    if (!name.startsWith("usr/share/man/")) continue;
    put(tree, `${name}.gz`, gzip(readFileSync(join(tree, name))));
    Bun.spawnSync(["rm", join(tree, name)]);
  }
}

function gzip(content: string | Uint8Array): Uint8Array {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return new Uint8Array(gzipSync(bytes, { level: 9 }));
}

/** deb-changelog(5). */
function changelog({ source }: PackageRequest): string {
  const { name, version, commit, epoch } = source;
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  return [
    `${name} (${version}) unstable; urgency=medium`,
    "",
    `  * Build of commit ${commit.slice(0, 12)}.`,
    "",
    ` -- ${maintainer()}  ${date}`,
    "",
  ].join("\n");
}

/** DEBFULLNAME and DEBEMAIL as of Debian's tools; who builds a package answers for it. */
function maintainer(): string {
  const name = process.env["DEBFULLNAME"] ?? "Inclavare Containers contributors";
  return `${name} <${process.env["DEBEMAIL"] ?? "nobody@inclavare-containers.invalid"}>`;
}

/** deb-substvars(5), "Installed-Size": every file rounded up to KiB, one more for each folder. */
function installedKiB(tree: string, files: readonly string[]): number {
  const folders = new Set(files.map((name) => dirname(name)));
  const sizes = files.map((name) => Math.ceil(statSync(join(tree, name)).size / 1024));
  return sizes.reduce((sum, size) => sum + size, folders.size);
}

function md5Line(tree: string, name: string): string {
  return `${digest("md5", join(tree, name))}  ${name}\n`;
}
