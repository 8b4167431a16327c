// SPDX-License-Identifier: Apache-2.0
/** What each error code means to who sees it, and what he does about it. */
export type CodeEntry = {
  /** One sentence without its full stop. */
  readonly meaning: string;
  readonly remedy: string;
};

export type CodeGroup = {
  readonly title: string;
  readonly codes: Readonly<Record<string, CodeEntry>>;
};

const commandLine: CodeGroup = {
  title: "The command",
  codes: {
    USAGE: {
      meaning:
        "the command line cannot be understood, or asks for two things that exclude one another",
      remedy: "the hint has the usage; `rune VERB --help` has all of it",
    },
    ID_INVALID: {
      meaning:
        "a container's id has other characters than letters, digits, `_`, `+`, `-` and `.`, or cannot be a name of a directory",
      remedy: "choose another",
    },
    CONTAINER_EXISTS: {
      meaning: "the id is taken, by a container or by what is left of one",
      remedy:
        "`rune list` shows it, `rune delete ID` frees the id; or choose another, or another `--root`",
    },
    CONTAINER_NOT_FOUND: {
      meaning: "there is no container of that id below this `--root`",
      remedy:
        "`rune list`. Engines have a root of their own: containerd's is `/run/containerd/runc/NAMESPACE`, docker's `/var/run/docker/runtime-NAME/moby`, with the name that the runtime has in daemon.json",
    },
    CONTAINER_NOT_RUNNING: {
      meaning: "the container has no process that lives",
      remedy: "`rune state ID`. What it printed before it ended is in its own output",
    },
    CONTAINER_STATE: {
      meaning:
        "the container is not in a state in which that can be done: started twice, deleted while it runs, frozen",
      remedy: "the reason names the state; `rune delete --force ID` works in every one",
    },
  },
};

const bundle: CodeGroup = {
  title: "The bundle",
  codes: {
    CONFIG_NOT_FOUND: {
      meaning: "the bundle has no config.json",
      remedy: "`rune spec` writes one; `--bundle` names the directory that it is in",
    },
    CONFIG_INVALID: {
      meaning:
        "config.json is not JSON, or says something that the runtime specification does not allow or the machine does not have",
      remedy:
        "the text names the field, for text that is no JSON its line and column; [config.json](config-json.md)",
    },
    CONFIG_UNSUPPORTED: {
      meaning: "config.json is right, and asks for something that this version cannot do",
      remedy:
        "leave it out: nothing is ever ignored in silence. [What is done](oci-conformance.md)",
    },
    EXEC_NOT_FOUND: {
      meaning: "the program is not in the container (docker exits with 127)",
      remedy:
        "look at `process.args[0]` and PATH. A script whose interpreter is missing says so, too",
    },
    EXEC_FAILED: {
      meaning: "the program is there and cannot be started (docker exits with 126)",
      remedy: "is it executable for the user, made for x86-64, on a file system without `noexec`?",
    },
    HOOK_FAILED: {
      meaning: "a hook of the configuration failed or took too long",
      remedy:
        "its output is in the message; run it by hand with the container's state on its standard input",
    },
    SECCOMP: {
      meaning: "libseccomp or the kernel does not take the profile",
      remedy: "the text names the rule; a newer libseccomp knows more system calls",
    },
  },
};

