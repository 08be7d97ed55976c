/** The six agents with what is expected of each: exact statuses, and sockets that the origin saw closing. */
import * as Effect from "effect/Effect"
import { batchAgent } from "../agents/batchAgent.ts"
import { cancelAndReplaceAgent } from "../agents/cancelAndReplaceAgent.ts"
import { cancelIdempotencyAgent } from "../agents/cancelIdempotencyAgent.ts"
import { joinCancelledAgent } from "../agents/joinCancelledAgent.ts"
import { parallelFailuresAgent } from "../agents/parallelFailuresAgent.ts"
import { racingAgent } from "../agents/racingAgent.ts"
import type { AgentContext } from "../context/AgentContext.ts"

export interface Check {
  readonly what: string
  readonly held: boolean
}

export interface Scenario {
  readonly name: string
  readonly title: string
  /** Runs the agent against this origin. */
  readonly run: (origin: string) => Effect.Effect<ReadonlyArray<Check>, Error, AgentContext>
  /** The labels of the tasks whose sockets must be seen closing. */
  readonly closes: ReadonlyArray<string>
}

const check = (what: string, held: boolean): Check => ({ what, held })

const racing: Scenario = {
  name: "racing",
  title: "Racing with cancel: three mirrors, the losers stop",
  closes: ["medium", "slow"],
  run: (origin) =>
    Effect.map(racingAgent(origin), ({ bytes, cancelled, ids, winner }) => [
      check("the fast mirror won, with the whole file", winner === 0 && bytes === 256 * 1024),
      check("exactly the two others were cancelled", cancelled.join() === ids.slice(1).join())
    ])
}

const replace: Scenario = {
  name: "replace",
  title: "Cancel and replace: a slow task makes way for a fast one",
  closes: ["slow"],
  run: (origin) =>
    Effect.map(cancelAndReplaceAgent(origin), ({ bytes, old, replacement, slow, slowStatus }) => [
      check("the slow task was cancelled", old._tag === "Cancelled" && slowStatus === "cancelled"),
      check("the replacement, under an id of its own, completed", bytes === 256 * 1024 && replacement !== slow)
    ])
}

const join: Scenario = {
  name: "join",
  title: "Join with a cancelled handle: typed, and nobody crashes",
  closes: [],
  run: () =>
    Effect.map(joinCancelledAgent, ({ cancelledId, joined, rest, result, settled }) => [
      check("the cancel stopped it", result._tag === "Cancelled"),
      check(
        "joinAll failed with TaskCancelled of that task",
        joined._tag === "Failure" && joined.failure._tag === "TaskCancelled" && joined.failure.task === cancelledId
      ),
      check(
        "joinAllSettled: 1 completed, 1 cancelled",
        settled.completed.length === 1 && settled.cancelled.length === 1 && settled.total === 2
      ),
      check("skipCancelled: the other value", rest.length === 1 && rest[0]?.label === "kept")
    ])
}

const parallel: Scenario = {
  name: "parallel",
  title: "Parallel with failures: partial results",
  closes: [],
  run: () =>
    Effect.map(parallelFailuresAgent, ({ settled, total }) => [
      check("2 completed, 1 failed, 0 cancelled", tally(settled) === "2 1 0"),
      check("it is the second that failed", settled.failed[0]?.index === 1),
      check("the results of the others were used", total === 250)
    ])
}

const tally = (settled: Record<"completed" | "failed" | "cancelled", ReadonlyArray<unknown>>): string =>
  [settled.completed, settled.failed, settled.cancelled].map(({ length }) => length).join(" ")

const batch: Scenario = {
  name: "batch",
  title: "Batch scheduling: five in one request, then five with two cancelled",
  closes: [],
  run: () =>
    Effect.map(batchAgent, ({ labels, running, settled, unsent }) => [
      check("five values in the order of the input", labels.join() === "item 1,item 2,item 3,item 4,item 5"),
      check(
        "one was cancelled before it was sent, one while it ran",
        unsent._tag === "Cancelled" && running._tag === "Cancelled"
      ),
      check("3 completed, 0 failed, 2 cancelled", tally(settled) === "3 0 2")
    ])
}

const idempotency: Scenario = {
  name: "idempotency",
  title: "Cancel idempotency: three cancels, one effect",
  closes: [],
  run: () =>
    Effect.map(cancelIdempotencyAgent, ({ results, status }) => [
      check(
        "Cancelled, then AlreadyCancelled twice",
        results.map(({ _tag }) => _tag).join() === "Cancelled,AlreadyCancelled,AlreadyCancelled"
      ),
      check(
        "the first reason stayed",
        results.every((result) => "reason" in result && result.reason.message === "first")
      ),
      check("its status is cancelled", status === "cancelled")
    ])
}

export const scenarios: ReadonlyArray<Scenario> = [racing, replace, join, parallel, batch, idempotency]
