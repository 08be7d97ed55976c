/**
 * The main program of a server: it comes up, serves until the first SIGTERM or
 * SIGINT, drains, closes, and exits with a code that says how it went (the table of
 * `ProcessMain`). A second signal exits at once. Nothing holds the process for
 * longer than its bounds together.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import * as CancelReason from "../fibers/CancelReason.ts"
import * as ProcessMain from "../fibers/ProcessMain.ts"
import type { Tasks } from "../fibers/Tasks.ts"
import * as Drain from "./Drain.ts"
import type { OpenStreams } from "./OpenStreams.ts"

/**
 * How to drain, and how long the rest may take to close then: the server with its
 * connections, and whatever else was opened (default: 10 seconds).
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<R = never> extends Drain.Options<R> {
  readonly close?: Duration.Input | undefined
}

/**
 * Runs a server that is a layer.
 *
 * ```ts
 * const server = HttpRouter.serve(TaskServer.layer({ tasks })).pipe(
 *   Layer.provideMerge(Tasks.layer()),
 *   Layer.provide(NodeHttpServer.layer(() => ServerStart.answered(ServerClose.promptly(createServer())), { port: 3000 }))
 * )
 *
 * ServerMain.run(process, server, { finish: "5 seconds", giveUp: "20 seconds" })
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = <ROut, E>(
  process: ProcessMain.Process,
  server: Layer.Layer<Tasks | OpenStreams | ROut, E>,
  options?: Options<NoInfer<Tasks | OpenStreams | ROut>>
): void => ProcessMain.run(process, make(Layer.build(server), options))

/**
 * The same for a server that comes up by an effect and closes with its scope: for
 * `ProcessMain.run`. A signal that comes while it comes up interrupts that. The
 * reason that tasks are given names the signal, unless `options` has one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make =
  <ROut, E>(
    start: Effect.Effect<Context.Context<Tasks | OpenStreams | ROut>, E, Scope.Scope>,
    options?: Options<NoInfer<Tasks | OpenStreams | ROut>>
  ): ProcessMain.Main<E> =>
  (signalled, exitWithin) =>
    Effect.gen(function* () {
      const limit = Duration.sum(Drain.longest(options), CancelPolicy.bound("close", options?.close ?? "10 seconds"))
      const told = Effect.tap(signalled, exitWithin(limit))
      const started = yield* Effect.raceFirst(Effect.asSome(start), Effect.as(told, Option.none()))
      if (Option.isNone(started)) return
      const signal = yield* told
      yield* Effect.logInfo(`${signal}: no new work, and what runs is ended. Once more exits at once.`).pipe(
        Effect.andThen(Drain.run({ ...options, reason: options?.reason ?? CancelReason.shutdown({ by: signal }) })),
        Effect.provideContext(started.value)
      )
    }).pipe(Effect.scoped)