const host: CodeGroup = {
  title: "The host",
  codes: {
    HOST_UNSUPPORTED: {
      meaning: "the kernel or the machine lacks what is needed",
      remedy: "the text names it",
    },
    SYSCALL: {
      meaning: "the kernel refused a system call",
      remedy:
        "the text has its object and the kernel's reason; `rune --log-level trace` shows every call before it",
    },
    CGROUP: {
      meaning: "a cgroup cannot be made, limited or entered",
      remedy:
        "which hierarchies are mounted says `mount -t cgroup,cgroup2`; without root see [rootless containers](../explanation/rootless.md)",
    },
    RESCTRL: {
      meaning: "the group for cache and memory bandwidth cannot be made, or is not as it is wanted",
      remedy: "mount resctrl, on a processor that has it: [resources](resources.md)",
    },
    DBUS: {
      meaning: "systemd, or the bus that it is on, does not answer or refuses",
      remedy:
        "`--systemd-cgroup` needs systemd as the machine's first process; without it leave the option out",
    },
    STATE_CORRUPT: {
      meaning: "a file of the container's state cannot be read",
      remedy:
        "`rune delete --force ID` removes the container's files. What still runs goes on: its cgroup has the container's id for a name, or what `linux.cgroupsPath` says; end what `cgroup.procs` there lists, then remove it",
    },
    STATE_NEWER: {
      meaning: "the state was written by a newer version",
      remedy: "use that version, until its containers have gone",
    },
    RUNELET: {
      meaning: "the C program that makes the container died or broke its protocol",
      remedy:
        "often something killed it: look for an out-of-memory kill in the kernel's log. Otherwise it is a bug: report it with `--log-level trace`",
    },
    CRIU: {
      meaning: "criu is missing, too old, or could not checkpoint or restore",
      remedy: "its log is in the work path: [checkpoints](../explanation/checkpoint.md)",
    },
    ENGINE_CONFIG: {
      meaning:
        "the configuration of docker, containerd or podman is damaged, or says what cannot be added to",
      remedy:
        "the text names the file; mend it, or add rune by hand as the page of the engine says",
    },
    NODE_CONFIG: {
      meaning: "the node's configuration is wrong, or others than root could change it",
      remedy: "[the node's configuration](node-config.md)",
    },
  },
};

const enclaves: CodeGroup = {
  title: "Enclave containers",
  codes: {
    ENCLAVE_CONFIG: {
      meaning:
        "a variable `ENCLAVE_…` or an annotation `enclave.…` is wrong, or one that belongs to another is missing",
      remedy: "[what a container says of its enclave](enclave-config.md)",
    },
    ENCLAVE_TYPE_UNSUPPORTED: {
      meaning: "the host has no such hardware, or no driver for it",
      remedy:
        "[set up the hardware](../how-to/hardware.md), or use the [simulated platform](../explanation/simulation.md), which protects nothing",
    },
    SIMULATION_REFUSED: {
      meaning: "a container asks for the simulated platform on a node that does not allow it",
      remedy:
        "on a node without secrets: `[runtime] allow_simulation = true` in the [node's configuration](node-config.md)",
    },
    PAL_PATH: {
      meaning:
        "the enclave runtime is not there, or not where it may be loaded from, or others than root could change it",
      remedy: "[which PAL is loaded](../explanation/pal-path.md)",
    },
    PAL_ABI_MISMATCH: {
      meaning: "the enclave runtime lacks a function, cannot be loaded, or has an unknown version",
      remedy:
        "[the PAL API](../protocol/pal-api.md); `nm -D FILE` shows what it has, `ldd FILE` which library is missing",
    },
    PAL_FAILED: {
      meaning: "a call of the enclave runtime returned an error, crashed, or never came back",
      remedy:
        "its own output is above the error. `ENCLAVE_RUNTIME_LOGLEVEL=debug` makes many of them say more",
    },
    AGENT: {
      meaning:
        "what answers in the container for `rune exec`, signals and reports is silent or broke its protocol",
      remedy:
        "the container may be ending: `rune state ID`; otherwise its enclave runtime has damaged its own process",
    },
    CARRIER: {
      meaning:
        "an image could not be made an enclave: the toolchain failed, or the work was cancelled",
      remedy:
        "the shim's log (containerd's journal) has the toolchain's own words: [carriers](../explanation/carriers.md)",
    },
    SIGNATURE: {
      meaning:
        "the signature server cannot be reached, refuses, or what it answers does not verify",
      remedy:
        "[sign enclaves with a server](../how-to/signing.md); the server's audit log has its reason",
    },
  },
};

