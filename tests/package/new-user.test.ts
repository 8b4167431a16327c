// SPDX-License-Identifier: Apache-2.0
/**
 * What somebody with a fresh Debian does: apt, `rune doctor`, the first tutorial, the engines' configuration, a
 * broken thing of each kind, and everything back. The engines themselves are not in that Debian: it is their
 * configuration that is looked at; tests/engines starts real ones.
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { copyFileSync, mkdirSync } from "node:fs";
import { DebianRoot, debianRootMissing } from "../support/debian-root.ts";
import { busybox, needs, only } from "../support/runtime.ts";
import { absent, stepsOf } from "../support/steps.ts";
import { Built } from "./built.ts";

const missing = debianRootMissing();
const test = missing === undefined ? only("rune", "the package is rune's") : needs(missing);

let built: Built;
let root: DebianRoot;

beforeAll(async () => {
  if (missing !== undefined) return;
  built = await Built.shared();
  root = new DebianRoot();
  for (const folder of ["root", "usr/bin"]) mkdirSync(root.changed(folder), { recursive: true });
  copyFileSync(built.deb, root.changed("root/inclavare-containers.deb"));
  // The page has it from busybox-static.
  copyFileSync(busybox, root.changed("usr/bin/busybox"));
  await root.must(
    "apt-get install -y --no-install-recommends ./inclavare-containers.deb </dev/null 2>&1",
  );
}, 300_000);
afterAll(() => {
  root?.[Symbol.dispose]();
  built?.[Symbol.dispose]();
});

type Finding = {
  readonly topic: string;
  readonly name: string;
  readonly status: string;
  readonly reason: string;
  readonly mend?: string;
};

/** What `rune doctor` finds broken once `damage` is done, and its exit status. */
async function broken(damage: string): Promise<{ exit: number; checks: Finding[] }> {
  const { status, stdout, stderr } = await root.run(`${damage}\nrune doctor --json`);
  if (!stdout.startsWith("{")) throw new Error(`status ${status}: ${stdout}${stderr}`);
  const { checks }: { checks: Finding[] } = JSON.parse(stdout);
  return { exit: status, checks: checks.filter((check) => check.status === "broken") };
}

test("nothing is broken after the installation", async () => {
  expect(await broken("true")).toEqual({ exit: 0, checks: [] });
});

test("the first tutorial, typed word for word", async () => {
  const steps = stepsOf("docs/tutorial/getting-started.md");
  const mark = "-- next block --";
  const { status, stdout } = await root.run(
    `exec 2>&1\n${steps.map(({ commands }) => commands).join(`\necho '${mark}'\n`)}`,
  );
  const printed = stdout.split(`${mark}\n`);
  steps.forEach(({ line, answer }, at) => {
    const output = printed[at] ?? "(not reached)";
    expect({ line, faults: absent(answer, output), output }).toEqual({ line, faults: [], output });
  });
  expect([status, printed.length]).toEqual([0, steps.length]);
  expect(steps.length).toBeGreaterThan(7);
});

const files =
  "/etc/docker/daemon.json /etc/containerd/config.toml /etc/inclavare-containers/config.toml";
let sums = "";

test("`rune install` sets up docker and containerd, and a second time changes nothing", async () => {
  await root.must(`
    mkdir -p /etc/docker /etc/containerd
    printf '{\\n\\t"log-level": "warn"\\n}' >/etc/docker/daemon.json
    printf '# mine\\nversion = 2\\n[debug]\\n  level = "warn"\\n' >/etc/containerd/config.toml`);
  sums = await root.must(`sha256sum ${files}`);
  await root.must("rune install --docker --containerd --simulation");
  const first = await root.must(`sha256sum ${files}`);
  for (const [at, line] of first.trim().split("\n").entries())
    expect(line).not.toBe(sums.split("\n")[at] ?? "");
  await root.must("rune install --docker --containerd --simulation");
  expect(await root.must(`sha256sum ${files}`)).toBe(first);
  expect(JSON.parse(await root.must("cat /etc/docker/daemon.json"))).toMatchObject({
    "log-level": "warn",
    runtimes: { rune: { path: "/usr/bin/rune" } },
  });
  expect(await broken("true")).toEqual({ exit: 0, checks: [] });
});

const skeleton = "/usr/lib/inclavare/liberpal-skeleton-v3.so";
const deadSocket =
  `mkdir -p /var/run/aesmd; perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) or die; ` +
  `bind(S, sockaddr_un("/var/run/aesmd/aesm.socket")) or die'`;

/** What is done to the machine and taken back, what is found, and the command that mends it. */
const damages = [
  ["pal", `chmod 666 ${skeleton}`, `chmod 644 ${skeleton}`, skeleton, skeleton],
  ["aesm", deadSocket, "true", "is dead", "systemctl"],
  [
    "runtime",
    "cp /etc/docker/daemon.json /root/kept; echo '{ not JSON' >/etc/docker/daemon.json",
    "cat /root/kept >/etc/docker/daemon.json",
    "daemon.json",
    "",
  ],
  [
    "runtime",
    "cp /etc/docker/daemon.json /root/kept; sed -i s,/usr/bin/rune,/usr/bin/gone, /etc/docker/daemon.json",
    "cat /root/kept >/etc/docker/daemon.json",
    "/usr/bin/gone",
    "rune install --docker",
  ],
  [
    "enclave",
    "mv /usr/lib/inclavare/encl.ss /root/encl.ss",
    "mv /root/encl.ss /usr/lib/inclavare/encl.ss",
    "no signature",
    "sgx-tools sign KEY.pem /usr/lib/inclavare/encl.bin",
  ],
  [
    "node-config",
    "F=/etc/inclavare-containers/config.toml; cp $F /root/kept; sed -i '1i colour = 1' $F",
    "cat /root/kept >/etc/inclavare-containers/config.toml",
    "colour",
    "docs/reference/node-config.md",
  ],
] as const;

for (const [name, damage, repair, reason, mend] of damages) {
  test(`\`rune doctor\` names what is wrong: ${name}: ${damage.slice(0, 60)}`, async () => {
    const { exit, checks } = await broken(damage);
    await root.must(repair);
    expect(exit).toBe(1);
    expect(checks.map((check) => check.name)).toEqual([name]);
    expect(checks[0]?.reason).toContain(reason);
    expect(checks[0]?.mend ?? "(none)").toContain(mend);
  });
}

test("`rune uninstall` puts the files back byte for byte, and the package goes", async () => {
  expect(await broken("true")).toEqual({ exit: 0, checks: [] });
  await root.must("rune uninstall --docker --containerd --simulation");
  expect(await root.must(`sha256sum ${files}`)).toBe(sums);
  await root.must("apt-get purge -y inclavare-containers </dev/null 2>&1");
  expect(
    (await root.run("test -e /usr/bin/rune || test -e /etc/inclavare-containers")).status,
  ).toBe(1);
});
