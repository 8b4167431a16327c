// SPDX-License-Identifier: Apache-2.0
/** Enclaves of ordinary images. Occlum and Gramine are stand-ins, strict ones: tests/carrier/stand-ins/. */
import { expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { findSigstruct, sigstructAt } from "../../src/sgx/embedded.ts";
import { mrsigner, parseSigstruct } from "../../src/sgx/sigstruct.ts";
import { verifySigstruct } from "../../src/sgx/verify.ts";
import { Builds } from "../../src/shim/carrier/build.ts";
import type { Carrier } from "../../src/shim/carrier/carrier.ts";
import { eventually } from "../support/command.ts";
import { Bench, eras, refusal } from "./support.ts";

setDefaultTimeout(60_000);

const enclave = "run/rune/build/lib/libocclum-libos.signed.so";

function signer(path: string): string {
  const file = new Uint8Array(readFileSync(path));
  const { sigstruct } = verifySigstruct(sigstructAt(file, findSigstruct(file, path)));
  return Buffer.from(mrsigner(sigstruct.modulus)).toString("hex");
}

const occlumJson = (root: string) =>
  JSON.parse(readFileSync(`${root}/run/rune/build/Occlum.json`, "utf8"));

test("occlum: built by its own commands, signed by the server, put into the working directory", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  const root = bench.image({ "bin/web_server": "program", "lib/own.so": "library" });
  expect(await bench.run(builds, root)).toEqual({
    ENCLAVE_TYPE: "intelSgx",
    ENCLAVE_RUNTIME_PATH: "/opt/occlum/build/lib/libocclum-pal.so",
    ENCLAVE_RUNTIME_ARGS: "./",
  });
  expect(bench.calls()).toEqual(["init", "build"]);
  expect(readdirSync(`${root}/run/rune`).sort()).toEqual(
    [".__occlum_status", ".inclavare-carrier", "Occlum.json", "build", "run"].sort(),
  );
  const files = readFileSync(`${root}/run/rune/build/mount/__ROOT/files`, "utf8").split("\n");
  for (const name of [
    "./bin/web_server",
    "./lib/own.so",
    "./lib/libocclum-own.so",
    "./lib/liblink.so",
  ]) {
    expect(files).toContain(name);
  }
  expect(lstatSync(`${root}/run/rune/build/lib/libocclum-libos.so`).isSymbolicLink()).toBe(true);
  expect(readFileSync(`${root}/${enclave}`).subarray(0, 7).toString()).toBe("ELF....");
  const audit = JSON.parse(readFileSync(bench.path("audit"), "utf8"));
  expect(audit.result).toBe("signed");
  const whose = signer(`${bench.bin}/encl.ss`);
  expect(signer(`${root}/${enclave}`)).not.toBe(whose);
  expect(bench.unfinished()).toEqual([]);
  expect(bench.lines.join("\n")).toContain("carrier occlum: occlum: building the file system");
});

const java = (kind: string) => {
  const jvm = `/usr/lib/jvm/java-11-${kind}/jre`;
  return {
    OCCLUM_USER_SPACE_SIZE: "1400MB",
    OCCLUM_MAX_NUM_OF_THREADS: "64",
    OCCLUM_PROCESS_DEFAULT_MMAP_SIZE: "1120MB",
    OCCLUM_PROCESS_DEFAULT_HEAP_SIZE: "256MB",
    OCCLUM_KERNEL_SPACE_HEAP_SIZE: "64MB",
    OCCLUM_DEFAULT_ENV: `LD_LIBRARY_PATH=${jvm}/lib/server:${jvm}/lib:${jvm}/../lib`,
  };
};

test.each(["openjdk", "alibaba-dragonwell"])("the %s web pod's environment", async (kind) => {
  await using bench = new Bench();
  const builds = await bench.builds();
  const root = bench.image({ "usr/lib/jvm/java": "java" });
  await bench.run(builds, root, {
    args: ["/usr/lib/jvm/java", "-jar", "/app.jar"],
    env: java(kind),
  });
  expect(occlumJson(root)).toEqual({
    ...eras[2020],
    resource_limits: {
      user_space_size: "1400MB",
      kernel_space_heap_size: "64MB",
      kernel_space_stack_size: "1MB",
      max_num_of_threads: 64,
    },
    process: { default_stack_size: "4MB", default_heap_size: "256MB", default_mmap_size: "1120MB" },
    entry_points: ["/usr/lib/jvm/java"],
    env: { default: [java(kind).OCCLUM_DEFAULT_ENV], untrusted: ["EXAMPLE"] },
  });
});

