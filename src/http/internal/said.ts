/**
 * The values of a task that clients are told of when it ends, encoded by its own
 * fiber when they came up: a terminal event is written in the step that ends the
 * task, where nothing can be waited for.
 */
import * as Cause from "effect/Cause"
import type { Json } from "effect/Schema"
import * as PublicOutcome from "../PublicOutcome.ts"

interface Encoded {
  readonly value: unknown
  readonly json: Json
}

export class Said {
  success: Encoded | undefined = undefined
  error: Encoded | undefined = undefined
  partial: Encoded | undefined = undefined

  outcome(outcome: PublicOutcome.Ended): PublicOutcome.PublicOutcome {
    switch (outcome._tag) {
      case "Completed":
        return { _tag: "Completed", value: encoded(this.success, outcome.value) }
      case "Failed": {
        const failure = outcome.cause.reasons.find(Cause.isFailReason)
        return {
          _tag: "Failed",
          error: failure === undefined ? PublicOutcome.internalError : encoded(this.error, failure.error)
        }
      }
      case "Cancelled":
        return PublicOutcome.cancelled(
          outcome,
          "partial" in outcome ? { partial: encoded(this.partial, outcome.partial) } : {}
        )
    }
  }
}

/** What was never said by the program, of a defect in ours say, is nothing that its schema describes. */
const encoded = (said: Encoded | undefined, value: unknown): Json =>
  said !== undefined && Object.is(said.value, value) ? said.json : PublicOutcome.internalError
