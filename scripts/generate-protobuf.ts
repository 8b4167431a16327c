// SPDX-License-Identifier: Apache-2.0
/**
 * Makes the `*.gen.ts` files from the .proto files: for each message a TypeScript type and the table that
 * src/protobuf/codec.ts follows. `buf` reads the .proto files and checks them.
 */
import { basename, join, relative, resolve } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  type ServiceDescriptorProto,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

const root = resolve(import.meta.dir, "..");
const modules = join(root, "node_modules");

/** Folders of .proto files, each a set of its own. */
const folders = ["src/ttrpc/proto", "src/shim/proto", "tests/cri/proto"];
const wellKnown = "src/protobuf/well-known.gen.ts";
const wellKnownMessages = new Set(["Any", "Empty", "Timestamp"]);

export type GeneratedFile = { readonly path: string; readonly text: string };

/** All generated files as they should be; paths from the repository's root. */
export async function generateProtobuf(): Promise<GeneratedFile[]> {
  const sets = await Promise.all(folders.map(readFolder));
  const texts = new Map<string, string>();
  for (const [index, files] of sets.entries()) {
    for (const file of files) {
      if (isWellKnown(file)) continue;
      texts.set(pathOf(file, index), emitFile(file, files, index));
    }
  }
  texts.set(wellKnown, emitWellKnown(sets.flat().filter(isWellKnown)));
  return Promise.all(
    [...texts].map(async ([path, text]) => ({ path, text: await format(path, text) })),
  );
}

/** Those that are not what their .proto file makes. */
export async function staleProtobuf(): Promise<GeneratedFile[]> {
  const stale: GeneratedFile[] = [];
  for (const file of await generateProtobuf()) {
    const present = Bun.file(join(root, file.path));
    if (!(await present.exists()) || (await present.text()) !== file.text) stale.push(file);
  }
  return stale;
}

async function readFolder(folder: string): Promise<FileDescriptorProto[]> {
  const buf = join(modules, "@bufbuild/buf-linux-x64/bin/buf");
  const bytes = await output([buf, "build", join(root, folder), "-o", "-"], "");
  return fromBinary(FileDescriptorSetSchema, bytes).file;
}

function isWellKnown({ name }: FileDescriptorProto): boolean {
  return name.startsWith("google/protobuf/");
}

function pathOf({ name }: FileDescriptorProto, folder: number): string {
  return `${folders[folder]}/${basename(name, ".proto")}.gen.ts`;
}

function emitFile(
  file: FileDescriptorProto,
  all: readonly FileDescriptorProto[],
  folder: number,
): string {
  const path = pathOf(file, folder);
  const own = new Set(file.messageType.map((message) => `.${file.package}.${message.name}`));
  const uses = (names: readonly string[]) => names.filter((name) => !own.has(name));
  const body = [
    ...file.enumType.map(emitEnum),
    ...inOrder(file).map(emitMessage),
    ...file.service.map((service) => emitService(file.package, service)),
  ].join("\n\n");
  const imported = new Map<string, Set<string>>();
  for (const name of uses([...typeNames(file)])) {
    const home = all.find(({ package: prefix, messageType }) =>
      messageType.some((message) => `.${prefix}.${message.name}` === name),
    );
    if (home === undefined) throw new Error(`${file.name}: no message ${name}`);
    const target = isWellKnown(home) ? wellKnown : pathOf(home, folder);
    const names = imported.get(target) ?? new Set();
    imported.set(target, names.add(short(name)));
  }
  const schemaPath = moduleFrom(path, "src/protobuf/schema.ts");
  const imports = [...imported].map(
    ([target, names]) =>
      `import { ${[...names].sort().join(", ")} } from "${moduleFrom(path, target)}";`,
  );
  const service = file.service.length > 0 ? ", type ServiceType" : "";
  const schema = `import { type Schema, schema${service} } from "${schemaPath}";`;
  return `${header(file.name)}\n${imports.sort().join("\n")}\n${schema}\n\n${body}\n`;
}

function emitWellKnown(files: readonly FileDescriptorProto[]): string {
  const messages = new Map(
    files.flatMap((file) => file.messageType.map((message) => [message.name, { file, message }])),
  );
  const wanted = [...messages.values()].filter(({ message }) =>
    wellKnownMessages.has(message.name),
  );
  const body = wanted
    .map(({ file, message }) => emitMessage({ name: `.${file.package}.${message.name}`, message }))
    .sort();
  return `${header("google/protobuf")}\nimport { type Schema, schema } from "./schema.ts";\n\n${body.join("\n\n")}\n`;
}

function header(source: string): string {
  return `// SPDX-License-Identifier: Apache-2.0\n/** Made from ${source} by \`npm run format\`. Change that instead. */`;
}

type Message = { readonly name: string; readonly message: DescriptorProto };

