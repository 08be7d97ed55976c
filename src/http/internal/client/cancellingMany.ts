/** `POST /cancel`. */
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import { BulkCancel, BulkCancelResults } from "../../BulkCancel.ts"
import * as Problem from "../../Problem.ts"
import { RequestRefused, type TaskClientError } from "../../TaskClientError.ts"
import { callOf, type CancelOptions } from "./cancelling.ts"
import { whileTransient } from "./retrying.ts"
import { askPatiently, decoder, type Wire } from "./wire.ts"

const encode = Schema.encodeUnknownEffect(Schema.toCodecJson(BulkCancel), { errors: "all" })
const decodeResults = decoder(BulkCancelResults)

/** What the server would refuse is refused here, in its words. */
export const cancelMany: (
  wire: Wire,
  which: BulkCancel,
  options: CancelOptions | undefined
) => Effect.Effect<(typeof BulkCancelResults.Type)["results"], TaskClientError> = Effect.fnUntraced(
  function* (wire, which, options) {
    const body = yield* Effect.mapError(encode({ ...which, ...callOf(options) }), ({ issue }) => {
      const { code, detail } = Problem.invalid(issue, "body")
      return new RequestRefused({ call: "cancel many", status: 400, code, detail })
    })
    const request = HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post("/cancel"), body)
    // It answers when the last of them has cleaned up.
    const asked = askPatiently(wire, "cancel many", request, decodeResults)
    const { results } = yield* Effect.retry(asked, whileTransient(wire.retry))
    return results
  }
)
