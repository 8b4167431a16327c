// SPDX-License-Identifier: Apache-2.0
/**
 * The fields of Kubernetes' objects that packaging/kubernetes/ uses, from the API's reference: kubectl without a
 * server does not look at them, and a server drops those it does not know.
 */

type Scalar = "string" | "integer" | "boolean" | "quantity" | "strings";

/** A field's form: a kind of scalar, the fields of an object, or one form in a list for each of its items. */
export type Form = Scalar | readonly [Form] | Fields;
export type Fields = { readonly [name: string]: Form };

const metadata: Fields = { name: "string", namespace: "string", labels: "strings" };
const selector: Fields = { matchLabels: "strings" };
const port = "string"; // of a container, by its name

const securityContext: Fields = {
  privileged: "boolean",
  allowPrivilegeEscalation: "boolean",
  readOnlyRootFilesystem: "boolean",
  capabilities: { drop: ["string"] },
};
const quantities: Fields = { cpu: "quantity", memory: "quantity" };
const container: Fields = {
  name: "string",
  image: "string",
  imagePullPolicy: "string",
  command: ["string"],
  workingDir: "string",
  env: [{ name: "string", value: "string" }],
  ports: [{ name: "string", containerPort: "integer" }],
  readinessProbe: {
    httpGet: { path: "string", port },
    tcpSocket: { port },
    initialDelaySeconds: "integer",
    periodSeconds: "integer",
  },
  resources: { requests: quantities, limits: quantities },
  securityContext,
  volumeMounts: [{ name: "string", mountPath: "string" }],
};
const podSpec: Fields = {
  runtimeClassName: "string",
  restartPolicy: "string",
  nodeSelector: "strings",
  tolerations: [{ operator: "string" }],
  hostPID: "boolean",
  automountServiceAccountToken: "boolean",
  priorityClassName: "string",
  initContainers: [container],
  containers: [container],
  volumes: [{ name: "string", hostPath: { path: "string", type: "string" } }],
};

/** By apiVersion and kind. */
export const objects: Readonly<Record<string, Fields>> = {
  "node.k8s.io/v1 RuntimeClass": {
    metadata,
    handler: "string",
    overhead: { podFixed: quantities },
    scheduling: { nodeSelector: "strings" },
  },
  "v1 Pod": { metadata, spec: podSpec },
  "v1 Service": {
    metadata,
    spec: { selector: "strings", ports: [{ name: "string", port: "integer", targetPort: port }] },
  },
  "apps/v1 DaemonSet": {
    metadata,
    spec: {
      selector,
      updateStrategy: { type: "string", rollingUpdate: { maxUnavailable: "integer" } },
      template: { metadata, spec: podSpec },
    },
  },
};

/** What is not as the form says, each with its path. */
export function faults(value: unknown, form: Form, path = ""): string[] {
  if (isList(form)) {
    if (!Array.isArray(value)) return [`${path}: no list`];
    return value.flatMap((item, index) => faults(item, form[0], `${path}[${index}]`));
  }
  if (typeof form === "object") {
    if (!isObject(value)) return [`${path}: no object`];
    return Object.entries(value).flatMap(([name, item]) => {
      const known = Object.hasOwn(form, name) ? form[name] : undefined;
      return known === undefined
        ? [`${path}.${name}: unknown`]
        : faults(item, known, `${path}.${name}`);
    });
  }
  return isScalar(value, form) ? [] : [`${path}: no ${form}: ${JSON.stringify(value)}`];
}

function isScalar(value: unknown, form: Scalar): boolean {
  switch (form) {
    case "string":
      return typeof value === "string" && value !== "";
    case "integer":
      return Number.isInteger(value);
    case "boolean":
      return typeof value === "boolean";
    case "quantity":
      return typeof value === "string" && /^[1-9][0-9]*(m|Ki|Mi|Gi)?$/.test(value);
    case "strings":
      return isObject(value) && Object.values(value).every((item) => typeof item === "string");
    default:
      return form satisfies never;
  }
}

function isList(form: Form): form is readonly [Form] {
  return Array.isArray(form);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
