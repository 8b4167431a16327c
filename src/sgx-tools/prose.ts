// SPDX-License-Identifier: Apache-2.0
/** What help and the reference page say beyond the option table. */
import type { CommandProse } from "../options/help.ts";

export const commandProse: Readonly<Record<string, CommandProse>> = {
  "sgx-tools": {
    description:
      "sgx-tools measures, signs, shows and attests SGX enclaves. The image formats are those of the sample enclave runtime, which docs/explanation/skeleton.md describes.\n\nOptions precede the files, and one dash is as good as two. Exit status 0, or 1 when something failed or did not match.",
    examples: ["sgx-tools measure encl.bin", "sgx-tools inspect --json encl.ss"],
  },
  measure: {
    description:
      "Prints the MRENCLAVE that a processor computes while the image is loaded. XFRM, MISCSELECT and the page permissions are part of it, so they are taken from the SIGSTRUCT if one is given. A .sgxs stream says all that is measured itself.",
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
  simulate: {
    description:
      "Runs any SGX host program, with unmodified signed enclaves, on a machine without SGX. Nothing is protected: enclave memory is ordinary memory, and every key is public.",
    examples: ["sgx-tools simulate -- ./app --enclave app.signed.so"],
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
      "Bytes are in memory order; the long integers of a SIGSTRUCT are therefore little-endian. Whether a SIGSTRUCT's signature holds is checked and said; of a quote, whether its chain and signatures hold now under Intel's root, which is no verdict on its platform. A REPORT's or token's MAC can only be checked by the platform it is for.",
  },
  diff: {
    description:
      "Files of one kind are compared in all fields; files of different kinds, such as a SIGSTRUCT and a quote, in those that both have. Exit status 0 if nothing differs, 1 if something does.",
    examples: ["sgx-tools diff old.ss new.ss", "sgx-tools diff encl.ss quote.bin"],
  },
  "verify-quote": {
    description:
      "Prints every check with what was compared. Without --policy the platform must be up to date and the enclave not in debug mode, but it may be anybody's; docs/reference/attestation-policy.md describes policies, docs/explanation/attestation.md the checks. Exit status 0 only for a verdict that the policy accepts.\n\nAn EPID quote is judged by the archived report of Intel's service, which has closed; that service's certificate ended on 2026-11-20, so give --at.",
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
