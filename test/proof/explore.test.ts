/** Each subject under many interleavings, cancelled in each run at another point. */
import { describe, expect, it } from "@effect/vitest"
import { Explore } from "rescind/testing"
import { allSubjects, soak } from "./allSubjects.ts"

describe.each(allSubjects)("$file: $name", ({ explore, program }) => {
  it("holds under every interleaving that was tried", () => {
    expect(Explore.check(program, { runs: 300 * soak, cancel: true, seed: soak, ...explore }).runs).toBeGreaterThan(1)
  })
})
