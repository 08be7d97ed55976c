/** What the routes of one server work with. */
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import type * as ByteSize from "effect/ByteSize"
import type * as Duration from "effect/Duration"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import type { Tasks } from "../../fibers/Tasks.ts"
import type { Cors } from "../Cors.ts"
import type { OpenStreams } from "../OpenStreams.ts"
import type { Problem } from "../Problem.ts"
import type { TaskAccess } from "../TaskAccess.ts"
import type { Implementation } from "../TaskDefinition.ts"
import type { Hooks } from "../StreamMetrics.ts"
import type { Codecs } from "./codecs.ts"
import type { Watcher } from "./watching.ts"

/** A definition with its program and its compiled schemas. */
export interface Kind extends Implementation<any> {
  readonly codecs: Codecs
}

/** What every route of one server works with. */
export interface Server {
  readonly kinds: ReadonlyMap<string, Kind>
  readonly tasks: Tasks["Service"]
  readonly streams: OpenStreams["Service"]
  /** The services that tasks run with: not those of the request that started them. */
  readonly context: Context.Context<never>
  readonly access: TaskAccess
  readonly cors: Cors | undefined
  readonly bodyLimit: ByteSize.ByteSize
  /** Of the layer: what the server does by itself runs in it. */
  readonly scope: Scope.Scope
  readonly hooks: Hooks
  readonly slowReaders: "resync" | "disconnect"
  readonly maxStreamsPerTask: number
  /** For definitions that have none of their own. */
  readonly timeLimit: Duration.Duration | undefined
  readonly maxTimeLimit: Duration.Duration | undefined
  /** Told what becomes of each task. */
  readonly watchers: ReadonlyArray<Watcher>
}

/**
 * With the fiber of the request, to read from it what would else be an effect each. One that generates is an
 * `Effect.fnUntraced`: V8 keeps a hidden class for each `function*` that is made, in the old heap, and with it all that
 * the function closes over until the next full collection.
 */
export type Handler = (
  server: Server,
  request: HttpServerRequest.HttpServerRequest,
  fiber: Fiber.Fiber<unknown, unknown>
) => Effect.Effect<HttpServerResponse.HttpServerResponse, Problem, HttpRouter.Provided>

/** The `id` or `name` in the path. */
export const pathParam = ({ context }: Fiber.Fiber<unknown, unknown>, key: "id" | "name"): string =>
  Context.getUnsafe(context as Context.Context<HttpRouter.RouteContext>, HttpRouter.RouteContext).params[key] ?? ""

export const linksOf = (id: string): { readonly self: string; readonly events: string; readonly cancel: string } => {
  // The characters of an id need no escape.
  const self = `/tasks/${id}`
  return { self, events: `${self}/events`, cancel: `${self}/cancel` }
}
