/** Run by a vitest of its own (`glue.test.ts`): leaks, and tests whose time runs out. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Task, Nursery } from "rescind/fibers"
import { Gate } from "rescind/testing"
import { describe, expect, it } from "rescind/testing/vitest"

describe("leakChecked", () => {
  it.leakChecked("passes", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make("work")
        yield* Task.cancel(yield* nursery.spawn("page", Effect.never))
      })
    )
  )
  it.leakChecked("detaches", () =>
    Effect.asVoid(Effect.forkDetach(Effect.withSpan(Effect.never, "poll"), { startImmediately: true }))
  )
  it.leakChecked.fails("is expected to leak", () => Effect.asVoid(Effect.forkDetach(Effect.never)))
  it.leakChecked.each([1, 2])("case %s", (count) => Effect.sync(() => expect(count).toBeGreaterThan(0)))
  // Several, since handles are counted in the whole process, and one of vitest's own may end meanwhile.
  it.leakChecked.live("leaves timers", () =>
    Effect.sync(() => {
      for (let count = 0; count < 5; count++) setTimeout(() => {}, 60_000)
    })
  )
})

describe("time-outs", () => {
  it.leakChecked(
    "hangs",
    () =>
      Nursery.run("crawl", (nursery) =>
        Effect.gen(function* () {
          const gate = yield* Gate.make("page loaded")
          yield* nursery.spawn("page 1", gate.arrive)
          yield* nursery.spawn("page 2", Effect.never)
          yield* Effect.never
        })
      ),
    300
  )
  it.leakChecked.live("does not even stop", () => Effect.uninterruptible(Effect.sleep(1500)), 300)
})

class Db extends Context.Service<Db, { readonly name: string }>()("Db") {}

it.layer(Layer.succeed(Db, { name: "db" }))("a layer", (it) => {
  it.leakChecked("gives its services", () => Effect.map(Db, ({ name }) => expect(name).toBe("db")))
  it.cancelEverywhere("has checks", Effect.sleep(1))
  it.layer(Layer.empty)("inside another", (it) => {
    it.explore("has them too", Effect.sleep(1), { runs: 10 })
  })
})
