// SPDX-License-Identifier: Apache-2.0
// A key-value service over HTTP whose data are in a protected directory:
//
//   GET, PUT, DELETE /kv/NAME     NAME of letters, digits, '.', '_' and '-', at most 100
//   GET /attestation/NONCE        a quote whose report data begin with the nonce, 64 hexadecimal digits
//   GET /identity                 MRENCLAVE in hexadecimal
import {
  fd_close,
  fd_read,
  fd_write,
  identity,
  path_open,
  path_unlink_file,
  proc_exit,
  quote,
  sock_accept,
} from "./enclave";

// The manifest's first directory and its listening socket.
const DATA: i32 = 3;
const LISTENER: i32 = 4;

const LARGEST_REQUEST: i32 = 65536;
const LARGEST_QUOTE: i32 = 32768;
const CREATE: i32 = 1;
const TRUNCATE: i32 = 8;
const READ: u64 = 2;
const WRITE: u64 = 64;
const NO_ENTRY: i32 = 44;

const number = memory.data(8);
const iovec = memory.data(8);

function readFrom(fd: i32, at: usize, size: i32): i32 {
  store<u32>(iovec, <u32>at);
  store<u32>(iovec, size, 4);
  return fd_read(fd, iovec, 1, number) == 0 ? load<i32>(number) : -1;
}

function writeAll(fd: i32, at: usize, size: i32): bool {
  while (size > 0) {
    store<u32>(iovec, <u32>at);
    store<u32>(iovec, size, 4);
    if (fd_write(fd, iovec, 1, number) != 0) return false;
    const written = load<i32>(number);
    if (written == 0) return false;
    at += written;
    size -= written;
  }
  return true;
}

function respond(fd: i32, status: string, body: Uint8Array): void {
  const head = String.UTF8.encode(
    "HTTP/1.1 " +
      status +
      "\r\nContent-Length: " +
      body.length.toString() +
      "\r\nConnection: close\r\n\r\n",
  );
  if (writeAll(fd, changetype<usize>(head), head.byteLength))
    writeAll(fd, body.dataStart, body.length);
}

function text(value: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(value));
}

/** A request that is whole: its head, and as many bytes behind it as it says. */
function readRequest(fd: i32): Uint8Array | null {
  const buffer = new Uint8Array(LARGEST_REQUEST);
  let size = 0;
  while (size < LARGEST_REQUEST) {
    const got = readFrom(fd, buffer.dataStart + size, LARGEST_REQUEST - size);
    if (got <= 0) return null;
    size += got;
    const end = headEnd(buffer, size);
    if (end >= 0 && size >= end + contentLength(headOf(buffer, end))) return buffer.slice(0, size);
  }
  return null;
}

function headEnd(buffer: Uint8Array, size: i32): i32 {
  for (let i = 3; i < size; i++) {
    if (buffer[i - 3] == 13 && buffer[i - 2] == 10 && buffer[i - 1] == 13 && buffer[i] == 10)
      return i + 1;
  }
  return -1;
}

function headOf(buffer: Uint8Array, end: i32): string {
  return String.UTF8.decodeUnsafe(buffer.dataStart, end);
}

function contentLength(head: string): i32 {
  const at = head.toLowerCase().indexOf("\r\ncontent-length:");
  if (at < 0) return 0;
  const from = at + 17;
  const value = I32.parseInt(head.substring(from, head.indexOf("\r\n", from)).trim());
  return value < 0 || value > LARGEST_REQUEST ? LARGEST_REQUEST : value;
}

function isName(name: string): bool {
  if (name.length == 0 || name.length > 100 || name == "." || name == "..") return false;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    const letter = (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57);
    if (!letter && c != 46 && c != 95 && c != 45) return false;
  }
  return true;
}

function open(name: ArrayBuffer, oflags: i32, rights: u64): i32 {
  const error = path_open(
    DATA,
    0,
    changetype<usize>(name),
    name.byteLength,
    oflags,
    rights,
    0,
    0,
    number,
  );
  return error == 0 ? load<i32>(number) : -error;
}

