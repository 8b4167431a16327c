// SPDX-License-Identifier: Apache-2.0
/** The command line of `signature-server`, as data. */
import { defineCommand } from "../options/option.ts";

const file = <const Name extends string>(name: Name, help: string) => {
  return { name, kind: "string", argument: "path", help } as const;
};

export const signatureServer = defineCommand({
  name: "signature-server",
  path: "signature-server",
  summary: "sign enclaves for shims: docs/protocol/signature.md",
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
