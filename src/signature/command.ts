// SPDX-License-Identifier: Apache-2.0
/** The command line of `signature-server`, as data. */
import type { CommandProse } from "../options/help.ts";
import { defineCommand } from "../options/option.ts";

const file = <const Name extends string>(name: Name, help: string) => {
  return { name, kind: "string", argument: "path", help } as const;
};

export const signatureServer = defineCommand({
  name: "signature-server",
  path: "signature-server",
  summary: "sign enclaves for shims",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    {
      ...file("private-key", "private key, PEM"),
      default: "/etc/signature/pki/privatekey.pem",
    },
    { ...file("public-key", "its public key, PEM"), default: "/etc/signature/pki/publickey.pem" },
    file("sign-command", "signs in place of a private key's file: material in, signature out"),
    { name: "sign-argument", kind: "list", argument: "word", help: "a word for that command" },
    {
      name: "listen",
      kind: "string",
      argument: "host:port",
      help: "where to listen; without TLS 127.0.0.1:9080, with it 0.0.0.0:9080",
    },
    file("tls-certificate", "certificate with its chain, PEM; without one it speaks plain HTTP"),
    file("tls-key", "the certificate's private key, PEM"),
    file("client-ca", "who may have signed the certificate that every client must show, PEM"),
    { name: "insecure", kind: "flag", help: "allow others than this machine to ask without TLS" },
    { name: "any-material", kind: "flag", help: "sign anything, not only SIGSTRUCTs" },
    file("audit-log", "file for one line for each request to sign; standard output without it"),
    { name: "version", short: "v", kind: "flag", help: "print the version" },
  ],
});

export const signatureServerProse: CommandProse = {
  description:
    "Whoever signs an enclave decides its MRSIGNER, so the key is not on the nodes that build enclaves: their shims send what is to be signed here. docs/protocol/signature.md says what the two say to one another, and which limits hold; docs/how-to/signing.md how to set it up.\n\nThe key is RSA of 3072 bits with exponent 3, in PEM without a password, in a file that only its owner may read; or behind --sign-command, which gets the material on standard input and writes the signature to standard output, both as bytes. Every signature is verified before it leaves, and written to the audit log.\n\nWithout TLS it listens on this machine only. With --client-ca only clients with a certificate of that authority are served. SIGTERM and SIGINT end it when what it is signing is signed; the exit status is 0 then, and 1 when it could not start.",
  examples: [
    "openssl genrsa -3 -out /etc/signature/pki/privatekey.pem 3072",
    "signature-server --tls-certificate server.pem --tls-key server-key.pem --client-ca ca.pem",
  ],
};
