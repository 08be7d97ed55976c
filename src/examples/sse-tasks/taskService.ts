/**
 * The whole service as one layer, from the database up to the routes; what it needs is a server to be mounted on. When
 * its scope closes, tasks are cancelled and clients told first, then the server closes, and the database last.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type { SqlError } from "effect/sql/SqlError"
import * as TaskMetrics from "../../fibers/TaskMetrics.ts"
import { Tasks } from "../../fibers/Tasks.ts"
import { OpenStreams } from "../../http/OpenStreams.ts"
import * as Coordinator from "./coordinator/Coordinator.ts"
import type { TaskModel } from "./coordinator/TaskModel.ts"
import * as RequestRate from "./http/RequestRate.ts"
import * as TaskRouter from "./http/taskRouter.ts"
import * as NodeSqlite from "./store/nodeSqlite.ts"
import { type StoreFailed, TaskStore } from "./store/TaskStore.ts"

export interface Options {
  readonly models: ReadonlyArray<TaskModel<TaskStore>>
  /** A file, or `:memory:`. */
  readonly database: string
  readonly maxRunTime?: Duration.Input | undefined
  readonly maxTasks?: number | undefined
  readonly maxStreams?: number | undefined
  readonly maxStreamsPerTask?: number | undefined
  readonly heartbeat?: Duration.Input | undefined
  /** Who may what: a layer of `TaskAccess`. Default: everybody may everything. */
  readonly access?: Layer.Layer<never> | undefined
  /** Under which hosts it is reached, as `TaskServer` has it. Default: any. */
  readonly hosts?: ReadonlyArray<string> | undefined
  /** Of one caller, or of one address whose callers are not known. Default: no bound. */
  readonly requestsPerMinute?: number | undefined
}

export type Services = Coordinator.Coordinator | TaskStore | Tasks | OpenStreams

/** Without HTTP: what a program of its own would use. `through` stands between the coordinator and the store. */
export const coordinating = (
  options: Options,
  through: (store: TaskStore["Service"]) => TaskStore["Service"] = (store) => store
): Layer.Layer<Services, StoreFailed | SqlError> =>
  Coordinator.Coordinator.layer(options).pipe(
    Layer.provideMerge(Layer.effect(TaskStore, Effect.map(TaskStore, through))),
    Layer.provide(TaskStore.layer),
    Layer.provideMerge(OpenStreams.layer(options)),
    Layer.provideMerge(Tasks.layer(options.maxTasks === undefined ? {} : { maxRunning: options.maxTasks })),
    Layer.provide([NodeSqlite.layer(options.database), TaskMetrics.layer])
  )

export const layer = <R = never>(
  options: Options,
  /** Routes beside those of the service. */
  more: Layer.Layer<never, never, HttpRouter.HttpRouter | R> = Layer.empty
): Layer.Layer<Services, StoreFailed | SqlError, HttpServer.HttpServer | R> => {
  const limited =
    options.requestsPerMinute === undefined
      ? Layer.empty
      : RequestRate.layer({
          limit: options.requestsPerMinute,
          window: "1 minute"
        })
  const routes = Layer.merge(
    TaskRouter.layer(options).pipe(Layer.provide([limited, options.access ?? Layer.empty])),
    more
  )
  return shutdownFirst.pipe(
    Layer.provideMerge(HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })),
    Layer.provideMerge(coordinating(options))
  ) as Layer.Layer<Services, StoreFailed | SqlError, HttpServer.HttpServer | R>
}

const shutdownFirst = Layer.effectDiscard(
  Effect.flatMap(Coordinator.Coordinator, ({ shutdown }) => Effect.addFinalizer(() => shutdown()))
)
