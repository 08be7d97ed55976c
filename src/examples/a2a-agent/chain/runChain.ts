/**
 * Three agents in a row, each with tasks and a server of its own: the first asks the second, the second asks the third,
 * and the third works until it is stopped. Only the caller is cancelled here. That the others stop is what a
 * `RemoteAgent` does when it is interrupted.
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import * as Nursery from "../../../fibers/Nursery.ts"
import type { ScopeCancelled } from "../../../fibers/ScopeCancelled.ts"
import * as Task from "../../../fibers/Task.ts"
import * as Agent from "../../../http/a2a/Agent.ts"
import type { Content } from "../../../http/a2a/Content.ts"
import * as RemoteAgent from "../../../http/a2a/RemoteAgent.ts"
import type { RemoteAgentError } from "../../../http/a2a/RemoteAgentError.ts"
import { serve } from "./serve.ts"

export interface Settings {
  /** How long the last one works before the caller is cancelled. */
  readonly works: Duration.Duration
  /** How long the last one may take to stop. */
  readonly limit: Duration.Duration
}

type Note = (who: string, what: string) => Effect.Effect<void>

/** Whether the last one stopped in time. */
export const runChain = ({
  limit,
  works
}: Settings): Effect.Effect<boolean, RemoteAgentError | ScopeCancelled, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    const elapsed = Effect.map(Clock.currentTimeMillis, (now) => now - began)
    const note: Note = (who, what) =>
      Effect.flatMap(elapsed, (at) => Console.log(`${String(at).padStart(6)} ms  ${who.padEnd(6)}  ${what}`))
    const isWorking = yield* Deferred.make<void>()
    const stoppedAt = yield* Deferred.make<number>()

    const work = Effect.andThen(note("third", "works"), Deferred.succeed(isWorking, undefined)).pipe(
      Effect.andThen(Effect.never),
      Effect.ensuring(Effect.flatMap(elapsed, (at) => Deferred.succeed(stoppedAt, at)))
    )
    const third = yield* serve(noted(note, "third", () => work))
    const second = yield* serve(yield* passingOn(note, "second", "third", third))
    const first = yield* serve(yield* passingOn(note, "first", "second", second))
    yield* Console.log(`caller -> first ${first} -> second ${second} -> third ${third}\n`)

    const remote = yield* RemoteAgent.make({ url: first })
    const cancelledAt = yield* Nursery.run("caller", (nursery: Nursery.Nursery<RemoteAgentError>) =>
      Effect.gen(function* () {
        yield* note("caller", "asks the first")
        const asking = yield* nursery.spawn("ask", Effect.ensuring(remote.ask("work"), note("caller", "has ended")))
        yield* Deferred.await(isWorking)
        yield* Effect.sleep(works)
        const at = yield* elapsed
        yield* note("caller", "is cancelled: not needed any more (by ann)")
        yield* Task.cancel(asking, { reason: CancelReason.request({ message: "not needed any more", by: "ann" }) })
        return at
      })
    )
    const stopped = yield* Effect.timeoutOption(Deferred.await(stoppedAt), limit)
    yield* Console.log(
      Option.match(stopped, {
        onNone: () => `\nThe last one still runs, ${Duration.format(limit)} after the caller was cancelled.`,
        onSome: (at) => `\nThe last one stopped ${at - cancelledAt} ms after the caller was cancelled.`
      })
    )
    return Option.isSome(stopped)
  }).pipe(Effect.scoped)

const passingOn = (note: Note, name: string, next: string, url: string) =>
  Effect.map(RemoteAgent.make({ url }), (remote) =>
    noted(note, name, (text) =>
      Effect.andThen(
        note(name, `asks the ${next}`),
        Effect.map(remote.ask(text), ({ parts }) => parts)
      )
    )
  )

/** An agent that tells how it was stopped. */
const noted = <E>(
  note: Note,
  name: string,
  run: (text: string) => Effect.Effect<Content | void, E>
): Agent.Agent<never> =>
  Agent.make(name, {
    description: "One link of a chain",
    run: ({ text }) =>
      Effect.onExit(run(text), () =>
        Effect.flatMap(CancelReason.current, (reason) =>
          note(
            name,
            Option.match(reason, {
              onNone: () => "has ended by itself",
              onSome: ({ by, message }) => `has stopped: ${message}${by === undefined ? "" : ` (by ${by})`}`
            })
          )
        )
      )
  })
