// SPDX-License-Identifier: Apache-2.0
/** What help and the reference page say beyond the option table. */
import type { CommandProse } from "../options/help.ts";

export const commandProse: Readonly<Record<string, CommandProse>> = {
  "sgx-tools": {
    description:
      "sgx-tools measures, signs, shows and attests SGX enclaves. The image formats are those of the sample enclave runtime, which docs/explanation/skeleton.md describes.\n\nOptions may stand before or behind the files, and one dash is as good as two. Exit status 0, or 1 when something failed or did not match.",
    examples: ["sgx-tools measure encl.bin", "sgx-tools inspect --json encl.ss"],
  },
  measure: {
    description:
      "Prints the MRENCLAVE that a processor computes while the image is loaded. XFRM, MISCSELECT and the page permissions are part of it, so they are taken from the SIGSTRUCT if one is given. A .sgxs stream says all that is measured itself. An ELF file is measured as the loader of the Linux kernel's SGX selftests loads it: its segments in order, the first of which holds the TCSs, and a heap; enclaves of Intel's SDK are refused, because their loader adds pages that the file only describes.",
    examples: ["sgx-tools measure encl.bin", "sgx-tools measure --sigstruct encl.ss encl.bin"],
  },
  sign: {
    description:
      "The key is RSA-3072 with exponent 3, unencrypted PEM; if others can read the file, a warning says so. Giving --mmap-size, --null_dereference_protection or --mmap_min_addr rewrites all three in the image before it is measured; without them the image stays as it is. Unlike sgxsign, nothing is taken from the machine that signs, so that the same input gives the same SIGSTRUCT everywhere: XFRM is 3 unless given.",
    examples: [
      "openssl genrsa -3 -out key.pem 3072",
      "sgx-tools sign --no-debugger key.pem encl.bin encl.ss",
    ],
  },
  "build-wasm": {
    description:
      "Compiles a WASI program (preview 1) with wasm2c and gcc, links it with the trusted runtime, and measures and signs the enclave. docs/reference/wasm-manifest.md says what a manifest can say. The same program, manifest and tools give the same bytes everywhere; FILE.json names them. Prints MRENCLAVE. Threads, SIMD, memory64, tail calls and exceptions are refused by name.",
    examples: [
      "sgx-tools build-wasm --manifest app.toml --key key.pem -o app.encl app.wasm",
      "sgx-tools build-wasm --manifest app.toml --tbs app.tbs -o app.encl app.wasm",
    ],
  },
  "sign-wasm": {
    description: "The SIGSTRUCT must verify and be for this image.",
    examples: ["sgx-tools sign-wasm --sigstruct app.ss app.encl"],
  },
  simulate: {
    description:
      "Runs any SGX host program, with unmodified signed enclaves, on a machine without SGX. Nothing is protected: enclave memory is ordinary memory, and whoever speaks for an enclave gets its keys. The platform service is started where it does not run (docs/protocol/platform-service.md); with --no-service, or INCLAVARE_PLATFORM=off, keys come from a constant that everybody knows.",
    examples: ["sgx-tools simulate -- ./app --enclave app.signed.so"],
  },
  "platform status": {
    description:
      "The service owns the simulated platform's secret and answers in place of Intel's services (docs/protocol/platform-service.md). Root's is the machine's, another user's his own; INCLAVARE_PLATFORM and INCLAVARE_PLATFORM_STATE name other folders.",
  },
  "platform enclaves": {
    description:
      "Every enclave that EINIT has let start and whose process lives: MRENCLAVE, MRSIGNER, size, threads, process, and the container that the process's cgroup names.",
  },
  "platform metrics": {
    description:
      "Prometheus's text format, from the socket metrics.sock in the state folder, which answers GET /metrics to its owner. A scraper that knows no Unix sockets reads a file that a timer writes with this command. docs/protocol/platform-service.md lists the names.",
    examples: [
      "sgx-tools platform metrics > /var/lib/prometheus/node-exporter/inclavare-platform.prom",
    ],
  },
  "platform reset": {
    description:
      "Replaces the root secret and ends the service. Seal keys, certificates and the platform's id are others then.",
    examples: ["sgx-tools platform reset --yes"],
  },
  "platform start": {
    description:
      "Not needed before rune or simulate, which start it by themselves. As root it runs as the user inclavare-platform, or one that nobody has.",
  },
  "platform serve": {
    description:
      "Runs in the foreground, for systemd's inclavare-platform.service and for containers of its own. It ends on SIGTERM, or when no process that uses the platform is left and nothing was asked for the idle time.",
  },
  gendata: {
    description:
      "For keys that stay elsewhere: sign the 256 bytes with PKCS#1 v1.5 and SHA-256, then give the signature to catsig.",
    examples: [
      "sgx-tools gendata encl.bin encl.tbs",
      "openssl dgst -sha256 -sign key.pem -out encl.sig encl.tbs",
      "sgx-tools catsig --public-key public.pem --signature encl.sig encl.tbs encl.ss",
    ],
  },
  catsig: {
    description: "Computes Q1 and Q2, and writes the SIGSTRUCT only if the signature verifies.",
  },
  inspect: {
    description:
      "Bytes are in memory order; the long integers of a SIGSTRUCT are therefore little-endian. Whether a SIGSTRUCT's signature holds is checked and said; of a quote, whether its chain and signatures hold now under Intel's root, which is no verdict on its platform. A REPORT's or token's MAC can only be checked by the platform it is for. --html also writes a page for a person: identity, masks bit by bit, layout and certificates drawn.",
  },
  diff: {
    description:
      "Files of one kind are compared in all fields; files of different kinds, such as a SIGSTRUCT and a quote, in those that both have. Exit status 0 if nothing differs, 1 if something does.",
    examples: ["sgx-tools diff old.ss new.ss", "sgx-tools diff encl.ss quote.bin"],
  },
  "platform set-tcb": {
    description:
      "What is given changes, the rest stays; without any it prints what holds. The service takes it from the next question on. docs/reference/simulated-evidence.md says what each makes of a verdict.",
    examples: [
      "sgx-tools platform set-tcb --status OutOfDate --advisories INTEL-SA-00615",
      "sgx-tools platform set-tcb --default",
    ],
  },
  "gen-token": {
    description:
      "Sends the SIGSTRUCT's measurement, modulus and attributes to AESM and writes the EINITTOKEN of 304 bytes, with the signature's permissions. Only drivers without flexible launch control take tokens. The SIGSTRUCT's own signature must hold, or EINIT would refuse it.",
    examples: [
      "sgx-tools gen-token --signature encl.sig",
      "sgx-tools gen-token --signature encl.ss --token encl.token",
    ],
  },
  "gen-qe-target-info": {
    description:
      "Writes the TARGETINFO of 512 bytes of this machine's quoting enclave. AESM is asked as docs/protocol/aesm.md says; its error numbers are listed there with what to do about each.",
    examples: [
      "sgx-tools gen-qe-target-info",
      "sgx-tools gen-qe-target-info --quote-type epidLinkable --targetinfo ti.bin",
    ],
  },
  "gen-quote": {
    description:
      "The report must have been made for the TARGETINFO that gen-qe-target-info wrote for the same type. The quote is written only if it is about that report. An ecdsa quote is judged by verify-quote; nobody but a service of its platform's own can judge an EPID quote today.\n\nThe SPID comes from --spid, from --spid-file (a file with 32 hexadecimal digits), or from the variable ENCLAVE_RA_EPID_SPID, in this order; what stands on a command line, every user of the machine can read.",
    examples: [
      "sgx-tools gen-quote --report encl.rep",
      "sgx-tools gen-quote --quote-type epidLinkable --spid-file spid --report encl.rep --quote quote.bin",
    ],
  },
  "get-ias-report": {
    description:
      "Intel's attestation service has closed, so --ias-url is needed: a service with its interface, versions 3 to 5. The address that is asked is --ias-url, /dev unless --product is given, and /attestation/v4/report. The report is written only if its signature, chain, time, quote and nonce are right; whether its status is good enough is for verify-quote --ias-report to say, which reads the file.\n\nThe key comes from --subscription-key-file, the variable ENCLAVE_RA_EPID_SUB_KEY, or --subscription-key, with which every user of the machine can read it. It is sent to this service only, never over a redirect, and over http:// only to this machine unless --insecure is given. An SPID, if there is one, must be the quote's.",
    examples: [
      "sgx-tools get-ias-report --ias-url https://ias.example/sgx --subscription-key-file key --trust-root ias.pem",
      "sgx-tools verify-quote --quote-type epidLinkable --ias-report ias-report.bin --trust-root ias.pem",
    ],
  },
  "verify-quote": {
    description:
      "Prints every check with what was compared. Without --policy the platform must be up to date and the enclave not in debug mode, but it may be anybody's; docs/reference/attestation-policy.md describes policies, docs/explanation/attestation.md the checks. Exit status 0 only for a verdict that the policy accepts.\n\n--html writes, beside what is printed, one page without scripts that a person can read and mail: the verdict, the checks, who vouches for whom as a drawing, and the TCB levels with the platform's place in them. It is a report: whoever relies on the quote judges it again.\n\nAn EPID quote is judged by the archived report of Intel's service, which has closed; that service's certificate ended on 2026-11-20, so give --at.",
    examples: [
      "sgx-tools verify-quote --quote quote.bin --collateral archive/ --policy policy.toml",
      "sgx-tools verify-quote --quote quote.bin --collateral https://localhost:8081 --insecure",
      "sgx-tools verify-quote --quote-type epidLinkable --ias-report report.json --at 2024-01-01",
    ],
  },
  "collateral fetch": {
    description:
      "Writes each answer as it came, so that a quote can be judged later and elsewhere: verify-quote --collateral directory --at time.",
    examples: [
      "sgx-tools collateral fetch --quote quote.bin archive/",
      "sgx-tools collateral fetch --fmspc 00906ed50000 --ca processor archive/",
    ],
  },
};
