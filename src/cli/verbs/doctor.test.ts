// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { topics } from "../../doctor/check.ts";
import { doctorTopics, parseDoctor } from "./doctor.ts";

test("the line's topics are the checks'", () => {
  expect(doctorTopics).toEqual(topics);
});

test("a topic, or all; anything else is refused by name", () => {
  expect(parseDoctor([])).toEqual({ verb: "doctor", json: false, network: false });
  expect(parseDoctor(["--json", "--pal", "/x.so", "sgx"])).toEqual({
    verb: "doctor",
    json: true,
    network: false,
    topic: "sgx",
    pal: "/x.so",
  });
  expect(() => parseDoctor(["moby"])).toThrow("unknown topic `moby`");
});
