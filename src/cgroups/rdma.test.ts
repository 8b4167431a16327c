// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { applied, empty } from "./testing.ts";

test("a line for each device, with what is named", () => {
  const rdma = {
    mlx5_0: { hcaHandles: 3, hcaObjects: 10_000 },
    mlx4_0: { hcaObjects: 0 },
    rxe3: {},
  };
  for (const version of [1, 2] as const) {
    expect(applied(version, { rdma }, empty("rdma.max"))).toEqual([
      "rdma.max mlx5_0 hca_handle=3 hca_object=10000",
      "rdma.max mlx4_0 hca_object=0",
    ]);
    expect(applied(version, { rdma: { rxe3: {} } }, {})).toEqual([]);
    expect(() => applied(version, { rdma }, {})).toThrow("rdma.max");
  }
});
