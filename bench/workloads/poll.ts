/**
 * A condition that holds at its tenth check, with an interval of nothing, so that the polling itself is what costs; many
 * polls one after another. Effect's contestant is `Effect.repeat` with `until` inside a `timeoutOption`, which has no last
 * check at the deadline, runs over it by an interval, and tells nobody when its schedule ends.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { type Operation, sleep } from "effection"
import { Wait } from "../../src/fibers/index.ts"
import { runEffect } from "../runEffect.ts"
import { runOperation } from "../runOperation.ts"
import type { Round, Workload } from "../Workload.ts"

const checks = 10

const counter = () => {
  let count = 0
  return () => ++count >= checks
}

const rescind: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      for (let index = 0; index < n; index++) {
        yield* Wait.poll(Effect.sync(counter()), { interval: 0, within: "1 minute" })
        probe.finalized(index)
      }
    })
  )

const effect: Round = (n, probe) =>
  runEffect(
    probe,
    Effect.gen(function* () {
      for (let index = 0; index < n; index++) {
        const found = yield* Effect.sync(counter()).pipe(
          Effect.repeat({ until: (holds) => holds, schedule: Schedule.spaced(Duration.zero) }),
          Effect.timeoutOption("1 minute")
        )
        if (Option.isNone(found)) throw new Error("timed out")
        probe.finalized(index)
      }
    })
  )

const promise: Round = async (n, probe) => {
  for (let index = 0; index < n; index++) {
    const check = counter()
    const deadline = performance.now() + 60_000
    while (!check()) {
      if (performance.now() > deadline) throw new Error("timed out")
      await new Promise((resolve) => setImmediate(resolve))
    }
    probe.finalized(index)
  }
}

const polled = function* (index: number, done: (index: number) => void): Operation<void> {
  const check = counter()
  while (!check()) yield* sleep(0)
  done(index)
}

const effection: Round = (n, probe) =>
  runOperation(probe, function* () {
    for (let index = 0; index < n; index++) yield* polled(index, (at) => probe.finalized(at))
  })

const n = 500

export const poll: Workload = {
  name: "poll",
  summary: "500 polls of ten checks each with no interval, under a deadline that is far away",
  measures: "wall",
  rounds: 15,
  strides: { effection: 5 },
  cases: [{ label: "poll", n, finalizers: n, operations: n, targets: { effection: 1 } }],
  contestants: { rescind, effect, promise, effection }
}
