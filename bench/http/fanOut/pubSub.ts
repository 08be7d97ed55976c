/**
 * What Effect offers by itself: `HttpServerResponse.stream` over a `PubSub` whose bytes were encoded once. The `PubSub` is
 * unbounded, since the bounded ones stall all for one or drop events.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { FanOutServer } from "../Contestant.ts"
import { effectServer } from "../effectServer.ts"
import { type Command, emission } from "./emission.ts"
import { eventOf, reasonOf, streamHeaders, textOf } from "./frames.ts"

interface Run {
  readonly id: string
  readonly events: PubSub.PubSub<Uint8Array>
  readonly fiber: Fiber.Fiber<void>
}

const last = new Uint8Array()

const encode = (id: string, seq: number, name: string, fields: { readonly [field: string]: unknown }): Uint8Array =>
  Buffer.from(textOf(eventOf(id, seq, name, fields)))

export const pubSub = async (): Promise<FanOutServer> => {
  let run: Run
  let open = 0

  const start = (id: string, commands: Queue.Queue<Command>): Effect.Effect<Run> =>
    Effect.gen(function* () {
      const events = yield* PubSub.unbounded<Uint8Array>()
      let at = 1
      const emit = Effect.suspend(() => PubSub.publish(events, encode(id, ++at, "output", { value: at })))
      const body = Effect.gen(function* () {
        for (;;) {
          const { count, done, mode } = yield* Queue.take(commands)
          yield* emission(count, mode, emit).pipe(Effect.ensuring(Effect.sync(done)))
        }
      }).pipe(
        Effect.onInterrupt(() => {
          const reason = reasonOf(id)
          const ended = { ...reason, how: "interrupted", tookMillis: 0, cleanupFailures: 0 }
          return PubSub.publishAll(events, [
            encode(id, at + 1, "cancel-requested", reason),
            encode(id, at + 2, "cancelled", ended),
            last
          ])
        })
      )
      // oxlint-disable-next-line rescind/no-detached-fork -- it belongs to the server, which its process ends
      const fiber = yield* Effect.forkDetach(body)
      return { id, events, fiber }
    })

  const follow = Effect.gen(function* () {
    const { events, id } = run
    yield* Effect.acquireRelease(
      Effect.sync(() => open++),
      () => Effect.sync(() => open--)
    )
    const subscription = yield* PubSub.subscribe(events)
    const live = Stream.fromSubscription(subscription).pipe(Stream.takeWhile((bytes) => bytes !== last))
    return HttpServerResponse.stream(Stream.concat(Stream.succeed(encode(id, 1, "started", {})), live), {
      headers: streamHeaders,
      contentType: "text/event-stream"
    })
  })

  const cancel = Effect.gen(function* () {
    const { fiber, id } = run
    yield* Fiber.interrupt(fiber)
    return HttpServerResponse.jsonUnsafe({ _tag: "Cancelled", id, reason: reasonOf(id), how: "interrupted", took: 0 })
  })

  const { port, runtime } = await effectServer(
    Layer.mergeAll(
      HttpRouter.add("GET", "/tasks/:id/events", follow),
      HttpRouter.add("POST", "/tasks/:id/cancel", cancel)
    )
  )
  return {
    port,
    open: async (id) => {
      const commands = await runtime.runPromise(Queue.unbounded<Command>())
      run = await runtime.runPromise(start(id, commands))
      return {
        events: `/tasks/${id}/events`,
        cancel: `/tasks/${id}/cancel`,
        emit: (count, mode) =>
          new Promise((done) => {
            Queue.offerUnsafe(commands, { count, mode, done })
          })
      }
    },
    left: async () => open
  }
}
