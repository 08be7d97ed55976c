/**
 * The random races of `test/http/a2a/races.test.ts` once more, fewer, with clients of the SDK over sockets: the answer,
 * each stream and the stored task agree. `SEED=7 npx vitest run test/examples/a2a-agent/races` begins there. Real time.
 */
import { TaskNotCancelableError, UnsupportedOperationError } from "@a2a-js/sdk/errors"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { requestOf } from "../../http/a2a/engines.ts"
import { isTerminal, replayed, stored } from "../../http/a2a/replayed.ts"
import { randomFrom } from "../../support/sim.ts"
import { serving, type Site, transports } from "./serving.ts"

const firstSeed = Number(process.env["SEED"] ?? 1)

const races = 40

/** How it ended. */
const race = (site: Site, seed: number, kind: "end" | "cancels" | "subscribe") =>
  Effect.gen(function* () {
    const random = randomFrom(seed)
    const pieces = 1 + Math.floor(random() * 4)
    const pause = 2 + Math.floor(random() * 8)
    const text = random() < 0.3 ? `slow ${pieces * pause}` : `stream ${pieces} ${pause}`
    const follower = yield* site.follow(text)
    const { taskId } = follower
    const soon = <A, R>(effect: Effect.Effect<A, Error, R>) =>
      Effect.forkChild(Effect.result(Effect.delay(effect, random() * pieces * pause)))
    const cancels = yield* Effect.forEach(kind === "cancels" ? [1, 2] : [1], (n) =>
      soon(site.cancel(taskId, `reason ${n}`))
    )
    const subscribers = yield* Effect.forEach(kind === "subscribe" ? [1, 2] : [], () => soon(site.subscribe(taskId)))
    const answers = yield* Effect.forEach(cancels, Fiber.join)
    const subscribed = yield* Effect.forEach(subscribers, Fiber.join)
    yield* follower.ended
    const task = yield* site.get(taskId)
    const what = stored(task)
    expect(isTerminal(what)).toBe(true)
    expect(replayed(follower.events)).toEqual(what)
    for (const result of subscribed) {
      if (Result.isFailure(result)) expect(result.failure).toBeInstanceOf(UnsupportedOperationError)
      else {
        yield* result.success.ended
        expect(replayed(result.success.events)).toEqual(what)
      }
    }
    const cancelled = what.state === "TASK_STATE_CANCELED"
    for (const answer of answers) {
      if (Result.isSuccess(answer)) expect(answer.success).toEqual(task)
      else expect(answer.failure).toBeInstanceOf(TaskNotCancelableError)
      expect(Result.isSuccess(answer)).toBe(cancelled)
    }
    return what.state
  }).pipe(
    Effect.scoped,
    Effect.catchCause((cause) => Effect.die(new Error(`SEED=${seed} (${kind})`, { cause })))
  )

describe.each(transports)("races over sockets, by %s (real time)", (transport) => {
  it.live.each([
    ["cancel against natural end", "end"],
    ["two cancels", "cancels"],
    ["cancel against subscribe", "subscribe"]
  ] as const)(`%s: all agree in ${races} from seed ${firstSeed} (S2-39, S2-43, S2x-02, S2x-08)`, ([, kind]) =>
    serving(
      (site) =>
        Effect.gen(function* () {
          const ends = new Set<string>()
          for (let seed = firstSeed; seed < firstSeed + races; seed++) ends.add(yield* race(site, seed, kind))
          expect(ends).toEqual(new Set(["TASK_STATE_CANCELED", "TASK_STATE_COMPLETED"]))
        }),
      { transport }
    )
  )
})

describe("many at once (real time)", () => {
  it.live("100 tasks that stream are cancelled together, and each client is told once (S2-43)", () =>
    serving((site) =>
      Effect.gen(function* () {
        const followers = yield* Effect.forEach(
          Array.from({ length: 100 }, () => "stream 100000 100"),
          (text) => site.follow(text),
          { concurrency: 20 }
        )
        const tasks = yield* Effect.forEach(followers, ({ taskId }) => site.cancel(taskId, "enough"), {
          concurrency: "unbounded"
        })
        for (const [index, follower] of followers.entries()) {
          yield* follower.ended
          expect(replayed(follower.events)).toEqual(stored(tasks[index]!))
        }
        const listed = yield* site.call((client) =>
          client.listTasks({ tenant: "", contextId: "", status: 0, pageToken: "", statusTimestampAfter: undefined })
        )
        expect(listed.totalSize).toBe(100)
      })
    )
  )

  it.live("a blocking sender has the same answer as who cancels (S2x-08)", () =>
    serving((site) =>
      Effect.gen(function* () {
        const sending = yield* Effect.forkChild(
          site.call((client) => client.sendMessage(requestOf("slow 60000", { contextId: "one" })))
        )
        const list = site.call((client) =>
          client.listTasks({ tenant: "", contextId: "one", status: 0, pageToken: "", statusTimestampAfter: undefined })
        )
        const [task] = (yield* Effect.repeat(list, { until: ({ tasks }) => tasks.length === 1 })).tasks
        const answers = yield* Effect.all([site.cancel(task!.id, "a"), site.cancel(task!.id, "b")], { concurrency: 2 })
        expect(answers[0]).toEqual(answers[1])
        expect(yield* Fiber.join(sending)).toEqual(answers[0])
      })
    )
  )
})
