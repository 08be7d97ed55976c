/**
 * `SyncGeneratorTask`: a plain iterable whose every step computes and never waits. Nothing in it can be interrupted, so
 * the task offers to stop after each step; while a step computes, cancels and other tasks have to wait for it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TaskModel from "../coordinator/TaskModel.ts"
import { app } from "./appName.ts"

export const syncGeneratorTask = TaskModel.make({
  app,
  model: "SyncGeneratorTask",
  description: "Counts primes below `below` (default 20000), in `steps` (default 200) steps that only compute",
  params: Schema.Struct({
    below: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 10_000_000 }))),
    steps: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 })))
  }),
  value: Schema.Struct({ below: Schema.Int, primes: Schema.Int }),
  start: ({ below = 20_000, steps = 200 }) => ({ message: "Counting primes", below, steps }),
  process: ({ below = 20_000, steps = 200 }, task) =>
    Effect.gen(function* () {
      let primes = 0
      for (const { found, step } of counting(below, steps)) {
        primes = found
        yield* task.send("progress", { step, steps, primes })
        yield* task.checkpoint
      }
      return { below, primes }
    })
})

function* counting(below: number, steps: number): Iterable<{ readonly step: number; readonly found: number }> {
  let found = 0
  let candidate = 2
  for (let step = 1; step <= steps; step++) {
    const end = Math.ceil((below * step) / steps)
    for (; candidate < end; candidate++) if (isPrime(candidate)) found++
    yield { step, found }
  }
}

const isPrime = (candidate: number): boolean => {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false
  return true
}
