// SPDX-License-Identifier: Apache-2.0
/** One guest's life: an image with the project, qemu, and what comes back over its ports. */
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { type Guest, guestRuntimes } from "./guests.ts";

/** Far beyond what a guest takes under TCG on a loaded machine of two cores: 10 minutes. */
const guestTimeoutMs = 60 * 60_000;
const pollMs = 200;

export type GuestRun = {
  /** JUnit report by runtime; absent where the guest did not come so far. */
  readonly reports: ReadonlyMap<string, string>;
  /** What went wrong with the guest itself. */
  readonly failure?: string;
  /** Last lines of the kernel's console. */
  readonly console: string;
};

/** Boots the guest and waits for its end; its progress goes to `show`. */
export async function bootGuest(
  guest: Guest,
  paths: { readonly cache: string; readonly project: string; readonly scratch: string },
  show: (text: string) => void,
): Promise<GuestRun> {
  const file = (name: string) => join(paths.scratch, `${guest.name}.${name}`);
  // Ends with us, also when we are killed.
  const qemu = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64"];
  const child = Bun.spawn([...qemu, ...machine(guest, paths, file)], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(file("qemu")),
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, guestTimeoutMs);
  using progress = new Follower(file("progress"), show);
  try {
    const ended = child.exited.then(() => true);
    while (!(await Promise.race([ended, Bun.sleep(pollMs).then(() => false)]))) progress.poll();
    progress.poll();
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    await child.exited;
  }
  const reports = new Map<string, string>();
  for (const runtime of guestRuntimes) {
    const text = existsSync(file(runtime)) ? readFileSync(file(runtime), "utf8") : "";
    if (text.includes("</testsuites>")) reports.set(runtime, text);
  }
  const failure = timedOut
    ? `has not ended within ${guestTimeoutMs / 60_000} minutes`
    : child.exitCode !== 0
      ? `qemu: ${readFileSync(file("qemu"), "utf8").trim()}`
      : undefined;
  const console = existsSync(file("console")) ? readFileSync(file("console"), "utf8") : "";
  return {
    reports,
    console: console.split("\n").slice(-40).join("\n"),
    ...(failure === undefined ? {} : { failure }),
  };
}

function machine(
  guest: Guest,
  { cache, project }: { readonly cache: string; readonly project: string },
  file: (name: string) => string,
): string[] {
  const disk = (path: string) => ["-drive", `file=${path},if=virtio,format=raw,snapshot=on`];
  const port = (name: string) => [
    "-chardev",
    `file,id=${name},path=${file(name)}`,
    "-device",
    `virtserialport,chardev=${name},name=${name}`,
  ];
  const kernel = [
    "console=ttyS0 quiet panic=-1 apparmor=1 security=apparmor",
    `guest.init=${guest.init} guest.name=${guest.name}`,
  ];
  return [
    ..."-accel tcg,thread=multi -cpu max -smp 2 -machine q35 -m 2048".split(" "),
    ..."-nodefaults -display none -no-reboot".split(" "),
    ...["-serial", `file:${file("console")}`],
    ...["-kernel", join(cache, "vmlinuz"), "-initrd", join(cache, "initrd")],
    ...["-append", kernel.join(" ")],
    ...disk(join(cache, "root.img")),
    ...disk(project),
    ...["-device", "virtio-serial-pci,max_ports=8"],
    ...["progress", ...guestRuntimes].flatMap(port),
  ];
}

/** Shows what is added to a file that another program writes. */
class Follower implements Disposable {
  readonly #path: string;
  readonly #show: (text: string) => void;
  readonly #buffer = new Uint8Array(65_536);
  readonly #decoder = new TextDecoder();
  #fd: number | undefined;

  constructor(path: string, show: (text: string) => void) {
    this.#path = path;
    this.#show = show;
  }

  poll(): void {
    if (this.#fd === undefined) {
      if (!existsSync(this.#path)) return;
      this.#fd = openSync(this.#path, "r");
    }
    for (;;) {
      const count = readSync(this.#fd, this.#buffer);
      if (count === 0) return;
      this.#show(this.#decoder.decode(this.#buffer.subarray(0, count), { stream: true }));
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}
