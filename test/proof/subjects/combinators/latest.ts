/** Latest: one run of a key at a time, the newest or the oldest. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { Latest } from "rescind/combinators"
import { CancelReason, Task } from "rescind/fibers"
import { Ledger, type Trial } from "rescind/testing"
import { completes, isLastOf, sourcesReadBy } from "../../laws.ts"
import { after, began, endOf, member } from "../../reports.ts"
import type { Subject } from "../../Subject.ts"

const scoped = <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.ensuring(Effect.scoped(body), Ledger.note("left"))

/** K35: of these runs of one key none has begun before the one before it has cleaned up. */
const takeTurns = ({ ledger }: Trial.Trial, ...names: ReadonlyArray<string>): void => {
  const open = new Set<string>()
  for (const line of ledger.journal) {
    const [, what, name] = /^\d+ (opened|closed) (.*)'s file$/.exec(line) ?? []
    if (name === undefined || !names.includes(name)) continue
    if (what === "closed") open.delete(name)
    else {
      assert.deepEqual([...open], [], `${name} began beside the one before it`)
      open.add(name)
    }
  }
}

const replaces: Subject = {
  name: "a new run of a key cancels the old one and begins when that has cleaned up; one that was overtaken never begins",
  covers: ["Latest.make", "latest.start", "latest.get", "latest.size"],
  laws: ["K1", "K18", "K19", "K35"],
  program: scoped(
    Effect.gen(function* () {
      const latest = yield* Latest.make<string>()
      const first = yield* latest.start("key", member("first", Effect.never, 4))
      const other = yield* latest.start("other", member("other", after(3, "other")))
      yield* Effect.sleep(1)
      const second = yield* latest.start("key", member("second", after(1, "second")))
      const third = yield* latest.start("key", member("third", after(2, "third")))
      const holder = Option.getOrUndefined(yield* latest.get("key"))
      const size = yield* latest.size
      const ends = yield* Effect.forEach([first, second, third, other], (task) =>
        Effect.map(Task.await(task), (outcome) => (outcome._tag === "Cancelled" ? outcome.reason.source : outcome._tag))
      )
      return [holder === third, size, third.attempt, yield* latest.size, ...ends]
    })
  ),
  invariant: (trial) => {
    takeTurns(trial, "first", "second", "third")
    isLastOf(trial, "left")
    if (trial.cancelled !== undefined) return
    completes(trial, [true, 2, 3, 0, "superseded", "superseded", "Completed", "Completed"])
    assert.ok(!began(trial, "second"), "one that was overtaken has begun")
  }
}

const runs: Subject = {
  name: "who waits for a run that is superseded fails, who is interrupted cancels it, and both have cleaned up then",
  covers: ["Latest.make", "latest.run"],
  laws: ["K1", "K18", "K22", "K35"],
  program: scoped(
    Effect.gen(function* () {
      const latest = yield* Latest.make<string>()
      const overtaken = yield* Effect.forkChild(Effect.flip(latest.run("key", member("old", Effect.never, 3))))
      yield* Effect.sleep(1)
      const leaving = yield* Effect.forkChild(
        Effect.ensuring(latest.run("key", member("new", Effect.never, 2)), Ledger.note("the waiter is gone"))
      )
      const error = yield* Fiber.join(overtaken)
      yield* Effect.sleep(2)
      yield* Fiber.interrupt(leaving)
      return [error._tag, yield* latest.run("key", member("last", after(1, "last")))]
    })
  ),
  invariant: (trial) => {
    takeTurns(trial, "old", "new", "last")
    isLastOf(trial, "left")
    if (trial.cancelled !== undefined) return
    completes(trial, ["TaskCancelled", "last"])
    assert.deepEqual(sourcesReadBy(trial, "old"), ["superseded"])
    assert.deepEqual(sourcesReadBy(trial, "new"), ["interrupt"])
  }
}

