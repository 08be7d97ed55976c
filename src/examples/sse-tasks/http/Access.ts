/**
 * Who asks, and what they may do. By default everybody may everything; a server for more than one machine puts a rule of
 * its own in its place.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { Problem } from "../../../http/Problem.ts"
import type { TaskRecord } from "../store/TaskRecord.ts"

export type Action = "read" | "start" | "cancel"

export interface Visitor {
  /** Owns what it creates; undefined if it did not say who it is. */
  readonly id: string | undefined
  readonly may: (action: Action, record: TaskRecord) => boolean
}

export type Access = (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Visitor, Problem>

export const Access: Context.Reference<Access> = Context.Reference<Access>("rescind/examples/sse-tasks/Access", {
  defaultValue: () => () => Effect.succeed({ id: undefined, may: () => true })
})
