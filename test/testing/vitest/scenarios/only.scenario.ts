/** Run by a vitest of its own (`glue.test.ts`): which tests `only` leaves. */
import * as Effect from "effect/Effect"
import { describe, expect, it } from "rescind/testing/vitest"

const program = Effect.sleep(1)

describe("one of cancelEverywhere", () => {
  it.cancelEverywhere("first", program)
  it.cancelEverywhere.only("second", program)
})

describe("one of explore", () => {
  it.explore.only("first", program, { runs: 10 })
  it.explore("second", program, { runs: 10 })
})

describe("one of leakChecked", () => {
  it.leakChecked("first", () => program)
  it.leakChecked.only("second", () => Effect.void)
})

describe("one plain test", () => {
  it.only("first", () => expect(1).toBe(1))
  it.cancelEverywhere("second", program)
})
