/**
 * Random races on the virtual world: cancels against the natural end, against each other, and against subscribers. The
 * answer, each stream and the stored task agree every time. `SEED=7 npx vitest run test/http/a2a/races` begins there.
 */
import assert from "node:assert/strict"
import { TaskNotCancelableError } from "@a2a-js/sdk/errors"
import type * as A2A from "@a2a-js/sdk"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import type { AgentEngine, AgentEvent } from "../../../src/http/a2a/AgentEngine.ts"
import { randomFrom, World } from "../../support/sim.ts"
import { callOf, requestOf, withEngine } from "./engines.ts"
import { isTerminal, replayed, stored } from "./replayed.ts"

const firstSeed = Number(process.env["SEED"] ?? 1)

const races = 500

interface Lot {
  readonly agent: Agent.Agent<never>
  /** After so many milliseconds. */
  readonly cancels: ReadonlyArray<number>
  readonly subscribers: ReadonlyArray<number>
  /** How many events the log keeps. */
  readonly history: number
}

/** An agent that streams for some ten milliseconds, and ends in one way or another. */
const lotOf = (random: () => number, kind: "end" | "cancels" | "subscribe"): Lot => {
  const among = (count: number) => Math.floor(random() * count)
  const pieces = among(4)
  const pauses = Array.from({ length: pieces + 1 }, () => among(4))
  const end = among(5)
  const cleanUp = among(3)
  const took = pauses.reduce((sum, pause) => sum + pause, 0)
  // At the instants at which things happen, and at those between.
  const moment = () => among(took + 3)
  return {
    agent: Agent.make("racer", {
      description: "Ends some time",
      giveUp: among(3) === 0 ? 1 : 10,
      partialResult: among(2) === 0,
      run: (turn): Agent.Run<never> =>
        Effect.gen(function* () {
          for (let piece = 0; piece < pieces; piece++) {
            if (pauses[piece]! > 0) yield* Effect.sleep(pauses[piece]!)
            yield* turn.artifact(String(piece), { id: "result", append: true })
            yield* turn.partial(`${piece} pieces`)
          }
          if (pauses[pieces]! > 0) yield* Effect.sleep(pauses[pieces]!)
          if (end === 0) return yield* Effect.fail("failed")
          if (end === 1) return yield* turn.reject("rejected")
          if (end === 2) return yield* turn.commit(Effect.as(Effect.sleep(1), "saved"), { within: "1 second" })
          return "done"
        }).pipe(Effect.onInterrupt(() => (cleanUp === 0 ? Effect.void : Effect.sleep(cleanUp))))
    }),
    cancels: Array.from({ length: kind === "end" ? 1 : kind === "cancels" ? 2 : 1 }, moment),
    subscribers: kind === "subscribe" ? [moment(), moment()] : [],
    history: among(3) === 0 ? 2 : 1024
  }
}

/** What came of a race. */
interface Race {
  readonly answers: ReadonlyArray<Result.Result<A2A.Task, unknown>>
  readonly streams: ReadonlyArray<ReadonlyArray<A2A.StreamResponse>>
  /** What subscribers were told that came too late. */
  readonly refused: ReadonlyArray<string>
  readonly settled: A2A.Task
  readonly stored: A2A.Task
}

const run = (engine: AgentEngine, lot: Lot): Effect.Effect<Race, unknown> =>
  Effect.gen(function* () {
    const { events, settled, taskId } = yield* engine.send(requestOf("go"), callOf())
    const collect = (events: Stream.Stream<AgentEvent>) =>
      Effect.map(Stream.runCollect(events), (events) => events.map(({ response }) => response))
    const reading = yield* Effect.forkChild(collect(events))
    const waiting = yield* Effect.forkChild(settled)
    const at = <A, E>(millis: number, effect: Effect.Effect<A, E>) =>
      Effect.forkChild(Effect.result(millis === 0 ? effect : Effect.andThen(Effect.sleep(millis), effect)))
    const cancels = yield* Effect.forEach(lot.cancels, (millis, index) =>
      at(millis, engine.cancel({ tenant: "", id: taskId, metadata: { reason: `reason ${index}` } }, callOf()))
    )
    const subscribers = yield* Effect.forEach(lot.subscribers, (millis) =>
      at(millis, Effect.flatMap(engine.subscribe({ tenant: "", id: taskId }, callOf()), collect))
    )
    const answers = yield* Effect.forEach(cancels, Fiber.join)
    const subscribed = yield* Effect.forEach(subscribers, Fiber.join)
    return {
      answers,
      streams: [
        yield* Fiber.join(reading),
        ...subscribed.flatMap((result) => (Result.isSuccess(result) ? [result.success] : []))
      ],
      refused: subscribed.flatMap((result) => (Result.isFailure(result) ? [(result.failure as Error).name] : [])),
      settled: yield* Fiber.join(waiting),
      stored: yield* engine.get({ tenant: "", id: taskId }, callOf())
    }
  })

/** How it ended. */
const agreed = ({ answers, refused, settled, stored: task, streams }: Race): string => {
  const what = stored(task)
  assert.ok(isTerminal(what))
  assert.deepEqual(settled, task)
  for (const stream of streams) assert.deepEqual(replayed(stream), what)
  for (const name of refused) assert.equal(name, "UnsupportedOperationError")
  const cancelled = what.state === "TASK_STATE_CANCELED"
  for (const answer of answers) {
    if (Result.isSuccess(answer)) assert.deepEqual(answer.success, task)
    else assert.ok(answer.failure instanceof TaskNotCancelableError)
    assert.equal(Result.isSuccess(answer), cancelled)
  }
  if (cancelled) assert.match(what.text, /^reason \d$/)
  return what.state
}

/** Undefined if all is well; else what is wrong. */
const race = (kind: Parameters<typeof lotOf>[1], seed: number, ends: Map<string, number>): string | undefined => {
  const lot = lotOf(randomFrom(seed), kind)
  const world = new World({ seed, preempt: 0.3 })
  const exit = world.run(withEngine(lot.agent, (engine) => run(engine, lot), { history: lot.history }))
  if (exit === undefined || !Exit.isSuccess(exit)) return exit === undefined ? "it never ended" : String(exit.cause)
  if (world.left !== undefined) return world.left
  try {
    const end = agreed(exit.value)
    ends.set(end, (ends.get(end) ?? 0) + 1)
  } catch (error) {
    return String(error)
  }
  return undefined
}

describe.each([
  ["cancel against natural end", "end"],
  ["two cancels", "cancels"],
  ["cancel against subscribe", "subscribe"]
] as const)("%s", (_, kind) => {
  it(`answer, streams and stored task agree in ${races} random races from seed ${firstSeed} (S2-39, S2-43, S2x-02, S2x-08)`, () => {
    const ends = new Map<string, number>()
    const wrong: Array<string> = []
    for (let seed = firstSeed; seed < firstSeed + races && wrong.length < 3; seed++) {
      const problem = race(kind, seed, ends)
      if (problem !== undefined) wrong.push(`SEED=${seed}: ${problem}`)
    }
    expect(wrong).toEqual([])
    // Else they would be no races.
    expect(ends.get("TASK_STATE_CANCELED")).toBeGreaterThan(races / 10)
    for (const state of ["COMPLETED", "FAILED", "REJECTED"]) {
      expect(ends.get(`TASK_STATE_${state}`)).toBeGreaterThan(races / 50)
    }
  })
})
