// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RuneError } from "../errors/error.ts";
import { commandProse, helpText } from "./help.ts";
import { parseCommandLine, program } from "./table.ts";
import { versionText } from "./version.ts";

const parse = (line: string) => parseCommandLine(line.split(" ").filter((word) => word !== ""));
const command = (line: string): unknown => parse(line).command();

function refusal(line: string, code = "USAGE"): string {
  try {
    parse(line).command();
  } catch (error) {
    if (error instanceof RuneError && error.code === code) return error.message;
    throw error;
  }
  throw new Error("was accepted");
}

test("global options precede the verb", () => {
  const line = parse(
    "--root /r --log /l --log-format json --systemd-cgroup --rootless=true --debug list",
  );
  expect(line.global).toEqual({
    root: "/r",
    log: "/l",
    logFormat: "json",
    logLevel: "debug",
    systemdCgroup: true,
    rootless: "true",
    criu: "criu",
  });
  expect(line.command()).toEqual({ verb: "list", format: "table", quiet: false });
  expect(parse("list").global).toEqual({
    logFormat: "text",
    logLevel: "info",
    systemdCgroup: false,
    rootless: "auto",
    criu: "criu",
  });
  expect(parse("--criu /opt/criu list").global.criu).toBe("/opt/criu");
  expect(parse("--criu= list").global.criu).toBe("criu");
});

test("--debug is a level; with another one no container is made", () => {
  expect(parse("--log-level trace list").global.logLevel).toBe("trace");
  expect(parse("--log-level off list").global.logLevel).toBe("off");
  expect(refusal("--log-level loud list")).toContain("--log-level");
  for (const verb of ["create", "run"]) {
    expect(refusal(`--debug --log-level info ${verb} c1`)).toContain("exclude each other");
  }
  const line = parse("--debug --log-level trace state c1");
  expect([line.global.logLevel, line.command().verb]).toEqual(["trace", "state"]);
});

test("a faulty verb leaves the global options readable", () => {
  expect(parse("--log /l create").global.log).toBe("/l");
  expect(refusal("--log /l create")).toContain("rune create: expected exactly 1 argument");
  expect(refusal("frob")).toBe("rune: unknown command `frob`");
});

test("what containerd's go-runc calls", () => {
  const start = { preserveFds: 0, noPivot: false, noNewKeyring: false };
  expect(
    command(
      "--root /r --log /l --log-format json --systemd-cgroup --rootless=false create --bundle /b " +
        "--pid-file /p --console-socket /c --pidfd-socket /f --no-pivot --no-new-keyring --detach --preserve-fds 2 c1",
    ),
  ).toEqual({
    verb: "create",
    id: "c1" as never,
    bundle: "/b",
    pidFile: "/p",
    consoleSocket: "/c",
    pidfdSocket: "/f",
    preserveFds: 2,
    noPivot: true,
    noNewKeyring: true,
  });
  expect(command("start c1")).toEqual({ verb: "start", id: "c1" });
  expect(command("run --bundle /b c1")).toEqual({
    verb: "run",
    id: "c1",
    bundle: "/b",
    ...start,
    detach: false,
    keep: false,
    noSubreaper: false,
  });
  expect(command("exec --process /f --console-socket /c --detach --pid-file /p c1")).toEqual({
    verb: "exec",
    id: "c1",
    consoleSocket: "/c",
    pidFile: "/p",
    preserveFds: 0,
    detach: true,
    noSubreaper: false,
    ignorePaused: false,
    cgroups: [],
    program: { from: "file", path: "/f" },
  });
  expect(command("kill --all c1 9")).toEqual({ verb: "kill", id: "c1", signal: 9, all: true });
  expect(command("delete --force c1")).toEqual({ verb: "delete", ids: ["c1"], force: true });
  expect(command("list --format=json")).toEqual({ verb: "list", format: "json", quiet: false });
  expect(command("state c1")).toEqual({ verb: "state", id: "c1" });
  expect(command("features")).toEqual({ verb: "features" });
  expect(command("--version")).toEqual({ verb: "version" });
});

const plainCriu = {
  imagePath: "checkpoint",
  tcpEstablished: false,
  linkRemap: false,
  extUnixSk: false,
  shellJob: false,
  fileLocks: false,
  lazyPages: false,
  autoDedup: false,
};

