// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { indexMask, maximumIndex, parseIndexList } from "./index-list.ts";

test("ranges, single numbers and spaces", () => {
  expect(parseIndexList("0-3, 7,9 - 10")).toEqual([
    [0, 3],
    [7, 7],
    [9, 10],
  ]);
  expect(parseIndexList("")).toEqual([]);
});

test.each(["3-1", "a", "1-", "-1", "1--2", "0x1", `0-${maximumIndex + 1}`, "1;2"])(
  "%p is no list",
  (text) => {
    expect(parseIndexList(text)).toBeUndefined();
  },
);

test("a mask is of whole words, the lowest number in the lowest bit", () => {
  expect([...indexMask("0,2,9")]).toEqual([5, 2, 0, 0, 0, 0, 0, 0]);
  expect([...indexMask("64")]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  expect(indexMask("")).toHaveLength(0);
  expect(indexMask(`${maximumIndex}`)).toHaveLength(1024);
});