function getValue(fd: i32, name: ArrayBuffer): void {
  const file = open(name, 0, READ);
  if (file < 0) {
    respond(fd, file == -NO_ENTRY ? "404 Not Found" : "500 Internal Server Error", text(""));
    return;
  }
  const value = new Uint8Array(LARGEST_REQUEST);
  const size = readFrom(file, value.dataStart, value.length);
  fd_close(file);
  respond(fd, size < 0 ? "500 Internal Server Error" : "200 OK", value.slice(0, max(size, 0)));
}

function putValue(fd: i32, name: ArrayBuffer, value: Uint8Array): void {
  const file = open(name, CREATE | TRUNCATE, WRITE);
  let ok = file >= 0 && writeAll(file, value.dataStart, value.length);
  // A protected file is written when it is closed: that says whether it is kept.
  if (file >= 0) ok = fd_close(file) == 0 && ok;
  respond(fd, ok ? "204 No Content" : "500 Internal Server Error", text(""));
}

function hexDigit(c: i32): i32 {
  if (c >= 48 && c <= 57) return c - 48;
  if (c >= 97 && c <= 102) return c - 87;
  return -1;
}

function attest(fd: i32, nonce: string): void {
  const data = new Uint8Array(64);
  let ok = nonce.length == 64;
  for (let i = 0; ok && i < 32; i++) {
    const high = hexDigit(nonce.charCodeAt(2 * i));
    const low = hexDigit(nonce.charCodeAt(2 * i + 1));
    ok = high >= 0 && low >= 0;
    data[i] = <u8>((high << 4) | low);
  }
  if (!ok) {
    respond(fd, "400 Bad Request", text("a nonce of 64 hexadecimal digits is wanted\n"));
    return;
  }
  const out = new Uint8Array(LARGEST_QUOTE);
  const error = quote(data.dataStart, out.dataStart, out.length, number);
  if (error == 0) respond(fd, "200 OK", out.slice(0, load<i32>(number)));
  else respond(fd, "503 Service Unavailable", text("no quote: errno " + error.toString() + "\n"));
}

function showIdentity(fd: i32): void {
  const digits = "0123456789abcdef";
  const out = new Uint8Array(96);
  identity(out.dataStart);
  let hex = "";
  for (let i = 0; i < 32; i++) hex += digits.charAt(out[i] >> 4) + digits.charAt(out[i] & 15);
  respond(fd, "200 OK", text(hex + "\n"));
}

function answer(fd: i32, request: Uint8Array): void {
  const end = headEnd(request, request.length);
  const head = headOf(request, end);
  const line = head.substring(0, head.indexOf("\r\n")).split(" ");
  const method = line[0];
  const target = line.length == 3 ? line[1] : "";
  const name = target.substring(4);
  if (method == "GET" && target.startsWith("/attestation/")) attest(fd, target.substring(13));
  else if (method == "GET" && target == "/identity") showIdentity(fd);
  else if (!target.startsWith("/kv/") || !isName(name)) respond(fd, "404 Not Found", text(""));
  else if (method == "GET") getValue(fd, String.UTF8.encode(name));
  else if (method == "PUT") putValue(fd, String.UTF8.encode(name), request.subarray(end));
  else if (method == "DELETE") {
    const path = String.UTF8.encode(name);
    const error = path_unlink_file(DATA, changetype<usize>(path), path.byteLength);
    respond(fd, error == 0 ? "204 No Content" : "404 Not Found", text(""));
  } else respond(fd, "405 Method Not Allowed", text(""));
}

/** What AssemblyScript calls where a check of its own fails. */
export function stop(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = String.UTF8.encode("service: " + (message === null ? "failed" : message) + "\n");
  writeAll(2, changetype<usize>(what), what.byteLength);
  proc_exit(134);
}

while (sock_accept(LISTENER, 0, number) == 0) {
  const fd = load<i32>(number);
  const request = readRequest(fd);
  if (request !== null) answer(fd, request);
  else respond(fd, "400 Bad Request", text(""));
  fd_close(fd);
}
proc_exit(1);
