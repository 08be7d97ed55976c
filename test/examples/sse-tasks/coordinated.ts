/** The coordinator with a store in memory and clients in this process, on the clock of the test, checked for leaks. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Coordinator } from "../../../src/examples/sse-tasks/coordinator/Coordinator.ts"
import type { TaskRecord } from "../../../src/examples/sse-tasks/store/TaskRecord.ts"
import { StoreFailed, TaskStore } from "../../../src/examples/sse-tasks/store/TaskStore.ts"
import * as TaskKey from "../../../src/examples/sse-tasks/TaskKey.ts"
import * as TaskService from "../../../src/examples/sse-tasks/taskService.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import type { EventLog } from "../../../src/http/EventLog.ts"
import * as EventStream from "../../../src/http/EventStream.ts"
import type { LogNode } from "../../../src/http/internal/stream/logNode.ts"
import { Sending } from "../../../src/http/internal/stream/sending.ts"
import { OpenStreams } from "../../../src/http/OpenStreams.ts"
import { setImmediate } from "node:timers/promises"
import { eventsOf, type Sent } from "../../http/follow.ts"
import { leakChecked } from "../../support/leaks.ts"

export interface Client {
  readonly events: () => ReadonlyArray<Sent>
  readonly names: () => ReadonlyArray<string>
  /** Whether the server has ended the stream. */
  readonly ended: () => boolean
  readonly leave: Effect.Effect<void>
}

export interface World {
  readonly coordinator: Coordinator["Service"]
  readonly store: TaskStore["Service"]
  readonly tasks: Tasks["Service"]
  readonly streams: OpenStreams["Service"]
  /** What was logged so far, causes included. */
  readonly log: ReadonlyArray<string>
  /** A pending record of a model of the app `tests`. */
  readonly create: (
    model: string,
    params?: Record<string, unknown>,
    maxRunSeconds?: number
  ) => Effect.Effect<TaskKey.TaskKey>
  /** Starts the task, or joins it, and follows it as an EventSource does. */
  readonly client: (key: TaskKey.TaskKey) => Effect.Effect<Client, never, Scope.Scope>
  /** A client whose socket throws when this event is written to it. */
  readonly breaking: (key: TaskKey.TaskKey, event: string) => Effect.Effect<Client, never, Scope.Scope>
  readonly record: (key: TaskKey.TaskKey) => Effect.Effect<TaskRecord>
  readonly stored: (key: TaskKey.TaskKey) => Effect.Effect<TaskRecord | undefined>
}

export interface Options extends Partial<TaskService.Options> {
  readonly models: TaskService.Options["models"]
  /** Stands between the coordinator and the store. */
  readonly through?: (store: TaskStore["Service"]) => TaskStore["Service"]
}

/** What a store answers that takes nothing. */
export const refused = Effect.fail(new StoreFailed({ operation: "save", cause: {} as never }))

/** Lets everything that can run now run, without moving the test clock: clients read on turns of their own. */
export const settle: Effect.Effect<void> = Effect.gen(function* () {
  for (let turn = 0; turn < 10; turn++) yield* Effect.promise(() => setImmediate())
})

export const coordinated = <A, E>(
  options: Options,
  test: (world: World) => Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<A, E> =>
  leakChecked(
    Effect.gen(function* () {
      const log: Array<string> = []
      const logger = Logger.make((entry) => log.push(Logger.formatLogFmt.log(entry)))
      const services = TaskService.coordinating({ database: ":memory:", ...options }, options.through)
      return yield* Effect.orDie(Layer.build(services)).pipe(
        Effect.flatMap((context) => test(world(context, log))),
        Effect.provide(Logger.layer([logger]))
      )
    })
  )

const world = (context: Context.Context<TaskService.Services>, log: ReadonlyArray<string>): World => {
  const coordinator = Context.get(context, Coordinator)
  const store = Context.get(context, TaskStore)
  const streams = Context.get(context, OpenStreams)
  const reads = (
    key: TaskKey.TaskKey,
    read: (log: EventLog, said: (text: string) => void) => Effect.Effect<unknown, unknown, OpenStreams | Scope.Scope>
  ): Effect.Effect<Client, never, Scope.Scope> =>
    Effect.gen(function* () {
      const { attempt } = yield* Effect.orDie(coordinator.start(key))
      let raw = ""
      let ended = false
      const reading = yield* read(attempt!.log, (text) => (raw += text)).pipe(
        Effect.ensuring(Effect.sync(() => (ended = true))),
        Effect.scoped,
        Effect.provideService(OpenStreams, streams),
        Effect.forkScoped
      )
      const events = () => eventsOf(raw)
      yield* settle
      return {
        events,
        names: () => events().map(({ event }) => event),
        ended: () => ended,
        leave: Fiber.interrupt(reading)
      }
    })
  return {
    coordinator,
    store,
    streams,
    tasks: Context.get(context, Tasks),
    log,
    create: (model, params = {}, maxRunSeconds) =>
      Effect.orDie(coordinator.create({ app: "tests", model, params: params as never, maxRunSeconds })).pipe(
        Effect.map(({ id }) => TaskKey.make("tests", model, id))
      ),
    client: (key) => reads(key, follow),
    breaking: (key, event) => reads(key, (log, said) => followUntilItBreaks(log, event, said)),
    record: (key) => Effect.orDie(Effect.map(coordinator.find(key), ({ record }) => record)),
    stored: (key) => Effect.orDie(Effect.map(store.get(key), Option.getOrUndefined))
  }
}

const follow = (log: EventLog, said: (text: string) => void) =>
  Effect.flatMap(
    EventStream.respond(log, HttpServerRequest.fromWeb(new Request("http://localhost/"))),
    ({ body }): Effect.Effect<void, unknown> => {
      const decoder = new TextDecoder()
      return body._tag === "Stream"
        ? Stream.runForEach(body.stream, (bytes) => Effect.sync(() => said(decoder.decode(bytes, { stream: true }))))
        : Effect.sync(() => said(decoder.decode((body as unknown as { readonly body: Uint8Array }).body)))
    }
  )

const followUntilItBreaks = (log: EventLog, event: string, said: (text: string) => void) =>
  Effect.flatMap(OpenStreams, (streams) =>
    Effect.flatMap(
      streams.open((hooks) => new Sending(log as LogNode, 0, hooks, undefined), { log }),
      (sending) =>
        sending.through({
          write: ({ text }) => {
            said(text)
            if (text.includes(`event: ${event}\n`)) throw new Error("The socket broke")
            return true
          },
          onRoom: () => () => {}
        })
    )
  )
