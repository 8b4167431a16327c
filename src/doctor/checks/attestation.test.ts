// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { type ErrorCode, RuneError } from "../../errors/error.ts";
import { S_IFCHR, S_IFREG } from "../../kernel/constants.ts";
import { look, machine, withFiles } from "../testing.ts";
import { attestationAesm } from "./attestation-aesm.ts";
import { attestationCollateral } from "./attestation-collateral.ts";
import { attestationPolicy } from "./attestation-policy.ts";
import { attestationProvision } from "./attestation-provision.ts";

const socket = "/var/run/aesmd/aesm.socket";
const fault = (code: ErrorCode, reason: string) => new RuneError({ code, doing: "ask", reason });

test("AESM: answers, no socket, no socket but a file, dead, silent, refusing", async () => {
  expect(await look(attestationAesm, machine())).toEqual({
    status: "ok",
    reason: `\`${socket}\` answers: extended EPID group 0`,
  });
  expect(await look(attestationAesm, machine({ modes: {} }))).toMatchObject({ status: "missing" });
  const file = withFiles({}, { [socket]: S_IFREG | 0o644 });
  expect((await look(attestationAesm, file)).reason).toContain("is no socket");
  const answers = async (code: ErrorCode, reason: string) =>
    (await look(attestationAesm, machine({ aesm: fault(code, reason) }))).reason;
  expect(await answers("AESM_UNREACHABLE", "nobody listens on it")).toBe(
    `\`${socket}\` is dead: nobody listens on it`,
  );
  expect(await answers("AESM_PROTOCOL", "no reply within 2 s")).toContain("listened to, but");
  expect(await answers("AESM_REFUSED", "busy")).toBe(`\`${socket}\`: busy`);
});

test("a name of the abstract namespace is no file", async () => {
  const abstract = { aesmSocket: "@sgx_aesm_socket_base" };
  expect((await look(attestationAesm, machine({ modes: {} }), abstract)).status).toBe("ok");
});

test("the provisioning device: none, good, open to all", async () => {
  expect((await look(attestationProvision, machine())).status).toBe("ok");
  expect((await look(attestationProvision, machine({ modes: {} }))).status).toBe("missing");
  const open = machine({ modes: { "/dev/sgx_provision": S_IFCHR | 0o666 } });
  expect(await look(attestationProvision, open)).toMatchObject({
    status: "broken",
    mend: "chgrp sgx_prv /dev/sgx_provision && chmod 0660 /dev/sgx_provision",
  });
});

const pccs = '[attestation]\ncollateral = "https://pccs.example:8081"\n';

test("collateral: nothing goes out unless asked", async () => {
  const unreachable = fault("ATTEST_COLLATERAL", "connection refused");
  const network = { network: true };
  const http = (of: number | RuneError) => machine({ config: pccs, http: of });
  expect((await look(attestationCollateral, machine())).status).toBe("ok");
  expect(await look(attestationCollateral, http(unreachable))).toMatchObject({
    status: "unknown",
    mend: "rune doctor --network attestation asks it",
  });
  expect((await look(attestationCollateral, http(200), network)).status).toBe("ok");
  expect(await look(attestationCollateral, http(502), network)).toMatchObject({
    status: "broken",
    reason: expect.stringContaining("rootcacrl` answers with status 502"),
  });
  expect(await look(attestationCollateral, http(unreachable), network)).toMatchObject({
    status: "broken",
    reason: "`https://pccs.example:8081` cannot be reached: connection refused",
  });
});

test("collateral and policy in files", async () => {
  const config = '[attestation]\ncollateral = "/srv/c.json"\npolicy = "/srv/p.toml"\n';
  const files = { "/srv/c.json": "{}", "/srv/p.toml": "" };
  for (const check of [attestationCollateral, attestationPolicy]) {
    expect((await look(check, withFiles(files, {}, { config }))).status).toBe("ok");
    expect((await look(check, machine({ config }))).status).toBe("missing");
  }
  expect((await look(attestationPolicy, machine())).status).toBe("ok");
});
