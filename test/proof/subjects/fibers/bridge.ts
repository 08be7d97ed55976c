/** Foreign callbacks, as far as they call back in virtual time: no value is lost, and nothing is called twice. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import { Bridge, CancelReason, Nursery, Stragglers, Task } from "rescind/fibers"
import { Ledger } from "rescind/testing"
import { completes, isLastOf, wasGivenUp } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

const by = (name: string) => ({ reason: CancelReason.request({ by: name }) })

/** A connection that the foreign code opens after some time, whether it was told to stop or not. */
const opensLate = (opened: { count: number }, millis: number) =>
  Effect.withFiber((fiber) =>
    Bridge.fromCallback<{ readonly connection: number }>(
      (resume) => {
        Effect.runForkWith(fiber.context)(
          Effect.andThen(
            Effect.sleep(millis),
            Effect.sync(() => resume(Effect.succeed({ connection: ++opened.count })))
          )
        )
      },
      { name: "connect", mode: "wait", onLate: () => Effect.sync(() => opened.count--) }
    )
  )

const callbacks: Subject = {
  name: "what a callback opens is received, or closed when it comes too late",
  covers: ["Bridge.fromCallback"],
  laws: ["K20", "K41", "K45"],
  program: () => {
    const opened = { count: 0 }
    let received = 0
    return {
      program: Effect.ensuring(
        Nursery.run("callbacks", (nursery) =>
          Effect.gen(function* () {
            const receives = Effect.flatMap(opensLate(opened, 3), () => Effect.sync(() => received++))
            const stopped = yield* nursery.spawn("stopped", receives)
            yield* nursery.spawn("other", receives)
            yield* Effect.sleep(1)
            const { _tag } = yield* Task.cancel(stopped, by("ann"))
            return _tag
          })
        ),
        Ledger.note("left")
      ),
      invariant: (trial) => {
        completes(trial, "Cancelled")
        isLastOf(trial, "left")
        if (wasGivenUp(trial)) return
        assert.ok(
          opened.count - received <= 1 && opened.count >= received,
          `${opened.count} were opened, ${received} received`
        )
        if (trial.cancelled === undefined) assert.deepEqual([opened.count, received], [1, 1])
      }
    }
  }
}

const abandoned: Subject = {
  name: "an abandoned callback is a straggler until it calls back",
  covers: ["Bridge.fromCallback", "Stragglers.list"],
  laws: ["K41", "K45"],
  // Until it calls back its timer stands for the foreign code.
  allow: ["fiber-left", "timer-left"],
  program: () => {
    const listed: Array<number> = []
    return {
      program: Nursery.run("callbacks", (nursery) =>
        Effect.gen(function* () {
          const task = yield* nursery.spawn(
            "task",
            Effect.withFiber((fiber) =>
              Bridge.fromCallback<void>(
                (resume) => {
                  Effect.runForkWith(fiber.context)(
                    Effect.andThen(
                      Effect.sleep(4),
                      Effect.sync(() => resume(Effect.void))
                    )
                  )
                },
                { mode: "abandon" }
              )
            )
          )
          yield* Effect.sleep(1)
          yield* Task.cancel(task, by("ann"))
          listed.push((yield* Stragglers.list).length)
          yield* Effect.sleep(4)
          listed.push((yield* Stragglers.list).length)
        })
      ),
      invariant: (trial) => {
        completes(trial)
        if (trial.cancelled === undefined) assert.deepEqual(listed, [1, 0])
      }
    }
  }
}

const stopped: Subject = {
  name: "a resource that calls block on is stopped once, with the reason",
  covers: ["Bridge.stopOnCancel"],
  laws: ["K15", "K18", "K41"],
  program: () => {
    let acquired = 0
    const stops: Array<string> = []
    const use = (millis: number) =>
      Bridge.stopOnCancel(
        Effect.sync(() => ++acquired),
        () => Effect.sleep(millis).pipe(Ledger.watch("use")),
        (_, reason) =>
          Effect.andThen(
            Effect.sleep(1),
            Effect.sync(() => stops.push(reason?.source ?? "nobody"))
          )
      )
    return {
      program: Nursery.run("resources", (nursery) =>
        Effect.gen(function* () {
          const task = yield* nursery.spawn("task", use(9))
          yield* use(1)
          yield* Task.cancel(task, by("ann"))
        })
      ),
      invariant: (trial) => {
        completes(trial)
        if (wasGivenUp(trial)) return
        assert.equal(stops.length, acquired, `${acquired} were acquired, ${stops.length} stopped`)
        if (trial.cancelled === undefined) assert.deepEqual(stops.toSorted(), ["nobody", "request"])
      }
    }
  }
}

export const subjects: ReadonlyArray<Subject> = [callbacks, abandoned, stopped]
