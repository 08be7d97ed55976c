/**
 * `race-mirrors`: the same file from several places, first success wins. The losers' sockets close at once, and the
 * result says of each what became of it.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Loser from "../../../combinators/Loser.ts"
import * as Race from "../../../combinators/Race.ts"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import * as TaskDefinition from "../../../http/TaskDefinition.ts"
import { FetchFailed } from "../fetchFailed.ts"
import { fetchPage, Page } from "../fetchPage.ts"
import { Fetched } from "./fetchPageTask.ts"
import { httpUrls, OriginUrl } from "./HttpUrl.ts"

/** Without `error`, the mirror died of a mistake in the program, which is in the log. */
const Failure = Schema.Struct({ url: Schema.String, error: Schema.optionalKey(FetchFailed) })

export const LoserReport = Schema.Union([
  Schema.Struct({ url: Schema.String, end: Schema.Literal("not-started") }),
  Schema.Struct({
    url: Schema.String,
    end: Schema.Literal("cancelled"),
    reason: CancelReason.Wire,
    /** From the request to the end, clean-up included. */
    tookMillis: Schema.Finite
  }),
  Schema.Struct({ ...Failure.fields, end: Schema.Literal("failed") }),
  Schema.Struct({ url: Schema.String, end: Schema.Literal("finished-late"), page: Page, tookMillis: Schema.Finite })
])

class NoMirror extends Schema.TaggedError<NoMirror>()("NoMirror", {
  message: Schema.String,
  failures: Schema.Array(Failure)
}) {}

const definition = TaskDefinition.make("race-mirrors", {
  description:
    "Fetches the same file from several URLs; the first success wins, the others are cancelled at once and reported. " +
    "Default: three mirrors of the bundled origin, one of them failing.",
  payload: Schema.Struct({ urls: Schema.optionalKey(httpUrls(1, 16)) }),
  progress: Fetched,
  success: Schema.Struct({ winner: Schema.String, page: Page, losers: Schema.Array(LoserReport) }),
  error: NoMirror
})

const failure = (url: string, cause: Cause.Cause<FetchFailed>): typeof Failure.Type => {
  const error = Cause.findErrorOption(cause)
  return error._tag === "Some" ? { url, error: error.value } : { url }
}

export const reportOf = (url: string, loser: Loser.Loser<Page, FetchFailed>): typeof LoserReport.Type =>
  Loser.match(loser, {
    NotStarted: () => ({ url, end: "not-started" as const }),
    Cancelled: ({ reason, took }) => ({ url, end: "cancelled" as const, reason, tookMillis: Duration.toMillis(took) }),
    Failed: ({ cause }) => ({ ...failure(url, cause), end: "failed" as const }),
    FinishedLate: ({ took, value }) => ({
      url,
      end: "finished-late" as const,
      page: value,
      tookMillis: Duration.toMillis(took)
    })
  })

export const implementation = definition.of(
  Effect.fnUntraced(function* (payload, self) {
    const origin = yield* OriginUrl
    const { urls = [`${origin}/file?mirror=slow&ms=8000`, `${origin}/fail`, `${origin}/file?mirror=fast&ms=3000`] } =
      payload
    const mirrors = Object.fromEntries(
      urls.map((url) => [url, fetchPage(url, { onProgress: (progress) => self.progress({ url, ...progress }) })])
    )
    const won = yield* Effect.mapError(
      Race.firstSuccess(mirrors, { name: "mirrors" }),
      ({ failures, message }) =>
        new NoMirror({ message, failures: failures.map(({ cause, member }) => failure(String(member), cause)) })
    )
    const losers = Object.entries(won.losers).flatMap(([url, loser]) =>
      loser === undefined ? [] : reportOf(url, loser)
    )
    return { winner: won.winner, page: won.value, losers }
  })
)
