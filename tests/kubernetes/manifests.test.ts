// SPDX-License-Identifier: Apache-2.0
/** packaging/kubernetes/: read by kubectl, held to a schema, and run as far as that goes without a cluster. */
import { afterEach, beforeEach, test as bunTest, expect } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { parse } from "smol-toml";
import { defaultPalDirs } from "../../src/config/node-config.ts";
import { command, mustRun } from "../support/command.ts";
import { repository } from "../support/runtime.ts";
import { faults, objects } from "./schema.ts";

const folder = join(repository, "packaging/kubernetes");
const manifests = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const kubectl = Bun.which("kubectl");
const test = kubectl === null ? bunTest.skip : bunTest;

type Manifest = { apiVersion: string; kind: string; [field: string]: unknown };

/** As kubectl reads them, without a server. Every object is given a label, which goes again. */
async function objectsOf(path: string): Promise<Manifest[]> {
  const words = [
    "label",
    "--local",
    "--dry-run=client",
    "-o",
    "json",
    "-f",
    path,
    "read-by=kubectl",
  ];
  const text = await mustRun([kubectl ?? "", ...words], { env: { HOME: "/nonexistent" } });
  // One JSON text after the other.
  const texts = text.trim().split(/(?<=^\})\n(?=\{)/m);
  return texts
    .map((one) => JSON.parse(one.replace(/,?\s*"read-by": "kubectl"/, "")))
    .flatMap((object) => (object.kind === "List" ? object.items : [object]));
}

test.each(manifests)(
  "%s: kubectl reads it, and every field is one of Kubernetes'",
  async (name) => {
    const found = await objectsOf(join(folder, name));
    const documents = readFileSync(join(folder, name), "utf8").split(/^---$/m);
    expect(found.length).toBe(documents.length);
    for (const { apiVersion, kind, ...rest } of found) {
      const form = objects[`${apiVersion} ${kind}`];
      expect(form).toBeDefined();
      // kubectl writes what it knows without being told.
      expect(faults(withoutEmpty(rest), form ?? {})).toEqual([]);
    }
  },
);

