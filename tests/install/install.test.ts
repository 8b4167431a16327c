// SPDX-License-Identifier: Apache-2.0
/** `rune install` and `rune uninstall` on files below another root: to the byte, or not at all. */
import { expect } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type CommandResult, command } from "../support/command.ts";
import { needs, repository, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = needs(runtimeName === "rune" ? undefined : `${runtimeName} has no install`);
const rune = join(repository, "dist/bin/rune");

const daemon = "etc/docker/daemon.json";
const config = "etc/containerd/config.toml";
const dropIn = "etc/containers/containers.conf.d/50-rune.conf";
const node = "etc/inclavare-containers/config.toml";

const before = {
  [daemon]: '{\n  "log-level": "warn",\n  "runtimes": { "kata": {"path": "/k"} }\n}',
  [config]:
    '# the machine\'s\nversion = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "p" # pause\n',
  [node]: "# node\n[runtime]\npal_init_timeout = 9\n",
};

class Image {
  readonly sandbox = new Sandbox();
  readonly root = join(this.sandbox.path, "image");

  constructor() {
    mkdirSync(join(this.root, "etc"), { recursive: true });
  }

  path(name: string): string {
    return join(this.root, name);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(this.path(name)), { recursive: true });
      writeFileSync(this.path(name), text);
    }
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  /** Every file, with its text. */
  all(): Record<string, string> {
    const names = readdirSync(this.root, { recursive: true, withFileTypes: true });
    const files = names
      .filter((one) => !one.isDirectory())
      .map((one) => join(one.parentPath, one.name));
    return Object.fromEntries(
      files.map((path) => [path.slice(this.root.length + 1), readFileSync(path, "utf8")]),
    );
  }

  call(...words: string[]): Promise<CommandResult> {
    return command([rune, ...words, "--config-root", this.root]);
  }

  async must(...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.call(...words);
    if (status === 0) return stdout;
    throw new Error(`${words.join(" ")}: status ${status}: ${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]();
  }
}

const everything = ["--docker", "--containerd", "--podman", "--simulation"];

// covers: install, install --config-root, install --simulation, uninstall, uninstall --config-root
test("everything is added, added again without effect, and put back to the byte", async () => {
  await using image = new Image();
  image.write(before);
  const said = await image.must("install", ...everything);
  for (const words of [
    '+  "runtimes": { "kata": {"path": "/k"}, "rune": {"path":"/usr/bin/rune"} }',
    '+[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.rune]',
    "now: systemctl reload docker",
    "now: systemctl restart containerd",
    `podman: wrote \`${image.path(dropIn)}\``,
    "then: rune doctor kubernetes",
  ]) {
    expect(said).toContain(words);
  }
  expect(image.read(`${daemon}.before-rune`)).toBe(before[daemon]);
  expect(image.read(dropIn)).toContain('rune = ["/usr/bin/rune"]');
  expect(image.read(node)).toContain('platform = "simulation"');
  const after = image.all();
  expect(await image.must("install", ...everything)).not.toContain("@@");
  expect(image.all()).toEqual(after);
  const undone = await image.must("uninstall");
  expect(undone.match(/is as it was before/g)).toHaveLength(4);
  expect(image.all()).toEqual(before);
  expect(existsSync(image.path("etc/containers"))).toBe(false);
  expect(await image.must("uninstall")).toContain("nothing that `rune install` wrote");
});

// covers: install --dry-run, uninstall --dry-run
test("a dry run says the same and writes nothing", async () => {
  await using image = new Image();
  image.write(before);
  const dry = await image.must("install", "--dry-run", ...everything);
  expect(image.all()).toEqual(before);
  const real = await image.must("install", ...everything);
  expect(dry.replaceAll("would write", "wrote")).toBe(real);
  const after = image.all();
  expect(await image.must("uninstall", "--dry-run")).toContain("would be as it was");
  expect(image.all()).toEqual(after);
});

test("without any file: new ones, and nothing is left of them", async () => {
  await using image = new Image();
  await image.must("install", ...everything);
  expect(Object.keys(image.all()).sort()).toEqual(
    [config, dropIn, daemon, node, "etc/inclavare-containers/install.json"].sort(),
  );
  await image.must("uninstall");
  expect(readdirSync(image.path("etc"))).toEqual([]);
});

