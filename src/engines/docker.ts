// SPDX-License-Identifier: Apache-2.0
/** dockerd's /etc/docker/daemon.json: `runtimes` by name. */
import type { EngineFile } from "./engine.ts";
import { engineFault, parseJson } from "./json-document.ts";
import { removeMember, setMember } from "./json-edit.ts";

const path = "/etc/docker/daemon.json";

export const docker: EngineFile = {
  engine: "docker",
  path,
  label: "dockerd",
  add: (text, { name, path: program }) => {
    const document = text.trim() === "" ? "{}\n" : text;
    const { runtimes } = objectOf(document);
    const now = isObject(runtimes) ? runtimes[name] : undefined;
    if (isObject(now) && now["path"] === program) return text;
    const entry = { ...(isObject(now) ? now : {}), path: program };
    return setMember(document, path, ["runtimes", name], entry);
  },
  remove: (text, name) => {
    if (text.trim() === "") return undefined;
    const document = objectOf(text);
    const { runtimes } = document;
    if (!isObject(runtimes) || !(name in runtimes)) return undefined;
    if (document["default-runtime"] === name) {
      throw engineFault(
        path,
        `\`default-runtime\` is \`${name}\`: without the runtime dockerd would not start`,
        "name another default runtime first, `runc` for one",
      );
    }
    const alone = Object.keys(runtimes).length === 1;
    return removeMember(text, path, alone ? ["runtimes"] : ["runtimes", name]);
  },
  isEmpty: (text) => text.trim() === "" || Object.keys(objectOf(text)).length === 0,
  restart: {
    systemd: "systemctl reload docker",
    otherwise: "kill -HUP $(cat /var/run/docker.pid)",
  },
};

export type DockerRuntime = {
  readonly path: string | undefined;
  readonly type: string | undefined;
};

/** A runtime of daemon.json; undefined where it is not there. @throws RuneError ENGINE_CONFIG */
export function dockerRuntime(text: string, name: string): DockerRuntime | undefined {
  if (text.trim() === "") return undefined;
  const { runtimes } = objectOf(text);
  const found = isObject(runtimes) ? runtimes[name] : undefined;
  if (found === undefined) return undefined;
  if (!isObject(found)) throw engineFault(path, `\`runtimes.${name}\`: expected an object`);
  return { path: textOf(found["path"]), type: textOf(found["runtimeType"]) };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  const { value } = parseJson(text, path);
  if (!isObject(value)) throw engineFault(path, "expected an object");
  const { runtimes } = value;
  if (runtimes === undefined || isObject(runtimes)) return value;
  throw engineFault(path, "`runtimes`: expected an object");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