test("a field that Kubernetes does not know is found", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "kubernetes-test-"));
  try {
    const text = readFileSync(join(folder, "hello-simulation.yaml"), "utf8");
    const path = join(scratch, "wrong.yaml");
    writeFileSync(path, text.replace("workingDir:", "workDir:"));
    const [{ apiVersion: _, kind: __, ...rest } = {}] = await objectsOf(path);
    expect(faults(withoutEmpty(rest), objects["v1 Pod"] ?? {})).toEqual([
      ".spec.containers[0].workDir: unknown",
    ]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

test("web-simulation.yaml runs what examples/wasm/web is and the page builds", async () => {
  const found = await objectsOf(join(folder, "web-simulation.yaml"));
  const pod = JSON.parse(JSON.stringify(found.find(({ kind }) => kind === "Pod")));
  const [container] = pod.spec.containers;
  const page = readFileSync(join(repository, "docs/how-to/kubernetes.md"), "utf8");
  expect(page).toContain(`docker build -t ${container.image} -f - image`);
  expect(page).toContain(`-o image${container.command[0]} web.wasm`);
  const example = parse(readFileSync(join(repository, "examples/wasm/web/app.toml"), "utf8"));
  const ports = (example["listen"] as { address: string }[]).map(({ address }) =>
    Number(address.split(":").at(-1)),
  );
  expect(container.ports.map((port: { containerPort: number }) => port.containerPort)).toEqual(
    ports,
  );
  for (const { path } of example["directory"] as { path: string }[])
    expect(page).toContain(`mkdir -p image${path}`);
  // The example's manifest takes none.
  expect(container.args ?? []).toEqual([]);
  const runtime = container.env.find(
    ({ name }: { name: string }) => name === "ENCLAVE_RUNTIME_PATH",
  );
  expect(defaultPalDirs).toContain(dirname(runtime.value));
  expect(existsSync(join(repository, "dist/lib/inclavare", basename(runtime.value)))).toBe(true);
  const service = found.find(({ kind }) => kind === "Service");
  expect(JSON.stringify(service)).toContain('"targetPort":"http"');
});

test("the parts go together: handler, labels, and variables that the carriers know", async () => {
  const all = (await Promise.all(manifests.map((name) => objectsOf(join(folder, name))))).flat();
  const text = JSON.stringify(all);
  const classes = [...text.matchAll(/"runtimeClassName":"(\w+)"/g)].map(([, name]) => name);
  expect(classes).toEqual(["rune", "rune", "rune", "rune"]);
  expect(all.find(({ kind }) => kind === "RuntimeClass")).toMatchObject({
    metadata: { name: "rune" },
    handler: "rune",
  });
  const names = [...text.matchAll(/"name":"((?:OCCLUM|ENCLAVE|RUNE)_\w+)"/g)].map(
    ([, name]) => name,
  );
  const known = ["docs/explanation/carriers.md", "docs/reference/enclave-config.md"]
    .map((page) => readFileSync(join(repository, page), "utf8"))
    .join();
  expect(names.filter((name) => !known.includes(`\`${name}\``))).toEqual([]);
});

/** What kubectl adds, with nothing in it: `status`, `creationTimestamp`, `resources`. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, withoutEmpty(item)] as const);
  return Object.fromEntries(entries.filter(([, item]) => !isEmpty(item)));
}

function isEmpty(value: unknown): boolean {
  if (value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

let scratch = "";
const host = (path: string) => join(scratch, "host", path);
const configured = () => readFileSync(host("etc/containerd/config.toml"), "utf8");

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "kubernetes-installer-"));
  const image = join(scratch, "image");
  mkdirSync(join(image, "usr/local/bin"), { recursive: true });
  writeFileSync(join(image, "usr/local/bin/rune"), "one", { mode: 0o755 });
  symlinkSync("rune", join(image, "usr/local/bin/link"));
  for (const name of ["config.toml", "kubernetes/install.sh"]) {
    writeFileSync(
      join(image, name.replace("kubernetes/", "")),
      readFileSync(join(folder, "..", name)),
    );
  }
  mkdirSync(host("etc"), { recursive: true });
});
afterEach(() => rmSync(scratch, { recursive: true }));

const installer = () => [join(scratch, "image/install.sh"), join(scratch, "host")];
const install = () => command(["sh", ...installer()]);

function write(text: string): void {
  mkdirSync(host("etc/containerd"), { recursive: true });
  writeFileSync(host("etc/containerd/config.toml"), text);
}

bunTest(
  "the installer: files, a configuration where there is none, and nothing the second time",
  async () => {
    expect(await install()).toMatchObject({
      status: 0,
      stdout: "restart containerd: there is no systemd\ninstalled\n",
    });
    expect(readFileSync(host("usr/local/bin/rune"), "utf8")).toBe("one");
    expect(readlinkSync(host("usr/local/bin/link"))).toBe("rune");
    expect(existsSync(host("etc/inclavare-containers/config.toml"))).toBe(true);
    const before = configured();
    expect(parse(before)).toEqual({
      version: 2,
      plugins: {
        "io.containerd.grpc.v1.cri": {
          containerd: {
            runtimes: {
              runc: { runtime_type: "io.containerd.runc.v2" },
              rune: { runtime_type: "io.containerd.rune.v2" },
            },
          },
        },
      },
    });
    expect(await install()).toMatchObject({ status: 0, stdout: "installed\n" });
    expect(configured()).toBe(before);
  },
);

bunTest(
  "the installer: what a node has stays, a newer file takes the place of an older",
  async () => {
    const own = `version = 2
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "mine"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.mine]
    runtime_type = "io.containerd.runc.v2"
`;
    write(own);
    mkdirSync(host("etc/inclavare-containers"));
    writeFileSync(host("etc/inclavare-containers/config.toml"), "# the node's\n");
    expect((await install()).status).toBe(0);
    expect(configured()).toStartWith(own);
    expect(configured()).not.toContain("runtimes.runc]");
    expect(parse(configured())).toHaveProperty(
      ["plugins", "io.containerd.grpc.v1.cri", "containerd", "runtimes", "rune", "runtime_type"],
      "io.containerd.rune.v2",
    );
    expect(readFileSync(host("etc/containerd/config.toml.before-inclavare"), "utf8")).toBe(own);
    expect(readFileSync(host("etc/inclavare-containers/config.toml"), "utf8")).toBe(
      "# the node's\n",
    );
    writeFileSync(join(scratch, "image/usr/local/bin/rune"), "two");
    expect(await install()).toMatchObject({ status: 0, stdout: "installed\n" });
    expect(readFileSync(host("usr/local/bin/rune"), "utf8")).toBe("two");
  },
);

bunTest("the installer: what only root may read of a configuration stays so", async () => {
  write("version = 2\n");
  chmodSync(host("etc/containerd/config.toml"), 0o600);
  expect((await install()).status).toBe(0);
  for (const name of ["config.toml", "config.toml.before-inclavare"]) {
    expect(statSync(host(`etc/containerd/${name}`)).mode & 0o777).toBe(0o600);
  }
});

bunTest("the installer: a restart that fails is tried again by the next attempt", async () => {
  write("version = 2\n");
  mkdirSync(host("run/systemd/system"), { recursive: true });
  const tools = join(scratch, "tools");
  mkdirSync(tools);
  const enter = (status: number) =>
    writeFileSync(join(tools, "nsenter"), `#!/bin/sh\necho "$@"\nexit ${status}\n`, {
      mode: 0o755,
    });
  const installWith = () =>
    command(["env", `PATH=${tools}:${Bun.env["PATH"]}`, "sh", ...installer()]);
  const asked = "--target 1 --mount -- systemctl restart containerd\n";
  enter(1);
  expect(await installWith()).toMatchObject({
    status: 1,
    stdout: asked,
    stderr: expect.stringContaining("could not be restarted"),
  });
  expect(configured()).toBe("version = 2\n");
  enter(0);
  expect(await installWith()).toMatchObject({ status: 0, stdout: `${asked}installed\n` });
  expect(configured()).toContain("runtimes.rune]");
});

bunTest("the installer: containerd 2's form, and one that it does not know", async () => {
  write("version = 3\n");
  expect((await install()).status).toBe(0);
  expect(parse(configured())).toHaveProperty(
    ["plugins", "io.containerd.cri.v1.runtime", "containerd", "runtimes", "rune", "runtime_type"],
    "io.containerd.rune.v2",
  );
  write("[plugins]\n");
  expect(await install()).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("name the runtime by hand"),
  });
  expect(configured()).toBe("[plugins]\n");
});
