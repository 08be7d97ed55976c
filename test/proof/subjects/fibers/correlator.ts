/** The correlator: no message is lost, none is taken twice. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Correlator, type CorrelatorStats, Nursery, Task } from "rescind/fibers"
import { Ledger } from "rescind/testing"
import { completes, isLastOf, wasGivenUp } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

const approvals = Correlator.channel<number>("approval")
const answers = Correlator.channel("answer", Schema.Number)

const balanced = (stats: CorrelatorStats | undefined): void => {
  if (stats === undefined) return
  const dead = Object.values(stats.deadLetters).reduce((sum, count) => sum + count, 0)
  assert.equal(stats.taken + stats.kept + stats.held + dead, stats.published, JSON.stringify(stats))
}

const delivers: Subject = {
  name: "each message goes to one waiter, and back when that one is cancelled",
  covers: [
    "Correlator.make",
    "correlator.wait",
    "correlator.publish",
    "correlator.inspect",
    "correlator.clear",
    "correlator.stats",
    "correlator.deadLetters",
    "correlator.deadLetterStream"
  ],
  laws: ["K27", "K45"],
  program: () => {
    const got: Array<number> = []
    const dead: Array<string> = []
    let stats: CorrelatorStats | undefined
    return {
      program: Effect.gen(function* () {
        const correlator = yield* Correlator.make({ ttl: 4 })
        yield* Effect.ensuring(
          Nursery.run("approvals", (nursery) =>
            Effect.gen(function* () {
              const takes = Effect.map(correlator.wait(approvals, "a", { within: 9 }), (value) => got.push(value))
              yield* nursery.spawn(
                "letters",
                Stream.runForEach(correlator.deadLetterStream, ({ reason }) => Effect.sync(() => dead.push(reason))),
                { background: true }
              )
              const first = yield* nursery.spawn("first", Effect.ignore(takes))
              yield* nursery.spawn("second", Effect.ignore(takes))
              yield* Effect.sleep(1)
              yield* Effect.all([Task.cancel(first), correlator.publish(approvals, "a", 1)], {
                concurrency: "unbounded"
              })
              yield* correlator.publish(approvals, "a", 2)
              yield* correlator.publish(approvals, "b", 3)
              yield* Effect.sleep(5)
              yield* correlator.publish(approvals, "c", 4)
              assert.equal(yield* correlator.clear("c"), 1)
              assert.deepEqual((yield* correlator.inspect("c")).length, 0)
            })
          ),
          Effect.gen(function* () {
            stats = yield* correlator.stats
            yield* correlator.deadLetters
          })
        )
        return yield* correlator.deadLetters
      }).pipe(Effect.map((letters) => letters.map(({ reason }) => reason))),
      invariant: (trial) => {
        balanced(stats)
        assert.equal(new Set(got).size, got.length, "a message was taken twice")
        if (wasGivenUp(trial)) return
        if (stats !== undefined) assert.equal(stats.taken, got.length, "a message was taken and not received")
        if (trial.cancelled === undefined) assert.equal(stats?.published, 4)
        // A slow reader misses some.
        assert.ok(dead.every((reason) => reason === "expired" || reason === "cleared"))
      }
    }
  }
}

const works: Subject = {
  name: "work on a message that is cancelled gives it back, work that fails buries it",
  covers: ["Correlator.layer", "correlator.receive", "correlator.publishUnknown"],
  laws: ["K26", "K45"],
  program: () => {
    let worked = 0
    let stats: CorrelatorStats | undefined
    return {
      program: Effect.ensuring(
        Effect.gen(function* () {
          const correlator = yield* Correlator
          yield* Effect.ensuring(
            Nursery.run("workers", (nursery) =>
              Effect.gen(function* () {
                const use = Effect.andThen(
                  Ledger.note("began"),
                  Effect.andThen(
                    Effect.sleep(3),
                    Effect.sync(() => worked++)
                  )
                )
                const receives = Effect.ignore(correlator.receive(answers, "a", () => use, { within: 12 }))
                const stopped = yield* nursery.spawn("stopped", receives)
                yield* nursery.spawn("other", receives)
                yield* nursery.spawn(
                  "failing",
                  Effect.ignore(correlator.receive(answers, "b", () => Effect.fail("no")))
                )
                yield* Effect.sleep(1)
                yield* Effect.orDie(correlator.publishUnknown(answers, "a", 1))
                yield* Effect.orDie(correlator.publishUnknown(answers, "b", 2))
                const wrong = yield* Effect.flip(correlator.publishUnknown(answers, "a", "one"))
                assert.equal(wrong._tag, "SchemaError")
                yield* Effect.sleep(1)
                yield* Task.cancel(stopped)
              })
            ),
            Effect.map(correlator.stats, (now) => {
              stats = now
            })
          )
          return (yield* correlator.deadLetters).map(({ reason }) => reason)
        }).pipe(Effect.provide(Correlator.layer({ ttl: 50 }))),
        Ledger.note("left")
      ),
      invariant: (trial) => {
        completes(trial, ["failed"])
        isLastOf(trial, "left")
        balanced(stats)
        if (trial.cancelled === undefined) assert.equal(worked, 1)
      }
    }
  }
}

export const subjects: ReadonlyArray<Subject> = [delivers, works]
