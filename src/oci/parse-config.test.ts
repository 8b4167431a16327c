// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RuneError } from "../errors/error.ts";
import { parseConfig, parseProcess } from "./parse-config.ts";

const minimal = {
  ociVersion: "1.0.2",
  process: { user: { uid: 0, gid: 0 }, args: ["true"], cwd: "/" },
  root: { path: "rootfs" },
};

const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const withProcess = (fields: object) => ({
  ...minimal,
  process: { ...minimal.process, ...fields },
});
const withLinux = (linux: object) => ({ ...minimal, linux });

function refusal(value: unknown, code = "CONFIG_INVALID"): string {
  try {
    parseConfig(bytes(value));
  } catch (error) {
    if (error instanceof RuneError && error.code === code) return error.message;
    throw error;
  }
  throw new Error("was accepted");
}

test("the smallest configuration is accepted as it is", () => {
  expect(parseConfig(bytes(minimal))).toEqual(minimal);
});

test("a configuration with everything keeps every field", () => {
  const everything = {
    ...minimal,
    hostname: "h",
    domainname: "d",
    process: {
      ...minimal.process,
      terminal: true,
      consoleSize: { height: 24, width: 80 },
      user: { uid: 1, gid: 2, umask: 0o22, additionalGids: [3] },
      env: ["A=", "B=c=d"],
      capabilities: { bounding: ["CAP_KILL"], ambient: ["CAP_FUTURE"] },
      noNewPrivileges: true,
      apparmorProfile: "a",
      selinuxLabel: "s",
      oomScoreAdj: -1000,
      ioPriority: { class: "IOPRIO_CLASS_BE", priority: 7 },
      execCPUAffinity: { initial: "0-3,7", final: "1" },
    },
    mounts: [
      {
        destination: "/proc",
        type: "proc",
        source: "proc",
        options: ["ro"],
        uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
        gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      },
    ],
    hooks: { prestart: [{ path: "/h", args: ["h"], env: ["A=b"], timeout: 1 }], poststop: [] },
    linux: {
      namespaces: [{ type: "uts" }, { type: "mount" }, { type: "network", path: "/n" }],
      devices: [{ type: "p", path: "/p", major: 0, minor: 0, fileMode: 0o600, uid: 1, gid: 2 }],
      netDevices: { eth0: { name: "eth1" } },
      cgroupsPath: "/c",
      intelRdt: { closID: "x", schemata: ["L3:0=f"], enableMonitoring: true },
      memoryPolicy: { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] },
      sysctl: { "net.ipv4.ip_forward": "1" },
      rootfsPropagation: "rslave",
      maskedPaths: ["/m"],
      readonlyPaths: ["/r"],
      mountLabel: "l",
      personality: { domain: "LINUX32" },
      resources: { devices: [{ allow: false, access: "rwm" }], unified: { "memory.high": "max" } },
    },
    annotations: { "a.b": "c" },
  };
  expect(parseConfig(bytes(everything))).toEqual(everything as never);
});

test("64-bit quantities keep every digit", () => {
  const text = JSON.stringify({
    ...withProcess({ rlimits: [{ type: "RLIMIT_NOFILE", soft: 1, hard: "HARD" }] }),
    linux: {
      resources: { memory: { limit: "LIMIT", swap: -1 }, cpu: { shares: 1024 } },
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [
          {
            names: ["clone"],
            action: "SCMP_ACT_ERRNO",
            args: [{ index: 0, value: "VALUE", op: "SCMP_CMP_MASKED_EQ" }],
          },
        ],
      },
    },
  })
    .replace('"HARD"', "18446744073709551615")
    .replace('"LIMIT"', "9223372036854775807")
    .replace('"VALUE"', "9007199254740993");
  const config = parseConfig(bytes(text));
  expect(config.process.rlimits).toEqual([
    { type: "RLIMIT_NOFILE", soft: 1n, hard: 2n ** 64n - 1n },
  ]);
  expect(config.linux?.resources?.memory).toEqual({ limit: 2n ** 63n - 1n, swap: -1n });
  expect(config.linux?.resources?.cpu).toEqual({ shares: 1024n });
  expect(config.linux?.seccomp?.syscalls?.[0]?.args?.[0]?.value).toBe(9007199254740993n);
  expect(refusal(text.replace("9007199254740993", "18446744073709551616"))).toContain(
    "args[0].value`: expected an integer from 0 to 18446744073709551615, got 18446744073709551616",
  );
  expect(refusal(text.replace("9007199254740993", "1e19"))).toContain("args[0].value`: expected");
});

