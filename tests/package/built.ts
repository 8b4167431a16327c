// SPDX-License-Identifier: Apache-2.0
/**
 * The packages of this build, as quickly as they can be made. The ones that every test file looks at are kept
 * in dist/package-test/ until something that they are made of changes.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "../support/command.ts";
import { removeTree } from "../support/remove.ts";
import { repository } from "../support/runtime.ts";

export class Built implements Disposable {
  /** The test's own, removed with it. */
  readonly folder: string;
  readonly made: string;

  private constructor(folder: string, made: string) {
    this.folder = folder;
    this.made = made;
  }

  /** What an earlier test file has made, where it is still what would be made. */
  static async shared(): Promise<Built> {
    const place = join(repository, "dist/package-test");
    const made = join(place, inputs());
    if (!existsSync(join(made, "SHA256SUMS"))) {
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place, { recursive: true });
      await make(made);
    }
    return new Built(ownFolder(), made);
  }

  static async fresh(): Promise<Built> {
    const folder = ownFolder();
    await make(join(folder, "made"));
    return new Built(folder, join(folder, "made"));
  }

  get deb(): string {
    return this.#ending("_amd64.deb");
  }

  get archive(): string {
    return this.#ending(".tar.gz");
  }

  get sbom(): string {
    return this.#ending(".spdx.json");
  }

  /** The same package as an older version with another configuration would have been. */
  async older(version: string, change: (config: string) => string): Promise<string> {
    const tree = join(this.folder, `older-${version}`);
    await mustRun(["dpkg-deb", "-R", this.deb, tree]);
    const rewrite = (name: string, by: (text: string) => string) =>
      writeFileSync(join(tree, name), by(readFileSync(join(tree, name), "utf8")));
    rewrite("DEBIAN/control", (text) => text.replace(/^Version: .*$/m, `Version: ${version}`));
    rewrite("etc/inclavare-containers/config.toml", change);
    rewrite("DEBIAN/md5sums", (text) => text.replace(/^.*config\.toml\n/gm, ""));
    const deb = join(this.folder, `older_${version}_amd64.deb`);
    await mustRun(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, deb]);
    return deb;
  }

  [Symbol.dispose](): void {
    removeTree(this.folder);
  }

  #ending(ending: string): string {
    const name = readdirSync(this.made).find((file) => file.endsWith(ending));
    if (name === undefined) throw new Error(`no file that ends with ${ending} has been made`);
    return join(this.made, name);
  }
}

function ownFolder(): string {
  return mkdtempSync(join(tmpdir(), "rune-test-package-"));
}

async function make(output: string): Promise<void> {
  const script = join(repository, "scripts/package/run.ts");
  const options = ["--quick", "--version", "0.1.0", "--output", output];
  await mustRun([process.execPath, script, ...options]);
}

/** A name for everything that a package is made of, by time and size, and the commit that it tells. */
function inputs(): string {
  const folders = ["dist/bin", "dist/lib/inclavare", "dist/share", "packaging", "scripts/package"];
  const files = folders.flatMap((folder) =>
    [...new Bun.Glob("**/*").scanSync({ cwd: join(repository, folder) })].map((name) =>
      join(repository, folder, name),
    ),
  );
  const lines = files.sort().map((file) => {
    const { mtimeMs, size } = statSync(file);
    return `${file} ${mtimeMs} ${size}`;
  });
  const head = Bun.spawnSync(["git", "-C", repository, "rev-parse", "HEAD"]).stdout.toString();
  return createHash("sha256")
    .update([head, ...lines].join("\n"))
    .digest("hex")
    .slice(0, 16);
}
