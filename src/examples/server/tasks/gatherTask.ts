/**
 * `gather`: many URLs and a deadline. What has arrived by then is the result; what has not is cancelled, its sockets
 * closed, and named.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Join from "../../../combinators/Join.ts"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import { Patience } from "../../../http/CancelCall.ts"
import * as TaskDefinition from "../../../http/TaskDefinition.ts"
import { FetchFailed } from "../fetchFailed.ts"
import { fetchPage, Page } from "../fetchPage.ts"
import { httpUrls, OriginUrl } from "./HttpUrl.ts"

const Arrived = Schema.Struct({ url: Schema.String, page: Page })

const longest = Duration.minutes(5)
const Within = Patience.check(
  Schema.makeFilter((within) => Duration.isLessThanOrEqualTo(within, longest) || "At most 5 minutes.", {
    description: 'A duration, such as "3 seconds", or milliseconds; at most 5 minutes.'
  })
)

const definition = TaskDefinition.make("gather", {
  description:
    "Fetches many URLs and returns, at the latest after `within`, what arrived, what failed and what was cancelled. " +
    "Each page is an output event as soon as it is there. Default: four routes of the bundled origin, 3 seconds.",
  payload: Schema.Struct({ urls: Schema.optionalKey(httpUrls(1, 64)), within: Schema.optionalKey(Within) }),
  output: Arrived,
  partial: Schema.Struct({ arrived: Schema.Array(Arrived) }),
  success: Schema.Struct({
    arrived: Schema.Array(Arrived),
    /** Without `error`, the fetch died of a mistake in the program. */
    failed: Schema.Array(Schema.Struct({ url: Schema.String, error: Schema.optionalKey(FetchFailed) })),
    cancelled: Schema.Array(
      Schema.Struct({
        url: Schema.String,
        reason: CancelReason.Wire,
        /** From the deadline to the end, clean-up included. */
        tookMillis: Schema.optionalKey(Schema.Finite)
      })
    )
  })
})

export const implementation = definition.of(
  Effect.fnUntraced(function* (payload, self) {
    const origin = yield* OriginUrl
    const { urls = ["/page", "/slow?ms=1000", "/fail", "/stall"].map((path) => origin + path) } = payload
    const { within = Duration.seconds(3) } = payload
    let arrived: ReadonlyArray<typeof Arrived.Type> = []
    const fetchAndTell = (url: string): Effect.Effect<Page, FetchFailed> =>
      Effect.tap(fetchPage(url), (page) => {
        arrived = [...arrived, { url, page }]
        return Effect.andThen(self.partial({ arrived }), self.output({ url, page }))
      })
    const fetches = Object.fromEntries(urls.map((url) => [url, fetchAndTell(url)]))
    const report = yield* Join.within(fetches, within, { name: "pages" })
    return {
      arrived: present(report.completed).map(([url, page]) => ({ url, page })),
      failed: present(report.failed).map(([url, cause]) => {
        const error = Cause.findErrorOption(cause)
        return error._tag === "Some" ? { url, error: error.value } : { url }
      }),
      cancelled: [
        ...present(report.cancelled).map(([url, { reason, took }]) => ({
          url,
          reason,
          tookMillis: Duration.toMillis(took)
        })),
        ...present(report.interrupted).map(([url, { reason }]) => ({ url, reason }))
      ]
    }
  })
)

const present = <A>(record: { readonly [url: string]: A | undefined }): ReadonlyArray<readonly [string, A]> =>
  Object.entries(record) as ReadonlyArray<readonly [string, A]>
