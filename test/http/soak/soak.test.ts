import { describe, expect, it } from "@effect/vitest"
import { soak } from "./soak.ts"

describe("soak over HTTP", () => {
  it("loses no terminal event and announces every gap, with stalled readers, cancels and reconnects, in real time", async () => {
    const { counts, failures } = await soak({ seconds: 4, subscribers: 200, tasks: 20, seed: 1 + (process.pid % 1000) })
    expect(failures).toEqual([])
    // It was under load, and all that it is about happened; in so short a time few tasks come to their own end.
    expect(
      Object.entries(counts).filter(
        ([name, count]) => count === 0 && !/cuts|resyncs|dropped|forgotten|completed/.test(name)
      )
    ).toEqual([])
  })
})
