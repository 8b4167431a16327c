// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { decodeManifest } from "./decode-manifest.ts";
import { encodeManifest } from "./encode-manifest.ts";
import { encodeImage, isWasmImage, measureImage, parseImage } from "./image.ts";
import { layOut } from "./layout.ts";
import { parseManifest } from "./manifest.ts";

const MIB = 1024 * 1024;

const full = `
name = "web"
[enclave]
debug = true
product = 7
svn = 2
[memory]
size = "8 MiB"
growth = 100
[arguments]
values = ["one", "two words"]
[environment]
host = ["APP_*", "TZ"]
[environment.set]
MODE = "a=b"
[[directory]]
path = "/config"
mode = "trusted"
[[directory.file]]
path = "a/b"
sha256 = "${"ab".repeat(32)}"
[[directory]]
path = "/data"
name = "/d"
mode = "protected"
key = "signer"
[[listen]]
address = "0.0.0.0:80"
[[listen]]
address = "[fe80::1]:443"
[network]
connect = ["example.org:443", "*:*"]
[attestation]
host_reports = false
`;

test("an empty manifest allows the host nothing", () => {
  const manifest = parseManifest("", "m");
  expect(manifest).toMatchObject({
    name: "app",
    debug: false,
    hostArguments: false,
    allowedVariables: [],
    directories: [],
    memoryBytes: 4 * MIB,
    growthBytes: 60 * MIB,
    guardPages: true,
  });
});

test("everything that is said is in the measured pages, and comes out again", () => {
  const manifest = parseManifest(full, "m");
  expect(manifest).toMatchObject({ memoryBytes: 8 * MIB, growthBytes: 65536, product: 7, svn: 2 });
  const elf = { entry: 0, pages: [{ offset: 0, flags: 5n, data: new Uint8Array(4096) }] };
  const image = layOut(elf, manifest, encodeManifest(manifest, false));
  expect(decodeManifest(parseImage(encodeImage(image)))).toEqual({
    name: "web",
    debug: true,
    hostArguments: false,
    hostReports: false,
    arguments: ["one", "two words"],
    variables: ["MODE=a=b"],
    hostVariables: ["APP_*", "TZ"],
    directories: ["/config = /config trusted", "/d = /data protected by signer write"],
    trustedFiles: [`${"ab".repeat(32)} a/b`],
    listeners: ["0.0.0.0:80", "[fe80:0000:0000:0000:0000:0000:0000:0001]:443"],
    connections: ["example.org:443", "*:*"],
  });
});

test.each([
  ["nmae = 1", "nmae"],
  ["name = 1", "name"],
  ["[memory]\nsiez = 1", "memory.siez"],
  ['[memory]\nsize = "many"', "memory.size"],
  ['[memory]\nruntime = "64 KiB"', "memory.runtime"],
  ["[enclave]\nproduct = 65536", "enclave.product"],
  ['[arguments]\nhost = true\nvalues = ["a"]', "arguments.host"],
  ['[environment]\nhost = ["A=B"]', "environment.host"],
  ['[[directory]]\npath = "relative"', "directory[0].path"],
  ['[[directory]]\npath = "/a"\nmode = "secret"', "directory[0].mode"],
  ['[[directory]]\npath = "/a"\nmode = "trusted"\nwrite = true', "directory[0].write"],
  [
    '[[directory]]\npath = "/a"\n[[directory.file]]\npath = "b"\nsha256 = "00"',
    "directory[0].file[0].sha256",
  ],
  [
    '[[directory]]\npath = "/a"\nmode = "trusted"\n[[directory.file]]\npath = "../b"\nsha256 = "x"',
    "directory[0].file[0].",
  ],
  ['[[listen]]\naddress = "localhost:80"', "listen[0].address"],
  ['[[listen]]\naddress = "1.2.3.4:0"', "listen[0].address"],
  ['[[listen]]\naddress = "[1::2::3]:80"', "listen[0].address"],
  ['[network]\nconnect = ["host"]', "network.connect"],
])("%p is refused, and the key named", (text, key) => {
  expect(() => parseManifest(text, "m")).toThrow(`\`${key}`);
});

test("what is no TOML is refused with its line", () => {
  expect(() => parseManifest("[a", "m")).toThrow("read manifest `m`");
});

test("the layout puts gaps around stacks, and memory where no 32-bit address leaves it", () => {
  const elf = { entry: 64, pages: [{ offset: 0, flags: 5n, data: new Uint8Array(8192) }] };
  for (const guard of ["pages", "checks"]) {
    const manifest = parseManifest(`[memory]\nguard = "${guard}"`, "m");
    const image = layOut(elf, manifest, encodeManifest(manifest, true));
    const sorted = image.segments.toSorted((a, b) => Number(a.offset - b.offset));
    sorted.forEach((segment, index) => {
      const before = sorted[index - 1];
      if (before === undefined) return;
      const room = segment.offset - before.offset - before.size;
      expect(room >= 0n).toBe(true);
      if (segment.kind.includes("stack") || before.kind.includes("stack")) {
        expect(room >= 65536n).toBe(true);
      }
    });
    const memory = image.segments.find(({ kind }) => kind === "linear memory");
    if (guard === "pages") {
      const reach = (memory?.offset ?? 0n) + 2n * (1n << 32n) + 8n;
      expect(reach < image.enclaveBytes).toBe(true);
    }
  }
});

test("an image is measured by what is in it, and a malformed one is refused", () => {
  const manifest = parseManifest("", "m");
  const elf = { entry: 0, pages: [{ offset: 0, flags: 5n, data: new Uint8Array(4096) }] };
  const image = layOut(elf, manifest, encodeManifest(manifest, true));
  const bytes = encodeImage(image);
  expect(isWasmImage(bytes)).toBe(true);
  expect(measureImage(parseImage(bytes))).toEqual(measureImage(image));
  const other = encodeManifest(manifest, false);
  expect(measureImage(layOut(elf, manifest, other))).not.toEqual(measureImage(image));
  for (const [at, value] of [
    [0, 0],
    [8, 2],
    [12, 0],
    [12, 33],
    [16, 1],
    [128, 1],
    [160, 9],
    [164, 99],
  ] as const) {
    const changed = bytes.slice();
    changed[at] = value;
    expect(() => parseImage(changed)).toThrow();
  }
  expect(() => parseImage(bytes.subarray(0, 9000))).toThrow("outside the file");
});