test("checkpoint and restore as containerd's go-runc calls them", () => {
  expect(command("checkpoint c1")).toEqual({
    verb: "checkpoint",
    id: "c1",
    ...plainCriu,
    leaveRunning: false,
    preDump: false,
    tcpSkipInFlight: false,
  });
  const flags =
    "--tcp-established --ext-unix-sk --shell-job --file-locks --lazy-pages --auto-dedup";
  const paths = "--image-path /i --work-path /w --parent-path ../p";
  const shared = {
    imagePath: "/i",
    workPath: "/w",
    tcpEstablished: true,
    linkRemap: true,
    extUnixSk: true,
    shellJob: true,
    fileLocks: true,
    lazyPages: true,
    autoDedup: true,
    manageCgroupsMode: "strict",
  };
  const both = `${paths} ${flags} --link-remap --manage-cgroups-mode strict --empty-ns network`;
  const more =
    "--leave-running --pre-dump --tcp-skip-in-flight --status-fd 3 --page-server [::1]:27";
  expect(command(`checkpoint ${both} ${more} c1`)).toEqual({
    verb: "checkpoint",
    id: "c1",
    ...shared,
    parentPath: "../p",
    leaveRunning: true,
    preDump: true,
    tcpSkipInFlight: true,
    pageServer: { address: "::1", port: 27 },
    statusFd: 3,
  } as never);
  const labels = "--lsm-profile apparmor:a --lsm-mount-context c:d";
  const start = "--detach --pid-file /p --console-socket /s --no-pivot --no-subreaper";
  expect(command(`restore -b /b ${both} ${start} ${labels} c1`)).toEqual({
    verb: "restore",
    id: "c1",
    bundle: "/b",
    ...shared,
    consoleSocket: "/s",
    pidFile: "/p",
    lsmProfile: "apparmor:a",
    lsmMountContext: "c:d",
    detach: true,
    subreaper: false,
  } as never);
  expect(command("restore c1")).toEqual({
    verb: "restore",
    id: "c1",
    bundle: ".",
    ...plainCriu,
    detach: false,
    subreaper: true,
  } as never);
});

test("checkpoint and restore refuse what cannot be meant", () => {
  for (const text of ["host", "host:", ":1", "host:0", "host:65536", "::1:5", "host:x"]) {
    expect(refusal(`checkpoint --page-server ${text} c1`)).toContain("ADDRESS:PORT");
  }
  expect(command("checkpoint --page-server 10.0.0.1:27 c1")).toMatchObject({
    pageServer: { address: "10.0.0.1", port: 27 },
  });
  for (const verb of ["checkpoint", "restore"]) {
    expect(refusal(`${verb} --empty-ns mount c1`)).toContain("namespace `mount`");
    expect(refusal(`${verb} --manage-cgroups-mode hard c1`)).toContain("expected one of soft");
    expect(refusal(verb)).toContain("expected exactly 1 argument");
  }
  expect(refusal("--debug --log-level info restore c1")).toContain("exclude each other");
});

test("run and create know the platform", () => {
  expect(command("run -d --keep --platform simulation -b . c1")).toMatchObject({
    detach: true,
    keep: true,
    platform: "simulation",
    bundle: ".",
  });
  expect(refusal("create --platform sgx c1")).toContain("expected one of hardware, simulation");
});

test("exec takes a command with its own flags", () => {
  expect(
    command(
      "exec -t -u 1000:100 -e A=b -e C= --cwd /w -g 1 -g 2 --cap CAP_KILL --no-new-privs c1 ls -la --env x",
    ),
  ).toMatchObject({
    id: "c1",
    program: {
      from: "arguments",
      args: ["ls", "-la", "--env", "x"],
      tty: true,
      cwd: "/w",
      env: ["A=b", "C="],
      user: { uid: 1000, gid: 100 },
      additionalGids: [1, 2],
      capabilities: ["CAP_KILL"],
      noNewPrivileges: true,
    },
  });
  expect(command("exec -u 5 c1 id")).toMatchObject({ program: { user: { uid: 5 } } });
});

