import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as FirstWins from "../../src/combinators/FirstWins.ts"
import * as Join from "../../src/combinators/Join.ts"
import * as Task from "../../src/fibers/Task.ts"
import { leakChecked } from "../support/leaks.ts"
import { started } from "./telling.ts"

const branch = { a: Effect.void }
const bad = "two weeks ago" as never

describe("a duration that cannot be meant", () => {
  const cases: Record<string, readonly [string, Effect.Effect<unknown, unknown>]> = {
    "the limit of a join": ["limit", Join.within(branch, bad)],
    "the time of each member": ["each", Join.all(branch, { each: NaN })],
    "the text of a patience": ["giveUp", Join.all(branch, { giveUp: bad })],
    "the limit of a deadline": ["limit", Deadline.run(Effect.void, bad)],
    "the time of all hooks": ["undoWithin", FirstWins.run("m", () => branch, { undoWithin: NaN })],
    "the time of one hook": [
      "within",
      FirstWins.run("m", (visit) => ({ a: visit.compensate(Effect.void, { within: NaN }) }))
    ],
    "the time of a commit": [
      "within",
      Effect.scoped(Effect.flatMap(started(Task.commit(Effect.void, { within: NaN })), (task) => Task.join(task)))
    ]
  }
  for (const [what, [field, effect]] of Object.entries(cases)) {
    it.effect(`${what}: a defect that names it (K33)`, () =>
      leakChecked(
        Effect.gen(function* () {
          const defect = yield* Effect.flip(Effect.catchDefect(effect, (error) => Effect.fail(error)))
          expect(String(defect)).toContain(`InvalidDuration: ${field} must be a duration`)
        })
      )
    )
  }
})
