/** Looks at tasks: one, or all that match. */
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { TaskClientError } from "../../TaskClientError.ts"
import { TaskView } from "../../TaskView.ts"
import { isPossibleId, pathOf } from "./paths.ts"
import { ask, askAgain, decoder, type Wire } from "./wire.ts"

const decodeView = decoder(TaskView)

/** Once; nothing is no error. */
export const askView = (wire: Wire, call: string, id: string): Effect.Effect<TaskView | undefined, TaskClientError> =>
  known(ask(wire, call, HttpClientRequest.get(pathOf(id)), decodeView), id)

export const view = (wire: Wire, id: string): Effect.Effect<TaskView | undefined, TaskClientError> =>
  known(askAgain(wire, `info ${id}`, HttpClientRequest.get(pathOf(id)), decodeView), id)

const known = <A>(
  asked: Effect.Effect<A, TaskClientError>,
  id: string
): Effect.Effect<A | undefined, TaskClientError> =>
  isPossibleId(id)
    ? Effect.catchIf(
        asked,
        (error) => error._tag === "RequestRefused" && error.code === "task-not-found",
        () => Effect.undefined
      )
    : Effect.undefined
