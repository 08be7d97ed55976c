/** Nurseries: who is awaited, who is told, and what leaves. */
import * as Effect from "effect/Effect"
import { Nursery } from "rescind/fibers"
import { Ledger } from "rescind/testing"
import type { Subject } from "../../Subject.ts"

const worker = (name: string, millis: number) =>
  Effect.gen(function* () {
    yield* Ledger.resource(`${name}'s file`)
    yield* Ledger.finalizer(`${name}'s clean-up`, Effect.sleep(2))
    yield* Effect.sleep(millis)
    yield* Ledger.work(name)
    return name
  }).pipe(Ledger.watch(name))

export const subjects: ReadonlyArray<Subject> = [
  {
    name: "a nursery waits for its children and stops those in the background",
    covers: ["Nursery.run", "nursery.spawn"],
    laws: ["K1", "K2", "K4", "K15"],
    program: Nursery.run("import", (nursery) =>
      Effect.gen(function* () {
        yield* nursery.spawn("feed", Effect.never.pipe(Ledger.watch("feed")), { background: true })
        yield* nursery.spawn("first", worker("first", 3))
        yield* nursery.spawn("second", worker("second", 5))
        yield* Effect.sleep(1)
        return "done"
      })
    ),
    everywhere: {
      invariant: ({ cancelled, outcome }) =>
        cancelled === undefined && outcome?._tag !== "Completed" ? "it did not complete" : undefined
    }
  }
]