test("the Golang web pod's environment, with an Occlum of the later era", async () => {
  await using bench = new Bench(2022);
  const builds = await bench.builds();
  const root = bench.image();
  const env = { OCCLUM_USER_SPACE_SIZE: "380MB", OCCLUM_PROCESS_DEFAULT_MMAP_SIZE: "300MB" };
  await bench.run(builds, root, { env });
  const config = occlumJson(root);
  expect(config.resource_limits).toMatchObject({
    user_space_init_size: "380MB",
    user_space_max_size: "380MB",
    max_num_of_threads: 32,
  });
  expect(config.process.default_mmap_size).toBe("300MB");
  expect(config.mount).toEqual(eras[2022].mount);
  expect(config.metadata.enable_kss).toBe(false);
});

test("the same again comes from the cache; another image, setting or Occlum does not", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  await bench.run(builds, bench.image());
  await bench.run(builds, bench.image());
  expect(bench.calls().length).toBe(2);
  await bench.run(builds, bench.image({ "bin/web_server": "changed" }));
  await bench.run(builds, bench.image(), { env: { OCCLUM_MAX_NUM_OF_THREADS: "5" } });
  await bench.run(builds, bench.image(), { env: { UNRELATED: "5" } });
  expect(bench.calls().length).toBe(6);
  writeFileSync(bench.path("occlum/build/lib/libocclum-libos.so"), "newer");
  await bench.run(builds, bench.image());
  expect(bench.calls().length).toBe(8);
});

test("a container that is started again gets its enclave anew, from the cache", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  const root = bench.image();
  await bench.run(builds, root);
  await bench.run(builds, root);
  expect(bench.calls()).toEqual(["init", "build"]);
  expect(existsSync(`${root}/${enclave}`)).toBe(true);
});

test("builds of the same at the same time are one; others wait for their turn", async () => {
  await using bench = new Bench();
  const builds = await bench.builds("max_builds = 1");
  const same = Array.from({ length: 4 }, () => bench.run(builds, bench.image()));
  const others = ["x", "y"].map((text) =>
    bench.run(builds, bench.image({ "bin/web_server": text })),
  );
  await Promise.all([...same, ...others]);
  // One at a time: each init is followed by its own build.
  expect(bench.calls()).toEqual(["init", "build", "init", "build", "init", "build"]);
});

test("a build that fails says why, and leaves nothing", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  writeFileSync(`${bench.bin}/broken`, "");
  const root = bench.image();
  expect(await refusal(bench.run(builds, root))).toMatch(
    /^CARRIER build an enclave with `occlum`: run `.*occlum build`: it ended with status 1: .*no space left in the enclave$/,
  );
  expect(existsSync(`${root}/run`)).toBe(false);
  expect(bench.unfinished()).toEqual([]);
  expect(readdirSync(bench.path("cache/built"))).toEqual([]);
  rmSync(`${bench.bin}/broken`);
  await bench.run(builds, root);
});

test("a build is cancelled with its task: its processes end, and another of the same goes on", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  writeFileSync(`${bench.bin}/hang`, "");
  const controller = new AbortController();
  const root = bench.image();
  const first = refusal(bench.run(builds, root, { signal: controller.signal }));
  await eventually("it builds", async () => existsSync(`${bench.bin}/waits`));
  const second = bench.run(builds, bench.image());
  rmSync(`${bench.bin}/hang`);
  controller.abort();
  expect(await first).toContain("cancelled");
  await second;
  expect(existsSync(`${root}/run`)).toBe(false);
  expect(bench.unfinished()).toEqual([]);
  const { stdout } = Bun.spawnSync(["pgrep", "-f", bench.folder]);
  expect(stdout.toString()).toBe("");
});

