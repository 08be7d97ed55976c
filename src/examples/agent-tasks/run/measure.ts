/** How long it takes from a cancel until the work has really stopped, measured by who asks. */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { AgentTasks } from "../AgentTasks.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import { AgentContext } from "../context/AgentContext.ts"
import * as MakeContext from "../context/makeContext.ts"
import { Sleep } from "../kinds/sleepTask.ts"

const rounds = 20

const running = { until: (status: string) => status === "running" }

/** Milliseconds of each cancel of a running task on this worker. */
const latencies = (worker: string): Effect.Effect<ReadonlyArray<number>, AgentTasksError, AgentContext> =>
  Effect.gen(function* () {
    const { schedule, submit } = yield* AgentContext
    const taken: Array<number> = []
    // The first one opens the connections.
    for (let round = 0; round <= rounds; round++) {
      const task = yield* schedule(Sleep, { ms: 60_000 }, { on: worker })
      yield* submit
      yield* Effect.repeat(Effect.delay(task.status, 2), running)
      const [took] = yield* Effect.timed(task.cancel())
      if (round > 0) taken.push(Duration.toMillis(took))
    }
    return taken.toSorted((a, b) => a - b)
  })

const many = 10_000

/** Milliseconds to send and to cancel a batch that waits for a worker. */
const batch: Effect.Effect<readonly [number, number, number], AgentTasksError, AgentContext> = Effect.gen(function* () {
  const { cancelMany, schedule, submit } = yield* AgentContext
  const tasks = yield* Effect.forEach(Array.from({ length: many }), () =>
    schedule(Sleep, { ms: 60_000 }, { on: "nobody" })
  )
  const [sent] = yield* Effect.timed(submit)
  const [cancelled, items] = yield* Effect.timed(cancelMany(tasks))
  const count = items.filter(({ result }) => result?._tag === "Cancelled").length
  return [Duration.toMillis(sent), Duration.toMillis(cancelled), count]
})

const show = (millis: number | undefined): string => `${(millis ?? NaN).toFixed(1)} ms`.padStart(9)

const lineOf = (what: string, sorted: ReadonlyArray<number>): string =>
  `  ${what.padEnd(46)} median ${show(sorted[sorted.length >> 1])}   slowest ${show(sorted.at(-1))}`

const as = (name: string) => Effect.provide(MakeContext.layer({ name }))

/** True if every task of the batch was cancelled. `table` is the service in this process; the other one is HTTP. */
export const measure = (
  workers: ReadonlyArray<string>,
  inProcess: AgentTasks["Service"],
  tag: typeof AgentTasks
): Effect.Effect<boolean, AgentTasksError, AgentTasks> =>
  Effect.gen(function* () {
    yield* Console.log(`\nFrom a cancel to the end of the running work, ${rounds} times each:`)
    for (const worker of workers) {
      if (worker === "in-process") {
        const local = yield* latencies(worker).pipe(as("measuring-here"), Effect.provideService(tag, inProcess))
        yield* Console.log(lineOf("agent and worker in the server process", local))
      }
      const remote = yield* latencies(worker).pipe(as("measuring"))
      yield* Console.log(
        lineOf(
          `agent over HTTP, worker in ${worker === "in-process" ? "the server process" : "another, over HTTP"}`,
          remote
        )
      )
    }
    const began = yield* Clock.currentTimeMillis
    const [sent, cancelled, count] = yield* batch.pipe(as("measuring-many"))
    const total = (yield* Clock.currentTimeMillis) - began
    yield* Console.log(
      `  ${many} waiting tasks over HTTP: sent in one request in ${show(sent).trim()}, all cancelled by another one in ${show(cancelled).trim()} (${total} ms with the ids)`
    )
    return count === many
  })
