/** Programs until a signal. */
import assert from "node:assert/strict"
import { EventEmitter } from "node:events"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { Nursery, ProcessMain, ProcessSignals } from "rescind/fibers"
import { Ledger } from "rescind/testing"
import { completes, isLastOf } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

const working = (name: string) =>
  Effect.gen(function* () {
    yield* Ledger.finalizer(name, Effect.sleep(2))
    return yield* Effect.never
  }).pipe(Ledger.watch(name))

const untilSignal: Subject = {
  name: "a program is ended by the first signal, with all that it started, and nothing listens any more",
  covers: ["ProcessMain.attended", "ProcessMain.untilSignal", "ProcessSignals.listen"],
  laws: ["K1", "K18", "K45"],
  program: () => {
    const source = new EventEmitter()
    const exits: Array<number> = []
    const process: ProcessMain.Process = Object.assign(source, { exit: (code: number) => exits.push(code) })
    const listening = () => source.listenerCount("SIGINT") + source.listenerCount("SIGTERM")
    const program = Nursery.run("work", (nursery) =>
      Effect.asVoid(Effect.andThen(nursery.spawn("one", working("one")), nursery.spawn("two", working("two"))))
    )
    return {
      program: Nursery.run("outer", (nursery) =>
        Effect.gen(function* () {
          const signals = yield* ProcessSignals.listen(source)
          yield* nursery.spawn(
            "killer",
            Effect.delay(
              Effect.sync(() => source.emit("SIGTERM", "SIGTERM")),
              3
            )
          )
          const code = yield* ProcessMain.attended(process, ProcessMain.untilSignal(program))
          assert.deepEqual([code, listening(), yield* Queue.take(signals)], [143, 2, "SIGTERM"])
          return code
        })
      ).pipe(Effect.scoped, Effect.ensuring(Ledger.note("left"))),
      invariant: (trial) => {
        completes(trial, 143)
        isLastOf(trial, "left")
        assert.deepEqual([exits, listening()], [[], 0])
      }
    }
  }
}

export const subjects: ReadonlyArray<Subject> = [untilSignal]