test("a build that takes too long is ended", async () => {
  await using bench = new Bench();
  const builds = await bench.builds("build_timeout = 0.5");
  writeFileSync(`${bench.bin}/hang`, "");
  expect(await refusal(bench.run(builds, bench.image()))).toBe(
    "CARRIER build an enclave: more than 0.5 s",
  );
  expect(bench.unfinished()).toEqual([]);
});

test("without a signature the container gets no enclave", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  await bench.server?.close();
  const root = bench.image();
  expect(await refusal(bench.run(builds, root))).toStartWith(
    "SIGNATURE build an enclave with `occlum`: have the enclave signed by",
  );
  expect(existsSync(`${root}/run`)).toBe(false);
});

test("an image's links lead nowhere outside of it", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  mkdirSync(bench.path("outside"));
  writeFileSync(bench.path("outside/hosts"), "the host's");
  const outside = bench.path("outside");
  const root = bench.image({
    "bin/web_server": "program",
    run: `->${outside}`,
    "tmp/up": "->../../../../../../../../etc",
  });
  rmSync(`${root}/etc`, { recursive: true });
  Bun.spawnSync(["ln", "-s", outside, `${root}/etc`]);
  await bench.run(builds, root, { cwd: "/run/rune" });
  expect(readdirSync(outside)).toEqual(["hosts"]);
  expect(readFileSync(`${outside}/hosts`, "utf8")).toBe("the host's");
  // Where the link leads, seen from the image's root.
  expect(existsSync(`${root}${outside}/rune/build`)).toBe(true);
});

test.each([
  [{ OCCLUM_USER_SPACE_SIZE: "lots" }, "`OCCLUM_USER_SPACE_SIZE`: expected a size such as 300MB"],
  [{ OCCLUM_MAX_NUM_OF_THREADS: "0" }, "expected a number from 1 to 65535, got `0`"],
  [{ OCCLUM_DEBUGGABLE: "yes" }, "expected true or false"],
])("%j is refused before anything is built", async (env, reason) => {
  await using bench = new Bench();
  const builds = await bench.builds();
  expect(await refusal(bench.run(builds, bench.image(), { env }))).toMatch(
    new RegExp(`^ENCLAVE_CONFIG .*${RegExp.escape(reason)}`),
  );
  expect(bench.calls()).toEqual([]);
});

test("a note that is no carrier's is not read", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  writeFileSync(bench.path("secret"), "hunter2 of the host");
  const notes = [
    (note: string) => Bun.spawnSync(["mkfifo", note]), // opened, it would stop the whole shim
    (note: string) => symlinkSync(bench.path("secret"), note),
    (note: string) => writeFileSync(note, "hunter2"),
    (note: string) => truncateSync(note, 2 ** 40),
  ];
  const root = bench.image({ "bin/web_server": "program", "run/rune/.inclavare-carrier": "" });
  for (const make of notes) {
    if (make !== notes.at(-1)) rmSync(`${root}/run/rune/.inclavare-carrier`);
    make(`${root}/run/rune/.inclavare-carrier`);
    const message = await refusal(bench.run(builds, root));
    expect(message).toContain("it is none that a carrier has written");
    expect(message).not.toContain("hunter2");
  }
});

test("no program by name alone, no Occlum, no such carrier", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  const root = bench.image();
  expect(await refusal(bench.run(builds, root, { args: ["web_server"] }))).toContain(
    "it has no absolute path",
  );
  expect(await refusal(bench.run(builds, root, { carrier: "enarx" }))).toBe(
    "ENCLAVE_CONFIG choose a carrier: unknown carrier `enarx`",
  );
  rmSync(bench.path("occlum/build/lib/libocclum-libos.so"));
  expect(await refusal(bench.run(builds, root))).toContain("read Occlum's");
});

test("without a carrier, or with the empty one, nothing is touched", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  const root = bench.image();
  expect(await bench.run(builds, root, { carrier: "" })).toEqual({});
  expect(readdirSync(root).sort()).toEqual(["bin", "etc"]);
});