const services: CodeGroup = {
  title: "Services",
  codes: {
    AESM_UNREACHABLE: {
      meaning: "nobody answers on AESM's socket",
      remedy: "`systemctl status aesmd`: [set up the hardware](../how-to/hardware.md)",
    },
    AESM_PROTOCOL: {
      meaning: "what answers on AESM's socket breaks the protocol, or is silent",
      remedy: "`journalctl -u aesmd`; is it AESM that listens there?",
    },
    AESM_REFUSED: {
      meaning: "AESM answered with an error number",
      remedy: "the text has its name: [AESM](../protocol/aesm.md)",
    },
    PLATFORM_SERVICE: {
      meaning: "the simulated platform's service cannot be started or does not answer",
      remedy: "`sgx-tools platform status`: [its protocol](../protocol/platform-service.md)",
    },
    PLATFORM_PROTOCOL: {
      meaning: "a peer of the platform service breaks its protocol",
      remedy:
        "something else uses the socket, or the two are of different versions: end the service, it starts anew",
    },
    PROTOBUF: {
      meaning: "bytes of containerd's are not the message that they should be",
      remedy: "report it with containerd's version",
    },
    TTRPC: {
      meaning: "containerd or its shim cannot be reached, or one breaks the protocol",
      remedy: "is containerd running? `journalctl -u containerd`",
    },
  },
};

const formats: CodeGroup = {
  title: "SGX files and WebAssembly enclaves",
  codes: {
    SGX_FORMAT: {
      meaning: "a file is not the enclave, signature, report or quote that it should be",
      remedy: "`sgx-tools inspect FILE` says what it is",
    },
    SGX_KEY: {
      meaning: "a signing key of the wrong kind; SGX wants RSA with 3072 bits and exponent 3",
      remedy: "`openssl genrsa -3 -out key.pem 3072`",
    },
    SGX_SIGNATURE: {
      meaning: "a signature does not verify, or does not belong to the file",
      remedy: "sign again: the enclave has been changed since",
    },
    SGX_LIMIT: {
      meaning: "a value outside of what SGX allows",
      remedy: "the text has the limit",
    },
    WASM_MODULE: {
      meaning: "the program is no WebAssembly module, or needs what an enclave cannot give",
      remedy: "[WebAssembly enclaves](../protocol/wasm-enclave.md)",
    },
    WASM_MANIFEST: {
      meaning: "the manifest is wrong or does not fit the program",
      remedy: "[the manifest](wasm-manifest.md)",
    },
    WASM_TOOLCHAIN: {
      meaning: "wasm2c, gcc or the runtime's archive is missing or fails",
      remedy: "Debian: `apt-get install wabt gcc`",
    },
  },
};

const evidence: CodeGroup = {
  title: "Attestation: why evidence is not believed",
  codes: {
    ATTEST_FORMAT: {
      meaning: "bytes or text are not what they claim to be",
      remedy: "is the file whole? `sgx-tools inspect FILE`",
    },
    ATTEST_UNSUPPORTED: {
      meaning: "well-formed, and of a kind that this verifier does not judge",
      remedy: "[what is not done](../explanation/attestation.md#what-is-not-done)",
    },
    ATTEST_COLLATERAL: {
      meaning: "something that the verdict needs was not given or cannot be fetched",
      remedy: "`sgx-tools collateral fetch`, from a PCCS that knows the platform",
    },
    ATTEST_CERTIFICATE: {
      meaning: "a certificate does not lead to a trusted root, or is used outside of its role",
      remedy: "evidence of another root needs that root, got on another way: `--trust-root`",
    },
    ATTEST_REVOKED: {
      meaning: "a certificate of the chain is on its issuer's list",
      remedy: "do not trust the platform",
    },
    ATTEST_TIME: {
      meaning: "something is not yet or no longer valid at the time of the check",
      remedy: "fetch collateral anew; archived evidence is judged with `--at`",
    },
    ATTEST_SIGNATURE: {
      meaning: "a signature or a hash does not verify: something was changed",
      remedy: "do not trust the evidence",
    },
    ATTEST_MISMATCH: {
      meaning: "two pieces are genuine and do not belong together",
      remedy: "collateral is a platform's own: fetch it with the quote at hand",
    },
    ATTEST_TCB: {
      meaning: "no TCB level fits the platform",
      remedy: "nothing is known about such a platform: do not trust it",
    },
    ATTEST_SIMULATION: {
      meaning: "evidence of the simulated platform, which proves nothing",
      remedy: "`--allow-simulation`, for a test",
    },
    ATTEST_POLICY: {
      meaning: "a policy is wrong, or does not accept evidence that is genuine",
      remedy: "the verdict lists every check: [policies](attestation-policy.md)",
    },
  },
};

export const catalog: readonly CodeGroup[] = [
  commandLine,
  bundle,
  host,
  enclaves,
  services,
  formats,
  evidence,
];
