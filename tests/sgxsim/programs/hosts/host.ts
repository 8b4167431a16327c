// SPDX-License-Identifier: Apache-2.0
/** host.ts LIBRARY COUNT: a JavaScript host of the skeleton enclave: JIT, garbage collection, workers. */
import { dlopen, ptr } from "bun:ffi";

const [, , library = "", count = "1"] = process.argv;
const { symbols } = dlopen(library, {
  pal_init: { args: ["ptr"], returns: "int" },
  pal_get_local_report: { args: ["ptr", "int", "ptr", "ptr"], returns: "int" },
});
const [empty, off] = [Buffer.from("\0"), Buffer.from("off\0")];
const attr = new BigUint64Array([BigInt(ptr(empty)), BigInt(ptr(off)), 0xffff_ffffn, 0n]);
if (symbols.pal_init(attr) !== 0) throw new Error("no enclave");
const worker = new Worker(
  URL.createObjectURL(new Blob(["for (;;) globalThis.garbage = new Uint8Array(1e5)"])),
);
const report = new Uint8Array(432);
for (let i = 0; i < Number(count); i++) {
  const size = new Int32Array([report.length]);
  if (symbols.pal_get_local_report(new Uint8Array(512), 512, report, size) !== 0) throw new Error();
  if (i % 10 === 0) Bun.gc(true);
}
console.log(Buffer.from(report.subarray(64, 96)).toString("hex"));
worker.terminate();
process.exit(0);
