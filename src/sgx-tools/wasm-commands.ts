// SPDX-License-Identifier: Apache-2.0
/** The commands about WebAssembly enclaves, as data. */
import { defineCommand } from "../options/option.ts";

export const buildWasm = defineCommand({
  name: "build-wasm",
  path: "sgx-tools build-wasm",
  summary: "build an enclave of a WebAssembly program",
  arguments: { usage: "<app.wasm>", minimum: 1, maximum: 1 },
  options: [
    {
      name: "output",
      short: "o",
      kind: "string",
      argument: "file",
      help: "the enclave; app.encl for app.wasm if not given. Its build record is FILE.json",
    },
    {
      name: "manifest",
      kind: "string",
      argument: "toml",
      help: "what the host may decide; nothing if not given",
    },
    { name: "key", kind: "string", argument: "pem", help: "sign with this key" },
    {
      name: "tbs",
      kind: "string",
      argument: "file",
      help: "write the 256 bytes to be signed elsewhere; catsig and sign-wasm go on from there",
    },
    {
      name: "date",
      kind: "string",
      argument: "yyyymmdd",
      help: "SIGSTRUCT's DATE; 19700101 if not given, so that builds are reproducible",
    },
    {
      name: "runtime",
      kind: "string",
      argument: "directory",
      help: "where libenclave-wasm.a is; beside this program if not given",
    },
  ],
});

export const signWasm = defineCommand({
  name: "sign-wasm",
  path: "sgx-tools sign-wasm",
  summary: "put a signature into an enclave of build-wasm",
  arguments: { usage: "<app.encl>", minimum: 1, maximum: 1 },
  options: [
    { name: "sigstruct", kind: "string", argument: "file", help: "made elsewhere, by catsig" },
  ],
});