test("unknown properties are ignored and unknown capabilities kept", () => {
  const config = parseConfig(
    bytes({
      ...withProcess({ capabilities: { bounding: ["CAP_NEW"] }, x: 1 }),
      solaris: {},
      y: [],
    }),
  );
  expect(config.process.capabilities?.bounding).toEqual(["CAP_NEW"]);
  expect(Object.keys(config)).toEqual(["ociVersion", "process", "root"]);
});

test("null and, for text, the empty string are as good as absent", () => {
  const config = parseConfig(
    bytes({
      ...withProcess({ env: null, apparmorProfile: "", rlimits: null }),
      hostname: "",
      mounts: null,
      linux: { rootfsPropagation: "", namespaces: [{ type: "pid", path: "" }] },
    }),
  );
  expect(config).toEqual({ ...minimal, linux: { namespaces: [{ type: "pid" }] } });
});

test("annotations cannot reach a prototype", () => {
  const text = JSON.stringify(minimal).replace(
    "{",
    '{"annotations":{"__proto__":"x","constructor":"y"},',
  );
  const { annotations } = parseConfig(bytes(text));
  expect(Object.getPrototypeOf(annotations)).toBeNull();
  expect(Object.entries(annotations ?? {})).toEqual([
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
});

test("versions 1.x are accepted, others refused", () => {
  for (const version of ["1.0.0", "1.0.2-dev", "1.1.0+dev", "1.3.0", "1.99.0-rc.1"]) {
    expect(parseConfig(bytes({ ...minimal, ociVersion: version })).ociVersion).toBe(version);
  }
  expect(refusal({ ...minimal, ociVersion: "2.0.0" }, "CONFIG_UNSUPPORTED")).toBe(
    "config `ociVersion`: version 2.0.0 of the runtime specification; rune knows 1.x",
  );
  expect(refusal({ ociVersion: "0.5.0" }, "CONFIG_UNSUPPORTED")).toContain("version 0.5.0");
  for (const bad of ["", "1", "1.0", "v1.0.0", "1.0.0 ", "1.0.0\n", "invalid"]) {
    expect(refusal({ ...minimal, ociVersion: bad })).toContain(
      "config `ociVersion`: expected a version",
    );
  }
  expect(refusal({})).toBe("config `ociVersion`: is missing");
});

test("a fault names the path, what was expected and what was there", () => {
  expect(
    refusal(withLinux({ namespaces: [{ type: "pid" }, { type: "ipc" }, { type: "disk" }] })),
  ).toBe(
    "config `linux.namespaces[2].type`: expected one of pid, network, mount, ipc, uts, user, cgroup, time, " +
      'got "disk"',
  );
  expect(refusal({ ...minimal, annotations: { "a.b": 1 } })).toBe(
    'config `annotations["a.b"]`: expected a string, got 1',
  );
  expect(refusal({ ...minimal, root: undefined })).toBe("config `root`: is missing");
  expect(refusal({ ...minimal, root: [] })).toBe("config `root`: expected an object, got an array");
  expect(refusal(withProcess({ cwd: "x".repeat(200) })).length).toBeLessThan(150);
});

/** A museum of what must not pass: [process or linux field, fault]. */
const badProcesses: [object, string][] = [
  [{ args: [] }, "`process.args`: expected at least the program's name"],
  [{ args: undefined }, "`process.args`: is missing"],
  [{ args: ["a\0b"] }, "`process.args[0]`: a string must not contain NUL"],
  [{ args: "sh" }, '`process.args`: expected an array, got "sh"'],
  [{ cwd: "tmp" }, "`process.cwd`: expected an absolute path"],
  [{ cwd: undefined }, "`process.cwd`: is missing"],
  [{ cwd: "/a\0b" }, "NUL"],
  [{ env: ["PATH"] }, '`process.env[0]`: expected NAME=value, got "PATH"'],
  [{ env: ["=x"] }, "`process.env[0]`: expected NAME=value"],
  [{ env: ["A=b\0C=d"] }, "`process.env[0]`: a string must not contain NUL"],
  [{ user: { gid: 0 } }, "`process.user.uid`: is missing"],
  [
    { user: { uid: -1, gid: 0 } },
    "`process.user.uid`: expected an integer from 0 to 4294967295, got -1",
  ],
  [{ user: { uid: 2 ** 32, gid: 0 } }, "`process.user.uid`: expected an integer"],
  [{ user: { uid: 1.5, gid: 0 } }, "`process.user.uid`: expected an integer"],
  [{ user: { uid: "0", gid: 0 } }, "`process.user.uid`: expected an integer"],
  [{ user: { uid: 0, gid: 0, umask: 512 } }, "`process.user.umask`"],
  [{ terminal: 1 }, "`process.terminal`: expected true or false, got 1"],
  [{ oomScoreAdj: 1001 }, "`process.oomScoreAdj`: expected an integer from -1000 to 1000"],
  [
    { rlimits: [{ type: "RLIMIT_X", soft: 1, hard: 1 }] },
    "`process.rlimits[0].type`: expected one of RLIMIT_CPU",
  ],
  [
    { rlimits: [{ type: "RLIMIT_CPU", soft: 2, hard: 1 }] },
    "`process.rlimits[0].soft`: must not exceed",
  ],
  [
    { rlimits: [{ type: "RLIMIT_CPU", soft: -1, hard: 1 }] },
    "`process.rlimits[0].soft`: expected an integer",
  ],
  [
    {
      rlimits: [
        { type: "RLIMIT_CPU", soft: 1, hard: 1 },
        { type: "RLIMIT_AS", soft: 1, hard: 1 },
        { type: "RLIMIT_CPU", soft: 1, hard: 1 },
      ],
    },
    "`process.rlimits[2].type`: RLIMIT_CPU appears twice",
  ],
  [{ capabilities: ["CAP_KILL"] }, "`process.capabilities`: expected an object"],
  [{ scheduler: { policy: "FIFO" } }, "`process.scheduler.policy`: expected one of SCHED_OTHER"],
  [{ scheduler: { policy: "SCHED_OTHER", nice: 20 } }, "`process.scheduler.nice`"],
  [{ ioPriority: { class: "IOPRIO_CLASS_RT", priority: 8 } }, "`process.ioPriority.priority`"],
  [{ execCPUAffinity: { initial: "0;1" } }, "`process.execCPUAffinity.initial`: expected a list"],
  [{ consoleSize: { height: 65536, width: 1 } }, "`process.consoleSize.height`"],
];

const badLinux: [object, string][] = [
  [{ namespaces: [{ type: "pid" }, { type: "pid" }] }, "namespaces[1].type`: `pid` appears twice"],
  [
    { namespaces: [{ type: "pid", path: "proc/1" }] },
    "namespaces[0].path`: expected an absolute path",
  ],
  [{ namespaces: [{ type: "user" }] }, "uidMappings`: is missing"],
  [
    { uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] },
    "uidMappings`: needs a namespace of type `user`",
  ],
  [
    { namespaces: [{ type: "user" }], uidMappings: [{ containerID: 0, hostID: 0, size: 0 }] },
    "size`",
  ],
  [{ timeOffsets: { monotonic: { secs: 1 } } }, "timeOffsets`: needs a namespace of type `time`"],
  [{ timeOffsets: { boottime: { nanosecs: 1e9 } } }, "timeOffsets.boottime.nanosecs`"],
  [{ maskedPaths: ["/proc/kcore"] }, "maskedPaths`: needs a namespace of type `mount`"],
  [{ readonlyPaths: ["x"] }, "readonlyPaths[0]`: expected an absolute path"],
  [{ netDevices: { eth0: {} } }, "netDevices`: needs a namespace of type `network`"],
  [{ netDevices: { "a/b": {} } }, "expected the name of a network interface"],
  [{ netDevices: { eth0: { name: "sixteen-letters-" } } }, "netDevices.eth0.name`"],
  [{ devices: [{ type: "c", path: "/d" }] }, "devices[0].major`: is missing"],
  [
    { devices: [{ type: "c", path: "d", major: 1, minor: 3 }] },
    "devices[0].path`: expected an absolute",
  ],
  [
    { devices: [{ type: "f", path: "/d", major: 1, minor: 3 }] },
    "devices[0].type`: expected one of c, b, u, p",
  ],
  [{ devices: [{ type: "c", path: "/d", major: 4096, minor: 3 }] }, "devices[0].major`"],
  [{ sysctl: { "kernel..x": "1" } }, 'sysctl["kernel..x"]`: expected the name of a sysctl'],
  [{ sysctl: { "/etc/passwd": "1" } }, "expected the name of a sysctl"],
  [{ rootfsPropagation: "public" }, "rootfsPropagation`: expected one of shared"],
  [{ personality: { domain: "BSD" } }, "personality.domain`"],
  [{ intelRdt: { closID: "../x" } }, "intelRdt.closID`: expected the name of a directory"],
  [{ intelRdt: { closID: "//" } }, "intelRdt.closID`: expected the name of a directory"],
  [{ intelRdt: { schemata: "L3:0=f" } }, "intelRdt.schemata`"],
  [{ intelRdt: { schemata: ["L3:0=f", "L3:0=f\nMB:0=10"] } }, "intelRdt.schemata[1]`: expected a"],
  [{ intelRdt: { memBwSchema: "L3:0=f" } }, "memBwSchema`: expected a line that begins with MB:"],
  [{ intelRdt: { memBwSchema: "MB:0=20\nL3:0=f" } }, "memBwSchema`: expected a single line"],
  [{ intelRdt: { enableMonitoring: "yes" } }, "intelRdt.enableMonitoring`"],
  [{ resources: { unified: { "../memory.max": "1" } } }, "expected the name of a cgroup file"],
  [{ resources: { unified: { cgroup: "1" } } }, "expected the name of a cgroup file"],
  [
    { resources: { devices: [{ allow: true, access: "rwx" }] } },
    "devices[0].access`: expected letters of rwm",
  ],
  [{ resources: { memory: { swappiness: 101 } } }, "memory.swappiness`"],
  [
    { resources: { hugepageLimits: [{ pageSize: "../2MB", limit: 1 }] } },
    "pageSize`: expected a size",
  ],
  [{ resources: { pids: { limit: 1.5 } } }, "pids.limit`: expected an integer"],
  [
    { seccomp: { defaultAction: "ALLOW" } },
    "seccomp.defaultAction`: expected one of SCMP_ACT_KILL",
  ],
  [
    { seccomp: { defaultAction: "SCMP_ACT_NOTIFY" } },
    "seccomp.defaultAction`: SCMP_ACT_NOTIFY cannot",
  ],
  [
    {
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["x"], action: "SCMP_ACT_NOTIFY" }],
      },
    },
    "seccomp.syscalls[0].action`: SCMP_ACT_NOTIFY needs `listenerPath`",
  ],
  [
    {
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: [], action: "SCMP_ACT_ALLOW" }],
      },
    },
    "seccomp.syscalls[0].names`: expected at least one system call",
  ],
  [
    { seccomp: { defaultAction: "SCMP_ACT_KILL", defaultErrnoRet: 1 } },
    "seccomp.defaultErrnoRet`: means nothing with SCMP_ACT_KILL",
  ],
  [
    {
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["x"], action: "SCMP_ACT_ERRNO", errnoRet: 4095 }],
      },
    },
    "seccomp.syscalls[0].errnoRet`: expected an error number below 4095, got 4095",
  ],
];