test("gramine, also by its old name: a manifest of the entry point, signed by the server", async () => {
  await using bench = new Bench();
  for (const name of ["gramine", "graphene"]) {
    const config = await bench.config();
    const builds = new Builds(config.carrier);
    const root = bench.image({ "bin/web_server": name });
    const before = process.env["PATH"];
    // Gramine's programs are found in the usual directories; the stand-ins are not there.
    const carrier = (await import("../../src/shim/carrier/gramine.ts")).gramine;
    const variables = await builds.run(withPath(carrier, bench.bin), {
      config,
      rootfs: root,
      cwd: "/app",
      args: ["/bin/web_server", "--port", "8090"],
      environment: new Map([
        ["RUNE_CARRIER", name],
        ["GREETING", "a secret of the pod"],
        ["LD_LIBRARY_PATH", '/a "{b}"'],
        ["GRAMINE_ENCLAVE_SIZE", "1G"],
      ]),
      libDir: "",
      log: () => {},
      warn: () => {},
      signal: new AbortController().signal,
    });
    expect(process.env["PATH"]).toBe(before);
    expect(variables).toEqual({
      ENCLAVE_TYPE: "intelSgx",
      ENCLAVE_RUNTIME_PATH: "/usr/local/lib/libgramine-pal.so",
      ENCLAVE_RUNTIME_ARGS: "app",
    });
    expect(readdirSync(`${root}/app`).sort()).toEqual(
      [".inclavare-carrier", "app.manifest", "app.manifest.sgx", "app.sig"].sort(),
    );
    verifySigstruct(new Uint8Array(readFileSync(`${root}/app/app.sig`)));
    expect(readFileSync(`${root}/app/app.manifest`, "utf8").split("\n")).toEqual([
      'libos.entrypoint = "/bin/web_server"',
      'loader.argv = ["/bin/web_server", "--port", "8090"]',
      'fs.start_dir = "/app"',
      'fs.root = { type = "chroot", uri = "file:/" }',
      'loader.env."GREETING" = { passthrough = true }',
      'loader.env."LD_LIBRARY_PATH" = "/a \\"\\u007bb\\u007d\\""',
      'sgx.enclave_size = "1G"',
      "sgx.max_threads = 32",
      "sgx.debug = false",
      'sgx.trusted_files = ["file:/"]',
      "",
    ]);
    await bench.server?.close();
  }
});

test("skeleton: the sample enclave, signed by the server; an image that has both files keeps them", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  const root = bench.image();
  const variables = await bench.run(builds, root, { carrier: "skeleton" });
  expect(variables["ENCLAVE_RUNTIME_PATH"]).toEndWith("/liberpal-skeleton-v3.so");
  const ours = parseSigstruct(new Uint8Array(readFileSync(`${root}/run/rune/encl.ss`)));
  const usual = parseSigstruct(new Uint8Array(readFileSync(`${bench.bin}/encl.ss`)));
  expect(ours.enclaveHash).toEqual(usual.enclaveHash);
  expect(ours.modulus).not.toEqual(usual.modulus);
  const complete = bench.image({ "run/rune/encl.bin": "theirs", "run/rune/encl.ss": "theirs" });
  await bench.run(builds, complete, { carrier: "skeleton" });
  expect(readFileSync(`${complete}/run/rune/encl.ss`, "utf8")).toBe("theirs");
});

test("the cache keeps to its size, and forgets what a killed shim was building", async () => {
  await using bench = new Bench();
  mkdirSync(bench.path("cache/builds/999999999-0"), { recursive: true });
  const builds = await bench.builds("cache_max_mb = 0.001");
  expect(bench.unfinished()).toEqual([]);
  await bench.run(builds, bench.image({ "bin/web_server": "one" }));
  await bench.run(builds, bench.image({ "bin/web_server": "two" }));
  const kept = readdirSync(bench.path("cache/built"));
  expect(kept.filter((name) => name.endsWith(".size")).length).toBe(1);
  expect(kept.length).toBe(2);
});

function withPath(carrier: Carrier, path: string): Carrier {
  return {
    ...carrier,
    buildUnsignedEnclave: (job, workspace) =>
      carrier.buildUnsignedEnclave(
        { ...job, run: (tool) => job.run({ ...tool, path }) },
        workspace,
      ),
  };
}