/** Each behind those it holds: a table names them as values. */
function inOrder(file: FileDescriptorProto): Message[] {
  const waiting = new Map(
    file.messageType.map((message) => [`.${file.package}.${message.name}`, message]),
  );
  const done: Message[] = [];
  const visit = (name: string): void => {
    const message = waiting.get(name);
    if (message === undefined) return;
    waiting.delete(name);
    for (const field of message.field) visit(field.typeName);
    done.push({ name, message });
  };
  for (const name of [...waiting.keys()]) visit(name);
  return done;
}

function typeNames(file: FileDescriptorProto): Set<string> {
  const fields = file.messageType.flatMap(({ field }) => field);
  const held = fields.filter((field) => field.type === Type.MESSAGE && !isMap(field));
  const methods = file.service.flatMap(({ method }) => method);
  const named = methods.flatMap(({ inputType, outputType }) => [inputType, outputType]);
  return new Set([...held.map(({ typeName }) => typeName), ...named]);
}

function emitEnum({ name, value }: EnumDescriptorProto): string {
  const members = value.map((member) => `${member.name}: ${member.number}`).join(", ");
  return `export const ${name} = { ${members} } as const;`;
}

function emitMessage({ name, message }: Message): string {
  const types = message.field.map((field) => `readonly ${field.jsonName}: ${typeOf(field)};`);
  const table = message.field.map((field) => `${field.jsonName}: [${entryOf(field)}]`);
  const type = types.length === 0 ? "Readonly<Record<string, never>>" : `{ ${types.join(" ")} }`;
  return (
    `export type ${message.name} = ${type};\n` +
    `export const ${message.name}: Schema<${message.name}> = schema("${name.slice(1)}", { ${table.join(", ")} });`
  );
}

function emitService(prefix: string, { name, method }: ServiceDescriptorProto): string {
  const methods = method.map(
    ({ name, inputType, outputType, clientStreaming, serverStreaming }) => {
      const sides = clientStreaming ? (serverStreaming ? "both" : "client") : "server";
      const streams = clientStreaming || serverStreaming ? `, streams: "${sides}"` : "";
      return `${name}: { request: ${short(inputType)}, response: ${short(outputType)}${streams} }`;
    },
  );
  const body = `{ typeName: "${prefix}.${name}", methods: { ${methods.join(", ")} } }`;
  return `export const ${name} = ${body} as const satisfies ServiceType;`;
}

const scalars = new Map<Type, { readonly kind: string; readonly type: string }>([
  [Type.STRING, { kind: "string", type: "string" }],
  [Type.BYTES, { kind: "bytes", type: "Uint8Array" }],
  [Type.BOOL, { kind: "bool", type: "boolean" }],
  [Type.UINT32, { kind: "uint32", type: "number" }],
  [Type.INT32, { kind: "int32", type: "number" }],
  [Type.UINT64, { kind: "uint64", type: "bigint" }],
  [Type.INT64, { kind: "int64", type: "bigint" }],
  [Type.ENUM, { kind: "enum", type: "number" }],
]);

function typeOf(field: FieldDescriptorProto): string {
  if (isMap(field)) return "ReadonlyMap<string, string>";
  const type = field.type === Type.MESSAGE ? short(field.typeName) : scalarOf(field).type;
  if (field.label === Label.REPEATED) return `readonly ${type}[]`;
  return field.type === Type.MESSAGE ? `${type} | undefined` : type;
}

function entryOf(field: FieldDescriptorProto): string {
  if (isMap(field)) return `${field.number}, "string", "map"`;
  const kind =
    field.type === Type.MESSAGE ? short(field.typeName) : JSON.stringify(scalarOf(field).kind);
  return `${field.number}, ${kind}${field.label === Label.REPEATED ? ', "list"' : ""}`;
}

function scalarOf({ name, type }: FieldDescriptorProto): { kind: string; type: string } {
  const found = scalars.get(type);
  if (found === undefined) throw new Error(`field ${name}: type ${type} is not in the codec`);
  return found;
}

/** Our maps are from strings to strings. To protoc each is a message inside its own, `NameEntry`. */
function isMap({ typeName, label }: FieldDescriptorProto): boolean {
  return label === Label.REPEATED && /\.[A-Z]\w*\.\w+Entry$/.test(typeName);
}

function short(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

function moduleFrom(path: string, target: string): string {
  const module = relative(join(path, ".."), target);
  return module.startsWith(".") ? module : `./${module}`;
}

async function format(path: string, text: string): Promise<string> {
  const binary = join(modules, "@biomejs/cli-linux-x64/biome");
  const mend = ["check", "--write", "--colors=off", `--stdin-file-path=${path}`];
  const bytes = await output([binary, ...mend], text);
  return new TextDecoder().decode(bytes);
}

async function output(command: string[], input: string): Promise<Uint8Array> {
  const stdin = new TextEncoder().encode(input);
  const child = Bun.spawn(command, { cwd: root, stdin, stdout: "pipe", stderr: "pipe" });
  const [bytes, errors] = await Promise.all([child.stdout.bytes(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${errors}`);
  return bytes;
}
