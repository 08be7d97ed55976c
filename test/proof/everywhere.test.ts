/** Each subject, cancelled at every point: at once, a second time at every later point, and with patience. */
import { describe, expect, it } from "@effect/vitest"
import { CancelEverywhere } from "rescind/testing"
import { allSubjects, late, soak } from "./allSubjects.ts"

/** Both bounds fall into what the subjects do, which takes them some ten virtual milliseconds. */
const patient = [{ grace: "3 millis" }, { grace: "2 millis", giveUp: "4 millis" }] as const

describe.each(allSubjects)("$file: $name", ({ allow, again, everywhere, invariant, policies, program }) => {
  it("holds under a cancel at every point", () => {
    expect(
      CancelEverywhere.check(program, { maxRuns: 1_000 * soak, allow, invariant, ...everywhere }).runs
    ).toBeGreaterThan(1)
  })

  it.runIf(again !== false)("holds under a second cancel at every later point", () => {
    expect(
      CancelEverywhere.check(program, {
        maxRuns: 400 * soak,
        allow: [...(allow ?? []), late],
        invariant,
        ...everywhere,
        again: true
      }).runs
    ).toBeGreaterThan(1)
  })

  it.for(policies ?? patient)("holds under a patient cancel: %o", (policy) => {
    expect(
      CancelEverywhere.check(program, {
        maxRuns: 150 * soak,
        allow,
        invariant,
        ...everywhere,
        within: undefined,
        ...policy
      }).runs
    ).toBeGreaterThan(1)
  })
})
