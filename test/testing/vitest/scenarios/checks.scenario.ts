/** Run by a vitest of its own (`glue.test.ts`): what passes, what fails, and how that reads. */
import * as Effect from "effect/Effect"
import { Laws, Ledger } from "rescind/testing"
import { describe, expect, it, makeMethods, test } from "rescind/testing/vitest"

const { resource, opened, closed } = Ledger

const leaky = Effect.gen(function* () {
  const file = yield* opened("file")
  yield* Effect.sleep(10)
  yield* closed(file)
})
const careful = Effect.scoped(Effect.andThen(resource("file"), Effect.sleep(10)))

const twoClosers = Effect.gen(function* () {
  const db = yield* opened("db")
  const closer = Effect.suspend(() => (db.released > 0 ? Effect.void : Effect.andThen(Effect.yieldNow, closed(db))))
  yield* Effect.all([Effect.andThen(Effect.yieldNow, closer), closer], { concurrency: "unbounded" })
})

describe("cancelEverywhere", () => {
  it.cancelEverywhere("passes", careful)
  it.cancelEverywhere("fails", leaky)
  it.cancelEverywhere("is allowed", leaky, { allow: ["not-released"], timeout: 7000 })
  it.cancelEverywhere("a function makes each", () => careful, 7000)
  it.cancelEverywhere.skip("is skipped", leaky)
  it.cancelEverywhere.fails("is expected to fail", leaky)
  it.cancelEverywhere.skipIf(true)("is skipped if", leaky)
  it.cancelEverywhere.runIf(false)("does not run if", leaky)
  it.cancelEverywhere.each([{ millis: 1 }, { millis: 2 }])("sleeps $millis ms", ({ millis }) => Effect.sleep(millis))
  it.cancelEverywhere("has a bad option", careful, { maxRuns: 0 })
})

describe("explore", () => {
  it.explore("passes", careful, { runs: 50 })
  it.explore("fails", twoClosers)
})

const withFixtures = makeMethods(test.extend("file", { scope: "file" }, () => "file").extend("millis", () => 5))

describe("fixtures", () => {
  withFixtures.cancelEverywhere("are given to the program", ({ file, millis }) =>
    Effect.scoped(Effect.andThen(resource(file), Effect.sleep(millis)))
  )
  withFixtures.explore.each([1, 2])("beside the case %s", (_, { file, millis }) => {
    expect([file, millis]).toEqual(["file", 5])
    return resource(file)
  })
  withFixtures.cancelEverywhere("are not for an effect", careful)
  withFixtures.leakChecked("are given under a leak check", ({ millis }) => Effect.sync(() => expect(millis).toBe(5)))
  withFixtures("and to a plain test", ({ millis }) => expect(millis).toBe(5))
})

it.laws("a subject", [
  { name: "a law that holds", check: () => {} },
  {
    name: "a law that is broken",
    check: () => {
      throw new Error("broken by the subject")
    }
  }
])

it.laws("laws of the kit:", Laws.resource(resource("file")))