test.each(badProcesses)("process %j is refused", (fields, fault) => {
  expect(refusal(withProcess(fields))).toContain(fault);
});

test.each(badLinux)("linux %j is refused", (fields, fault) => {
  expect(refusal(withLinux(fields))).toContain(fault);
});

test("mounts, hooks and names are checked", () => {
  const mapping = [{ containerID: 0, hostID: 0, size: 1 }];
  expect(refusal({ ...minimal, mounts: [{ type: "proc" }] })).toContain(
    "mounts[0].destination`: is missing",
  );
  expect(refusal({ ...minimal, mounts: [{ destination: "/x", uidMappings: mapping }] })).toContain(
    "mounts[0]`: `uidMappings` and `gidMappings` go together",
  );
  expect(refusal({ ...minimal, hooks: { poststop: [{ path: "hook" }] } })).toContain(
    "hooks.poststop[0].path`: expected an absolute path",
  );
  expect(refusal({ ...minimal, hooks: { prestart: [{ path: "/h", timeout: 0 }] } })).toContain(
    "timeout`",
  );
  expect(refusal({ ...minimal, hostname: "x" })).toBe(
    "config `hostname`: needs a namespace of type `uts` in `linux.namespaces`",
  );
});

test("what is not JSON is refused with line and column", () => {
  expect(refusal('{\n  "ociVersion": "1.0.0",\n}')).toBe(
    'config: not JSON: line 3, column 1: expected a property name in double quotes, found "}"',
  );
  expect(refusal("")).toBe("config: not JSON: line 1, column 1: expected a value, found the end");
  expect(refusal("[")).toContain("config: not JSON");
  expect(refusal("[".repeat(200_000))).toContain("config: not JSON");
  expect(refusal("null")).toBe("config: expected an object, got null");
  expect(() => parseConfig(new Uint8Array([0x22, 0xff, 0x22]))).toThrow("not valid UTF-8");
});

test("process.json follows the rules of `process`", () => {
  expect(parseProcess(bytes(minimal.process))).toEqual(minimal.process);
  const { user: _, ...nobody } = minimal.process;
  expect(parseProcess(bytes(nobody))).toEqual({ ...nobody, user: { uid: 0, gid: 0 } });
  expect(() => parseProcess(bytes({ ...minimal.process, args: [] }))).toThrow(
    "process `args`: expected",
  );
});
