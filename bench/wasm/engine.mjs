// SPDX-License-Identifier: Apache-2.0
/** Runs a WASI program in Node's or Bun's own engine: engine.mjs FILE ARGUMENT... */
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const [file, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args: ["program", ...args], env: {} });
const module = new WebAssembly.Module(readFileSync(file));
const imports = { wasi_snapshot_preview1: wasi.wasiImport };
wasi.start(new WebAssembly.Instance(module, imports));