const keeps: Subject = {
  name: "where the oldest stays a newcomer never begins, and is told who is there; a free key is taken",
  covers: ["Latest.make", "latest.start", "latest.run"],
  laws: ["K1", "K35"],
  program: scoped(
    Effect.gen(function* () {
      const latest = yield* Latest.make<string>({ mode: "keep" })
      const one = yield* latest.start("key", member("one", after(4, "one"), 1))
      const two = yield* latest.run("key", member("two", after(1, "two")))
      const kept = !two.started && two.task === one.task
      const outcome = yield* Task.await(one.task)
      const three = yield* latest.run("key", member("three", after(1, "three")))
      return [one.started, kept, outcome._tag, three.started && three.value]
    })
  ),
  invariant: (trial) => {
    takeTurns(trial, "one", "two", "three")
    isLastOf(trial, "left")
    if (trial.cancelled !== undefined) return
    completes(trial, [true, true, "Completed", "three"])
    assert.ok(!began(trial, "two"), "a newcomer has begun")
  }
}

const overlaps: Subject = {
  name: "with overlap the new run begins beside the clean-up of the old one",
  covers: ["Latest.make", "latest.start"],
  laws: ["K1", "K35"],
  program: scoped(
    Effect.gen(function* () {
      const latest = yield* Latest.make<string>({ overlap: true })
      const old = yield* latest.start("key", member("old", Effect.never, 5))
      yield* Effect.sleep(1)
      const fresh = yield* latest.start("key", member("new", after(2, "new"), 0))
      const value = yield* Task.join(fresh)
      const early = Option.isNone(yield* Task.poll(old))
      return [value, early, (yield* Task.await(old))._tag]
    })
  ),
  invariant: (trial) => {
    completes(trial, ["new", true, "Cancelled"])
    isLastOf(trial, "left")
  }
}

const patient: Subject = {
  name: "a superseded run may finish in its grace; the new one waits for it, or until it is given up on",
  covers: ["Latest.make", "latest.run", "latest.start"],
  laws: ["K12", "K35"],
  program: scoped(
    Effect.gen(function* () {
      const graceful = yield* Latest.make<string>({ grace: 5, name: "graceful" })
      const finishing = yield* graceful.start("key", member("finishing", after(3, "finished"), 0))
      yield* Effect.sleep(1)
      const next = yield* graceful.run("key", member("next", after(1, "next"), 0))
      const hasty = yield* Latest.make<string>({ giveUp: 2, name: "hasty" })
      const stuck = yield* hasty.start("key", Effect.uninterruptible(Effect.sleep(9)))
      yield* Effect.sleep(1)
      const after_ = yield* hasty.run("key", after(1, "after"))
      const { _tag } = yield* Task.await(finishing)
      const outcome = yield* Task.await(stuck)
      return [_tag, next, after_, outcome._tag === "Cancelled" && outcome.how]
    })
  ),
  invariant: (trial) => {
    takeTurns(trial, "finishing", "next")
    completes(trial, ["Completed", "next", "after", "abandoned"])
  }
}

const cancels: Subject = {
  name: "a cancel of a key answers for the newest run and leaves none; a closed Latest runs nothing any more",
  covers: ["Latest.make", "latest.cancel", "latest.start"],
  laws: ["K1", "K5", "K8", "K35"],
  program: Effect.gen(function* () {
    const { latest, tags } = yield* scoped(
      Effect.gen(function* () {
        const latest = yield* Latest.make<string>()
        yield* latest.start("key", member("old", Effect.never, 3))
        yield* Effect.sleep(1)
        yield* latest.start("key", member("new", Effect.never, 1))
        const done = yield* latest.cancel("key", { reason: CancelReason.request({ by: "ann" }) })
        const size = yield* latest.size
        const none = yield* latest.cancel("key")
        yield* latest.start("last", member("last", Effect.never, 1))
        return { latest, tags: [done._tag, size, none._tag] }
      })
    )
    const late = yield* latest.start("key", Ledger.work("late"))
    return [...tags, (yield* Task.await(late))._tag]
  }),
  invariant: (trial) => {
    takeTurns(trial, "old", "new")
    assert.ok(!trial.ledger.work.some(({ name }) => name === "late"), "a closed Latest ran something")
    if (trial.cancelled !== undefined) return
    completes(trial, ["Cancelled", 0, "NotFound", "Cancelled"])
    assert.ok(!began(trial, "new"), "it began although it was cancelled while it waited")
    assert.ok(endOf(trial, "last") === undefined || sourcesReadBy(trial, "last")[0] === "scope-closed")
  }
}

export const subjects: ReadonlyArray<Subject> = [replaces, runs, keeps, overlaps, patient, cancels]
