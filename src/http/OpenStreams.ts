/**
 * The event streams that clients are being sent right now: it admits them, tells
 * silent ones from time to time that the server lives, and lets a server that
 * shuts down wait for them, so that every client reads how its task ended, and
 * cut those that do not read.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { EventLog } from "./EventLog.ts"
import { Chunk } from "./internal/stream/chunk.ts"
import type { LogNode } from "./internal/stream/logNode.ts"
import type { OpenStream } from "./internal/stream/openStream.ts"
import { Problem } from "./Problem.ts"
import * as StreamMetrics from "./StreamMetrics.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How often every stream says that it lives. Default: 15 seconds. */
  readonly heartbeat?: Duration.Input | undefined
  /** How many streams may be open at once. Default: no bound. */
  readonly maxStreams?: number | undefined
}

/**
 * @category services
 * @since 0.1.0
 */
export class OpenStreams extends Context.Service<
  OpenStreams,
  {
    readonly count: Effect.Effect<number>
    /** Waits until none is open. */
    readonly awaitNone: Effect.Effect<void>
    /** Tears off those that are open. A stream whose client does not read ends in no other way. */
    readonly cut: Effect.Effect<void>
    /** Admits a client until the scope closes; fails with `too-many-streams` over a limit: of its log, or of all. */
    readonly open: <S extends OpenStream>(
      stream: (hooks: StreamMetrics.Hooks) => S,
      of?: { readonly log: EventLog; readonly maxReaders?: number | undefined }
    ) => Effect.Effect<S, Problem, Scope.Scope>
  }
>()("rescind/http/OpenStreams") {
  static readonly layer = (options?: Options): Layer.Layer<OpenStreams> => Layer.effect(OpenStreams, make(options))
}

const make = (options: Options | undefined): Effect.Effect<OpenStreams["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const maxStreams = options?.maxStreams ?? Infinity
    const heartbeat = Duration.fromInputUnsafe(options?.heartbeat ?? "15 seconds")
    const streams = new Set<OpenStream>()
    const hooks = yield* StreamMetrics.Current
    const none = Latch.makeUnsafe(true)
    const beat = Effect.sync(() => {
      for (const stream of streams) stream.ping(ping)
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(heartbeat), beat)))
    return {
      count: Effect.sync(() => streams.size),
      awaitNone: none.await,
      cut: Effect.sync(() => {
        for (const stream of streams) stream.cut()
      }),
      open: <S extends OpenStream>(
        make: (hooks: StreamMetrics.Hooks) => S,
        of?: { readonly log: EventLog; readonly maxReaders?: number | undefined }
      ) =>
        Effect.acquireRelease(
          Effect.suspend((): Effect.Effect<S, Problem> => {
            const full = of !== undefined && of.log.readers >= (of.maxReaders ?? Infinity)
            if (full || streams.size >= maxStreams) {
              hooks.refused(full ? "per-log" : "total")
              return Effect.fail(tooMany(full ? "of this task " : ""))
            }
            const stream = make(hooks)
            hooks.readerOpened()
            streams.add(stream)
            none.closeUnsafe()
            ;(of?.log as LogNode | undefined)?.opened()
            return Effect.succeed(stream)
          }),
          (stream) =>
            Effect.sync(() => {
              streams.delete(stream)
              hooks.readerClosed(stream.why)
              if (streams.size === 0) none.openUnsafe()
              ;(of?.log as LogNode | undefined)?.closed()
            })
        )
    }
  })

const ping = new Chunk(": ping\n\n", 0)

const tooMany = (whose: string): Problem =>
  new Problem({
    code: "too-many-streams",
    detail: `As many event streams ${whose}as this server allows are open; close one, or try again later`,
    headers: { "retry-after": "5" }
  })