test("exec refuses what cannot be meant", () => {
  expect(refusal("exec c1")).toContain("expected a command after the container id");
  expect(refusal("exec -p f c1 ls")).toContain("with `--process` there is no command");
  expect(refusal("exec -p f --env A=b c1")).toContain("`--process` and `--env` exclude each other");
  expect(refusal("exec --user root c1 ls")).toContain("expected ids in numbers, got `root`");
  expect(refusal("exec -u 1:2:3 c1 ls")).toContain("got `1:2:3`");
  expect(refusal("exec -u 4294967295 c1 ls")).toContain("got `4294967295`");
  expect(refusal("exec -g -1 c1 ls")).toContain("`--additional-gids`: expected ids in numbers");
  expect(refusal("exec --cwd tmp c1 ls")).toContain("expected an absolute path");
  expect(refusal("exec -e PATH c1 ls")).toContain("expected name=value, got `PATH`");
  expect(command("exec -p f -t c1")).toMatchObject({ program: { from: "file", path: "f" } });
});

test("kill's signal is SIGTERM unless named", () => {
  expect(command("kill c1")).toMatchObject({ signal: 15, all: false });
  expect(command("kill -a c1 SIGHUP")).toMatchObject({ signal: 1, all: true });
  expect(refusal("kill c1 FROB")).toContain("got `FROB`");
});

test("spec has three kinds", () => {
  expect(command("spec")).toEqual({ verb: "spec", kind: "default" });
  expect(command("spec -b /x --rootless")).toEqual({
    verb: "spec",
    bundle: "/x",
    kind: "rootless",
  });
  expect(command("spec --enclave")).toEqual({ verb: "spec", kind: "enclave" });
  expect(refusal("spec --enclave --rootless")).toContain("exclude each other");
});

test("container ids are checked by every verb that takes one", () => {
  for (const verb of ["create", "start", "run", "state", "kill", "delete"]) {
    expect(refusal(`${verb} a/b`, "ID_INVALID")).toContain("container id `a/b`");
  }
  expect(refusal("exec .. ls", "ID_INVALID")).toContain("container id `..`");
});

test("help is found on every verb, and by name", () => {
  for (const { name } of program.commands) {
    for (const line of [`${name} -h`, `${name} --help`, `help ${name}`, `--debug ${name} -help`]) {
      expect(command(line)).toMatchObject({ verb: "help", topic: { name } });
    }
  }
  for (const line of ["", "help", "h", "-h", "--help"])
    expect(command(line)).toEqual({ verb: "help" });
  expect(refusal("help frob")).toContain("unknown command `frob`");
});

test("help text names every visible option of every verb", () => {
  expect(helpText(program)).toContain("GLOBAL OPTIONS");
  for (const spec of program.commands) {
    expect(helpText(program).includes(spec.summary)).toBe(spec.hidden !== true);
    const text = helpText(program, spec);
    for (const option of spec.options) {
      expect(text.includes(`--${option.name}`)).toBe(option.hidden !== true);
    }
  }
});

test("every help text belongs to a command", () => {
  const names = ["rune", ...program.commands.map(({ name }) => name)];
  expect(Object.keys(commandProse).sort()).toEqual(names.sort());
});

test("no two options of a command share a name", () => {
  for (const { options } of [program, ...program.commands]) {
    const names = options.flatMap(({ name, short }) =>
      short === undefined ? [name] : [name, short],
    );
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain("help");
    expect(names).not.toContain("h");
  }
});

test("exec --cgroup: a path, or controllers and paths", () => {
  const cgroups = (line: string) => {
    const command = parse(`exec ${line} c1 ls`).command();
    return command.verb === "exec" ? command.cgroups : undefined;
  };
  expect(cgroups("--cgroup /")).toEqual([{ controllers: [], path: "/" }]);
  expect(cgroups("--cgroup cpu,cpuacct:a --cgroup name=systemd:/b")).toEqual([
    { controllers: ["cpu", "cpuacct"], path: "a" },
    { controllers: ["name=systemd"], path: "/b" },
  ]);
  for (const wrong of [
    "--cgroup a --cgroup b",
    "--cgroup a:b:c",
    "--cgroup :b",
    "--cgroup cpu,:b",
  ]) {
    expect(() => cgroups(wrong)).toThrow("flag `--cgroup`: expected ");
  }
});

test("the version is what go-runc parses", () => {
  const lines = versionText({ version: "0.1.0", commit: "abc", bun: "1.4.5" }).split("\n");
  expect(lines).toEqual(["rune version 0.1.0", "commit: abc", "spec: 1.3.0", "bun: 1.4.5", ""]);
});
