// SPDX-License-Identifier: Apache-2.0
/** `rune --help` and `rune VERB --help`. Loaded only when somebody asks. */
import { type CommandProse, formatCommandHelp, formatProgramHelp } from "../options/help.ts";
import type { CommandSpec, ProgramSpec } from "../options/option.ts";

/** Help for a verb, or for the program where there is no topic. */
export function helpText(program: ProgramSpec, topic?: CommandSpec): string {
  if (topic === undefined) return formatProgramHelp(program, commandProse["rune"]);
  return formatCommandHelp(topic, commandProse[topic.name]);
}

/** By the command's name; the table has the rest. */
export const commandProse: Readonly<Record<string, CommandProse>> = {
  rune: {
    description:
      "rune starts containers from OCI bundles: a directory with a config.json and a root file " +
      "system. A container whose config.json names an enclave type runs its program in an " +
      "SGX enclave, through an enclave runtime that is loaded by the PAL API.\n\n" +
      "Options of `exec` and `ps` precede the container id, those of others may follow it; one dash is as good as two. rune exits with 0, with 1 " +
      "when it failed, and `run` and `exec` with the status of the program, or 128 plus the number " +
      "of the signal that ended it.",
    examples: ["rune spec", "rune run web", "rune --root /tmp/state list --format json"],
  },
  create: {
    description:
      "Creates a container from a bundle and prepares everything but the program itself, which " +
      "waits for `rune start`. An enclave is loaded and initialised here.",
    examples: ["rune create --bundle /srv/web --pid-file /run/web.pid web"],
  },
  start: {
    description:
      "Lets the program of a created container run. Where systemd wants to be told when a service is " +
      "ready ($NOTIFY_SOCKET, for `rune create` too), it returns when the container has said so.",
    examples: ["rune start web"],
  },
  run: {
    description:
      "Creates a container, starts it, waits for its program and deletes it. With --detach it " +
      "returns when the program runs and leaves deletion to `rune delete`.",
    examples: ["rune run --bundle /srv/web web", "rune run --platform simulation web"],
  },
  exec: {
    description:
      "Runs a further program in a running container, with the container's own process settings " +
      "unless changed by flags, or with those of a file. Words after the container id are the " +
      "program's. In an enclave container the enclave runtime starts the program.",
    examples: ["rune exec -t web sh", "rune exec --user 1000:1000 --env A=b web env"],
  },
  kill: {
    description:
      "Sends a signal to the container's init process, SIGTERM unless another one is named: by " +
      "number, name, or name with SIG. In an enclave container the signal goes to the program in " +
      "the enclave, SIGKILL always to the process. With --all every process in the container's cgroup " +
      "gets it, also when init has ended.",
    examples: ["rune kill web", "rune kill --all web KILL"],
  },
  checkpoint: {
    description:
      "Writes the processes of a running or paused container to files, through criu, and deletes the " +
      "container, unless --leave-running or --pre-dump says otherwise. The root file system is not part of " +
      "it. An enclave container is refused: an enclave's memory cannot be read. criu 3.15 or newer is needed.",
    examples: [
      "rune checkpoint --image-path /srv/images/web web",
      "rune checkpoint --image-path /srv/images/first --pre-dump web",
      "rune checkpoint --image-path /srv/images/last --parent-path ../first web",
    ],
  },
  restore: {
    description:
      "Makes a container from a bundle and the files of a checkpoint, whose processes go on where they " +
      "were. Prestart and createRuntime hooks run, no others. In the foreground it waits and deletes the " +
      "container, as `rune run` does.",
    examples: ["rune restore --detach --image-path /srv/images/web --bundle /srv/web web"],
  },
  pause: {
    description:
      "Freezes a container's cgroup and returns when all its processes have stopped. A paused " +
      "container is neither started nor deleted, and signals other than SIGKILL wait in it.",
    examples: ["rune pause web"],
  },
  resume: { description: "Lets the processes of a paused container go on." },
  events: {
    description:
      "Prints JSON lines: every five seconds, or as often as --interval says, what the container uses, " +
      "and whenever it runs out of memory. Ends when the container does. With --json it also tells when an " +
      "enclave starts and ends, and when evidence is refused: of the container, or without one of all, until " +
      "it is ended; with --stats what has been kept of that.",
    examples: [
      "rune events --stats web",
      "rune events --interval 500ms web",
      "rune events --json --stats",
    ],
  },
  top: {
    description:
      "Shows a table of what containers use, again at every interval, until ^C: their share of a processor, " +
      "memory and its limit, processes, and enclave pages where the host counts them.",
    examples: ["rune top", "rune top --sort memory --interval 5s", "rune top --once --json"],
  },
  metrics: {
    description:
      "Prints in Prometheus' text format how many containers are in which state, what each uses, how long " +
      "enclaves took to start, and what has failed. With --output the file is replaced in one step, as a " +
      "textfile collector wants it.",
    examples: ["rune metrics", "rune metrics --output /var/lib/prometheus/node-exporter/rune.prom"],
  },
  attest: {
    description:
      "Asks the enclave runtime of a container for a report: PAL version 3. With --isRA the report is quoted " +
      "by the machine's AESM, and the quote judged here, on the host: the checks are printed in order, and the " +
      "exit status is 0 only for what the policy accepts. Without --nonce or --report-data a report proves no " +
      "freshness. Files are written on the host (the original wrote --reportFile inside the container). A simulated " +
      "container's evidence is refused without --allow-simulation. SPID and key are also taken from " +
      "ENCLAVE_RA_EPID_SPID and ENCLAVE_RA_EPID_SUB_KEY; only the service for EPID quotes gets them.",
    examples: [
      "rune attest --reportFile web.report web",
      "rune attest --isRA --nonce 6a1f0c5e9b1d4a0e8f3c7b2d5e6f7081 --quote-file web.quote --policy web.toml web",
      "rune attest --isRA --quote-type epidLinkable --spid-file spid --subscription-key-file key web",
    ],
  },
  doctor: {
    description:
      "Looks at what containers, enclaves, attestation and the engines need: each check says ok, missing, " +
      "broken, or unknown where it cannot be looked at, why, and the command that mends it. Nothing is changed, " +
      "no enclave runtime is loaded, and without --network nothing goes out. The exit status is 0 when " +
      "nothing is broken, and with a topic nothing missing that it needs; 1 otherwise; 2 for a wrong command " +
      "line. What each check looks at, and the JSON: docs/reference/doctor.md.",
    examples: ["rune doctor", "rune doctor sgx", "rune doctor --json containerd | jq .status"],
  },
  install: {
    description:
      "Adds rune to the configuration of engines: /etc/docker/daemon.json, /etc/containerd/config.toml (versions 1, " +
      "2 and 3; for pods, ctr needs nothing), and a file of its own in /etc/containers/containers.conf.d for podman. " +
      "Comments and order of what is there stay; a copy of the file is kept beside it, the difference is printed, " +
      "and the command that makes the engine take notice. A file that is damaged, or says something else of " +
      "a runtime of that name, is refused, and then none is written. What is there already is left alone.",
    examples: [
      "rune install --docker --dry-run",
      "rune install --docker --containerd --podman",
      "rune install --docker --simulation",
    ],
  },
  uninstall: {
    description:
      "Puts back what `rune install` has changed, to the byte; where somebody has changed a file since, " +
      "only rune's part is taken out, and that is said. Without an engine's flag, for all of them.",
    examples: ["rune uninstall --dry-run", "rune uninstall --docker"],
  },
  ps: {
    description:
      "Calls ps(1) of the host with the options, `-ef` unless there are any, and prints the lines of " +
      "the container's processes; as JSON, their pids.",
    examples: ["rune ps web", "rune ps web -o pid,comm", "rune ps --format json web"],
  },
  update: {
    description:
      "Changes the limits that are named and no others; when one cannot be set, none is changed. A file " +
      "has the form of `linux.resources` in config.json; what it says of devices is passed over.",
    examples: [
      "rune update --memory 512m --memory-swap 1g web",
      "rune update --cpu-quota -1 --pids-limit 100 web",
      'echo \'{"cpu":{"shares":512}}\' | rune update --resources - web',
    ],
  },
  delete: {
    description:
      "Removes the state, cgroup and mounts of containers that have stopped, or were created and " +
      "never started.",
    examples: ["rune delete web", "rune delete --force web db"],
  },
  state: { description: "Prints the state document of the runtime specification." },
  list: {
    description: "Lists the containers below the directory that --root names.",
    examples: ["rune list --quiet"],
  },
  spec: {
    description:
      "Writes config.json into the bundle and refuses to overwrite one. The file is to be edited: " +
      "it runs `sh` in a terminal.",
    examples: ["rune spec --bundle /srv/web", "rune spec --enclave"],
  },
  planner: {
    description:
      "Keeps engines that have started already. While it runs, other commands of the same user ask it " +
      "first, and are done several times sooner; where it may not or cannot act for a caller (another " +
      "namespace, other capabilities, another version), and without it, they start an engine of their " +
      "own as always. RUNE_PLANNER=off in the environment keeps a command from asking.",
    examples: ["rune planner", "rune planner --idle-timeout 0 --workers 4"],
  },
  "planner-worker": {
    description: "Internal: one of the engines of `rune planner`, which starts it.",
  },
  "report-failure": {
    description: "Internal: how a monitor writes the log record of a program that could not start.",
  },
  completion: {
    description:
      "Prints a script that completes verbs, flags, their values and the ids of containers. It is " +
      "made from the same table as this help.",
    examples: [
      "source <(rune completion bash)",
      "rune completion zsh > /usr/local/share/zsh/site-functions/_rune",
      "rune completion fish > ~/.config/fish/completions/rune.fish",
    ],
  },
  features: {
    description:
      "Prints what is compiled in, whatever the host can do. Needs no root and changes nothing.",
  },
};
