/** `POST /tasks/{id}/cancel`. */
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as CancelPolicy from "../../../fibers/CancelPolicy.ts"
import { CancelResult } from "../../../fibers/CancelResult.ts"
import { CancelCall, maxBy, maxMessage } from "../../CancelCall.ts"
import type { RequestRefused, TaskClientError } from "../../TaskClientError.ts"
import { isPossibleId, pathOf } from "./paths.ts"
import { askPatiently, decoder, type Wire } from "./wire.ts"

/** What a client may say when it cancels; what is left out is taken from the definition of the task. */
export interface CancelOptions extends CancelPolicy.CancelPolicyInput {
  readonly reason?: typeof CancelCall.fields.reason.Type | undefined
  /** False: answers `Requested` at once, and does not wait for the end. */
  readonly wait?: boolean | undefined
}

const decodeResult = decoder(CancelResult)
const encodeCall = Schema.encodeSync(Schema.toCodecJson(CancelCall))
const resultIn = Schema.decodeUnknownOption(Schema.toCodecJson(CancelResult))

export const callOf = (options: CancelOptions | undefined): CancelCall => {
  const { grace, giveUp, reason, wait } = options ?? {}
  return {
    ...(reason === undefined ? {} : { reason: clipped(reason) }),
    ...(grace === undefined ? {} : { grace: CancelPolicy.bound("grace", grace) }),
    ...(giveUp === undefined ? {} : { giveUp: CancelPolicy.bound("giveUp", giveUp) }),
    ...(wait === undefined ? {} : { wait })
  }
}

type Reason = NonNullable<CancelOptions["reason"]>

/** A cancel must not come to nothing because there was too much to say of it. */
const clipped = ({ by, message, ...reason }: Reason): Reason => ({
  ...reason,
  ...(message === undefined ? {} : { message: clip(message, maxMessage) }),
  ...(by === undefined ? {} : { by: clip(by, maxBy) })
})

export const clip = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

/** Once. */
export const askCancel = (
  wire: Wire,
  id: string,
  options: CancelOptions | undefined
): Effect.Effect<CancelResult, TaskClientError> =>
  Effect.suspend(() => {
    if (!isPossibleId(id)) return Effect.succeed(notFound(id))
    const call = encodeCall(callOf(options))
    const request = HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(pathOf(id, "/cancel")), call)
    return Effect.catchIf(
      askPatiently(wire, `cancel ${id}`, request, decodeResult),
      (error): error is RequestRefused => error._tag === "RequestRefused" && error.code === "task-not-found",
      ({ problem }) => Effect.succeed(Option.getOrElse(resultIn(problem?.result), () => notFound(id)))
    )
  })

const notFound = (id: string): CancelResult => ({ _tag: "NotFound", id })
