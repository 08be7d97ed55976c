/**
 * Inputs that are larger than any list looked through for each member allows: the
 * time that a report takes grows with the number of members, not with its square.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { describe, expect, it } from "vitest"
import * as Batch from "../../src/combinators/Batch.ts"
import * as Join from "../../src/combinators/Join.ts"
import * as Race from "../../src/combinators/Race.ts"
import { causeOf } from "./telling.ts"

const count = 100_000
const list = <A>(make: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => make(index))
const turn = Effect.andThen(Effect.yieldNow, Effect.succeed(1))
const failing = Effect.andThen(Effect.yieldNow, Effect.fail("no"))

describe("100,000 members, in real time", () => {
  it("with a concurrency of 10 each ends, in order (K36)", async () => {
    const values = await Effect.runPromise(
      Join.all(
        list((index) => Effect.as(Effect.yieldNow, index)),
        { concurrency: 10 }
      )
    )
    expect(values.every((value, index) => value === index) && values.length).toBe(count)
    const report = await Effect.runPromise(
      Batch.collect(
        list((index) => index),
        () => turn,
        { concurrency: 10 }
      )
    )
    expect(report.completed).toBe(count)
  }, 30_000)

  it("that fail in one turn are all in the cause of a join, and of a race (K23, K29)", async () => {
    const joined = await Effect.runPromiseExit(Join.all(list(() => failing)))
    expect(Exit.isFailure(joined) && joined.cause.reasons.length).toBe(count)
    const failed = await Effect.runPromise(Effect.flip(Race.firstSuccess(list(() => failing))))
    expect(failed.failures.length).toBe(count)
    const { cause, member } = failed.failures[count - 1]!
    expect(`${member}: ${causeOf(cause as Cause.Cause<unknown>)}`).toBe(`${count - 1}: Fail:no`)
  }, 20_000)

  it("of which half are a quorum, or the first half to end, are told in order (K23, K24)", async () => {
    const quorum = await Effect.runPromise(
      Effect.scoped(
        Race.quorum(
          list(() => turn),
          count / 2
        )
      )
    )
    expect(quorum.winners.map(({ winner }) => winner)).toEqual(Array.from({ length: count / 2 }, (_, index) => index))
    expect(quorum.losers.filter((loser) => loser === undefined).length).toBe(count / 2)
    const first = await Effect.runPromise(
      Effect.scoped(
        Join.first(
          list(() => turn),
          count / 2,
          { concurrency: 10 }
        )
      )
    )
    expect(first.ended.length).toBe(count / 2)
  }, 20_000)
})
