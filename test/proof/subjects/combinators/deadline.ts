/** Deadlines: the nearest counts, they move while they are open, and what came too late is told. */
import assert from "node:assert/strict"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Deadline, type DeadlineExceeded } from "rescind/combinators"
import { Shield } from "rescind/fibers"
import { Ledger } from "rescind/testing"
import { completes, isLastOf, sourcesReadBy } from "../../laws.ts"
import { after, failing, member, stillHas } from "../../reports.ts"
import type { Subject } from "../../Subject.ts"

const left = <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.ensuring(work, Ledger.note("left"))

const scopeOf = (error: unknown): string => {
  const { scope, limit } = error as DeadlineExceeded
  return `${scope} after ${Duration.toMillis(limit)}`
}

const inTime: Subject = {
  name: "work that ends in time, or at the very instant, gives its value and keeps its resources for the caller",
  covers: ["Deadline.run", "Deadline.option"],
  laws: ["K1", "K27", "K33"],
  allow: ["clean-up-failed"],
  program: left(
    Effect.gen(function* () {
      const one = yield* Deadline.run(member("one", after(3, "one")), 5)
      const exact = yield* Deadline.run(member("exact", after(4, "exact"), 0), 4)
      const none = yield* Deadline.option(after(1, "quick"), 5)
      const bad = yield* Effect.flip(Deadline.run(failing(1, "bad"), 5))
      const { journal } = (yield* Ledger.Current)!
      return [one, exact, none, bad, journal.some((line) => line.includes("closed one's file"))]
    })
  ),
  invariant: (trial) => completes(trial, ["one", "exact", Option.some("quick"), "bad", false])
}

const exceeded: Subject = {
  name: "work that has not ended is cancelled with the time as the reason, and has cleaned up before the error leaves",
  covers: ["Deadline.run", "Deadline.option", "Deadline.make"],
  laws: ["K1", "K18", "K19", "K33", "K34"],
  program: left(
    Effect.gen(function* () {
      const error = yield* Effect.flip(Deadline.run(member("slow", Effect.never, 3), 4, { name: "fetch" }))
      const none = yield* Deadline.option(member("other", Effect.never, 0), 2)
      const zero = yield* Effect.flip(Deadline.make("zero", 0, () => member("zero", Effect.never, 0)))
      return [scopeOf(error), Option.isNone(none), scopeOf(zero)]
    })
  ),
  invariant: (trial) => {
    completes(trial, ["fetch after 4", true, "zero after 0"])
    isLastOf(trial, "left")
    if (trial.cancelled === undefined) {
      assert.deepEqual(sourcesReadBy(trial, "slow"), ["timeout"])
      assert.equal(trial.took, 4 + 3 + 2)
    }
  }
}

const nested: Subject = {
  name: "of nested deadlines the nearest in time stops the work, whichever is outside, and both can be asked for",
  covers: ["Deadline.run", "Deadline.current", "Deadline.remaining"],
  laws: ["K1", "K33"],
  // An error that meets the cancel is kept as one (K16).
  allow: ["clean-up-failed"],
  program: left(
    Effect.gen(function* () {
      const look = Effect.all([Deadline.remaining, Effect.map(Deadline.current, Option.isSome)])
      const asked = yield* Deadline.run(Deadline.run(look, 30, { name: "inner" }), 5, { name: "outer" })
      const outer = yield* Effect.flip(
        Deadline.run(Deadline.run(member("one", Effect.never, 2), 30, { name: "inner" }), 5, { name: "outer" })
      )
      const inner = yield* Effect.flip(
        Deadline.run(Deadline.run(member("two", Effect.never, 1), 3, { name: "inner" }), 30, { name: "outer" })
      )
      const millis = Option.map(asked[0], Duration.toMillis)
      return [millis, asked[1], yield* Deadline.remaining, scopeOf(outer), scopeOf(inner)]
    })
  ),
  invariant: (trial) => {
    completes(trial, [Option.some(5), true, Option.none(), "outer after 5", "inner after 3"])
    isLastOf(trial, "left")
  }
}

const moved: Subject = {
  name: "a deadline moves while its work goes on, and no more once it has passed",
  covers: ["Deadline.make"],
  laws: ["K1", "K33"],
  program: () => {
    let late: boolean | undefined
    const body = (deadline: Deadline.Deadline) =>
      Effect.gen(function* () {
        yield* Effect.sleep(2)
        const first = yield* deadline.extend(4)
        yield* Effect.sleep(3)
        const at = yield* deadline.at
        yield* deadline.moveTo(7)
        yield* Effect.addFinalizer(() =>
          Effect.map(deadline.extend(10), (moves) => {
            late = moves
          })
        )
        yield* Ledger.note(`moved ${first} ${Option.isSome(at)}`)
        return yield* Ledger.watch("work")(Effect.never)
      })
    return {
      program: left(Effect.flip(Deadline.make("alive", 3, body))).pipe(Effect.map(scopeOf)),
      invariant: (trial) => {
        completes(trial, "alive after 7")
        isLastOf(trial, "left")
        if (trial.cancelled === undefined) assert.equal(late, false, "it moved although it had passed")
      }
    }
  }
}

const save = (value: string) => Shield.run(`save ${value}`, after(5, value))

const lateValue: Subject = {
  name: "what a shield finishes after the limit is in the error, and for an option on the task around",
  covers: ["Deadline.run", "Deadline.option", "Shield.run"],
  laws: ["K26", "K33", "K34", "K39"],
  program: left(
    Effect.gen(function* () {
      const error = yield* Effect.flip(Deadline.run(save("one"), 3))
      const none = yield* Deadline.option(save("two"), 3)
      return [error.late.map(({ value }) => value), Option.isNone(none)]
    })
  ),
  invariant: (trial) => {
    completes(trial, [["one"], true])
    if (trial.cancelled === undefined) assert.ok(stillHas(trial.outcome!.salvaged, "two"), "the late value is lost")
    isLastOf(trial, "left")
  }
}

const patient: Subject = {
  name: "in its grace work may still finish, and what gives up does not wait for work that cannot be stopped",
  covers: ["Deadline.run"],
  laws: ["K12", "K25", "K34"],
  program: Effect.gen(function* () {
    const error = yield* Effect.flip(
      Deadline.run(Effect.uninterruptible(Effect.sleep(30)), 2, { grace: 1, giveUp: 3, name: "stubborn" })
    )
    return [scopeOf(error), error.how]
  }),
  invariant: (trial) => {
    completes(trial, ["stubborn after 2", "abandoned"])
    if (trial.cancelled === undefined) assert.equal(trial.took, 5)
  }
}

export const subjects: ReadonlyArray<Subject> = [inTime, exceeded, nested, moved, lateValue, patient]
