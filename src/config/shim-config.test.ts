// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parseNodeConfig } from "./node-config.ts";
import { keyLines } from "./toml-lines.ts";

const parse = (text: string) => parseNodeConfig(text, "c.toml");

test("every key of the original's file keeps its meaning, and none but [epm] warns", () => {
  const { shim, warnings } = parse(`log_level = "debug" # "debug" "info" "warn" "error"
sgx_tool_sign = "/opt/intel/sgxsdk/bin/x64/sgx_sign"

[containerd]
    socket = "/run/containerd/containerd.sock"

[epm]
    socket = "/var/run/epm/epm.sock"

[signature]
    server_address = "http://127.0.0.1:9080"

[enclave_runtime]
    signature_method = "client"
    [enclave_runtime.occlum]
        enclave_runtime_path = "/opt/occlum/build/lib/libocclum-pal.so"
        enclave_libos_path = "/opt/occlum/build/lib/libocclum-libos.so"
    [enclave_runtime.graphene]
`);
  expect(shim).toMatchObject({
    logLevel: "debug",
    signature: { serverAddress: "http://127.0.0.1:9080", development: false },
    signatureMethod: "client",
    occlum: {
      runtimePath: "/opt/occlum/build/lib/libocclum-pal.so",
      libosPath: "/opt/occlum/build/lib/libocclum-libos.so",
    },
  });
  expect(warnings).toEqual(["`[epm]` has no effect: there is no enclave pool"]);
});

test("an unknown level is info, an empty address none, gramine's old name its own", () => {
  const { shim } = parse(`log_level = "loud"
[signature]
server_address = ""
[enclave_runtime.graphene]
enclave_runtime_path = "/usr/lib/pal.so"`);
  expect(shim.logLevel).toBe("info");
  expect(shim.signature.serverAddress).toBeUndefined();
  expect(shim.gramine.runtimePath).toBe("/usr/lib/pal.so");
});

test.each([
  ["log_level = 1", "log_level: expected a string"],
  ['[signature]\nserver_address = "127.0.0.1:9080"', "signature.server_address: expected http://"],
  ['[signature]\nserver_address = "https://u:p@h"', "signature.server_address: expected http://"],
  ['[signature]\nclient_key = "/k"', "client_key: goes with client_certificate"],
  ['[signature]\nca_certificate = "ca.pem"', "signature.ca_certificate: `ca.pem` is not absolute"],
  ['[signature]\ndevelopment = "yes"', "signature.development: expected true or false"],
  ["[signature]\ntimeout = 0", "signature.timeout: expected a number"],
  ['[enclave_runtime]\nsignature_method = "both"', "expected server or client, got `both`"],
  ["enclave_runtime = 1", "enclave_runtime: expected a table"],
  ["[enclave_runtime]\nocclum = 1", "enclave_runtime.occlum: expected a table"],
  ["[carrier]\nmax_builds = 1.5", "carrier.max_builds: expected a whole number"],
  ['[carrier]\ncache_directory = "x"', "carrier.cache_directory: `x` is not absolute"],
])("%j is an error that names the key", (text, reason) => {
  expect(() => parse(text)).toThrow(reason);
});

test("a key that nobody knows is named with its line, in every table", () => {
  const { warnings } = parse(`
note = """
[signature]
trap = 1
"""
[signature]
server = "x"
[enclave_runtime.occlum]
path = 1
[ "odd one" ]
a.b = 2`);
  expect(warnings).toEqual([
    "unknown key `note` in `c.toml`, line 2",
    "unknown key `odd one` in `c.toml`, line 10",
    "unknown key `enclave_runtime.occlum.path` in `c.toml`, line 9",
    "unknown key `signature.server` in `c.toml`, line 7",
  ]);
});

test("lines of dotted, quoted and repeated keys", () => {
  const lines = keyLines(
    `a.b.c = 1\n"x y" = 2\n'z' = '''one line'''\n[t] # [u]\nk = [\n  "v",\n]\n`,
  );
  expect([...lines]).toEqual([
    ["a", 1],
    ["a.b", 1],
    ["a.b.c", 1],
    ["x y", 2],
    ["z", 3],
    ["t", 4],
    ["t.k", 5],
  ]);
});

test("packaging/config.toml names every key, with its default, and nothing else", async () => {
  const text = await Bun.file(new URL("../../packaging/config.toml", import.meta.url)).text();
  const { warnings } = parse(text);
  expect(warnings).toEqual([]);
  // Every key stands there as a comment: uncommented, the whole file must be understood too.
  const all = parse(text.replaceAll(/^#(?=[a-z_]+ = |\[)/gm, ""));
  expect(all.warnings).toEqual(["`[epm]` has no effect: there is no enclave pool"]);
  const page = await Bun.file(
    new URL("../../docs/reference/node-config.md", import.meta.url),
  ).text();
  const keys = [...page.matchAll(/^\| `(?:\[([\w.]+)\] )?(\w+)` \|/gm)].map(([, table, key]) =>
    table === undefined ? key : `${table}.${key}`,
  );
  expect(keys.length).toBeGreaterThan(20);
  const named = keyLines(text.replaceAll(/^#(?=[a-z_]+ = |\[)/gm, ""));
  expect(keys.filter((key) => key !== undefined && !named.has(key))).toEqual([]);
});