// covers: install --binary, uninstall --docker, uninstall --containerd, uninstall --podman, uninstall --simulation
test("what others have changed since stays, and only rune's part goes", async () => {
  await using image = new Image();
  image.write(before);
  await image.must("install", "--binary", "/opt/old/rune", "--docker", "--containerd");
  expect(image.read(daemon)).toContain("/opt/old/rune");
  await image.must("install", "--docker"); // another path: the first original is kept
  expect(image.read(daemon)).not.toContain("/opt/old/rune");
  image.write({
    [daemon]: image.read(daemon).replace('"warn"', '"debug"'),
    [config]: `${image.read(config)}[debug]\n  level = "info"\n`,
  });
  const said = await image.must(
    "uninstall",
    "--docker",
    "--containerd",
    "--podman",
    "--simulation",
  );
  expect(said.match(/has been changed since/g)).toHaveLength(2);
  expect(JSON.parse(image.read(daemon))).toEqual({
    "log-level": "debug",
    runtimes: { kata: { path: "/k" } },
  });
  expect(image.read(config)).toStartWith(before[config]);
  expect(image.read(config)).toEndWith('[debug]\n  level = "info"\n');
  expect(image.read(config)).not.toContain("rune");
  expect(image.read(`${daemon}.before-rune`)).toBe(before[daemon]);
});

test("owner and mode stay, also of the copy", async () => {
  await using image = new Image();
  image.write(before);
  chmodSync(image.path(daemon), 0o600);
  chownSync(image.path(daemon), 1000, 1001);
  await image.must("install", "--docker");
  for (const name of [daemon, `${daemon}.before-rune`]) {
    const { mode, uid, gid } = statSync(image.path(name));
    expect({ mode: mode & 0o777, uid, gid }).toEqual({ mode: 0o600, uid: 1000, gid: 1001 });
  }
  await image.must("uninstall");
  expect(statSync(image.path(daemon)).uid).toBe(1000);
});

test("one damaged file, and nothing is written", async () => {
  await using image = new Image();
  const files = { ...before, [config]: "version = 2\n[plugins\n" };
  image.write(files);
  const { status, stderr } = await image.call("install", ...everything);
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /containerd\/config.toml`: no TOML: line 2, column \d+.*code=ENGINE_CONFIG/,
  );
  expect(image.all()).toEqual(files);
});

test("no link leads out of another root", async () => {
  await using image = new Image();
  const outside = join(image.sandbox.path, "outside");
  mkdirSync(outside);
  symlinkSync(outside, image.path("etc/docker"));
  const { status, stderr } = await image.call("install", "--docker");
  expect({ status, code: /code=(\w+)/.exec(stderr)?.[1] }).toEqual({
    status: 1,
    code: "ENGINE_CONFIG",
  });
  expect(readdirSync(outside)).toEqual([]);
  mkdirSync(image.path("etc/containerd"));
  symlinkSync(join(outside, "config.toml"), image.path(config));
  expect((await image.call("install", "--containerd")).status).toBe(1);
  expect(readdirSync(outside)).toEqual([]);
});

test("an image's own record leads nowhere else", async () => {
  await using image = new Image();
  const outside = join(image.sandbox.path, "outside");
  image.write({ ...before });
  writeFileSync(outside, "mine");
  await image.must("install", "--docker");
  const record = "etc/inclavare-containers/install.json";
  const digest = new Bun.CryptoHasher("sha256").update("mine").digest("hex");
  const forged = JSON.parse(image.read(record));
  forged.changes[0] = { ...forged.changes[0], backup: "/../outside", before: digest };
  image.write({ [record]: JSON.stringify(forged) });
  const { status, stderr } = await image.call("uninstall", "--docker");
  expect({ status, code: /code=(\w+)/.exec(stderr)?.[1] }).toEqual({
    status: 1,
    code: "ENGINE_CONFIG",
  });
  expect(readFileSync(outside, "utf8")).toBe("mine");
});

test("a line without an engine, and a relative path, are refused", async () => {
  await using image = new Image();
  expect((await image.call("install")).stderr).toContain("one or more of --docker");
  expect((await image.call("install", "--docker", "--binary", "rune")).stderr).toContain(
    "absolute path",
  );
});
