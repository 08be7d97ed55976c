/** Each subject under many interleavings, cancelled in each run at another point. */
import { describe, expect, it } from "@effect/vitest"
import { Explore } from "rescind/testing"
import { allSubjects, late, soak } from "./allSubjects.ts"

describe.each(allSubjects)("$file: $name", ({ allow, explore, invariant, program }) => {
  it("holds under every interleaving that was tried", () => {
    expect(
      Explore.check(program, {
        runs: 300 * soak,
        cancel: true,
        seed: soak,
        allow: [...(allow ?? []), late],
        invariant,
        ...explore
      }).runs
    ).toBeGreaterThan(1)
  })
})
