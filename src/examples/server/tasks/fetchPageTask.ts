/**
 * `fetch-page`: fetches one URL and tells how far it is. A cancel closes the socket at once, and the outcome keeps how
 * much had arrived.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../../http/TaskDefinition.ts"
import { FetchFailed } from "../fetchFailed.ts"
import { fetchPage, FetchProgress, Page } from "../fetchPage.ts"
import { HttpUrl, OriginUrl } from "./HttpUrl.ts"

/** Bytes that have arrived from `url`; the first one says where the fetch begins. */
export const Fetched = Schema.Struct({ url: Schema.String, ...FetchProgress.fields })

const definition = TaskDefinition.make("fetch-page", {
  description:
    "Fetches a URL: progress while the body arrives, then its status, bytes, title and sha-256. " +
    "Limits: 30 seconds, 10 MiB, 5 redirects. Default: 100 chunks in 10 seconds from the bundled origin.",
  payload: Schema.Struct({ url: Schema.optionalKey(HttpUrl) }),
  progress: Fetched,
  partial: Fetched,
  success: Page,
  error: FetchFailed
})

export const implementation = definition.of(
  Effect.fnUntraced(function* (payload, self) {
    const { url = `${yield* OriginUrl}/chunked?chunks=100&ms=100&length=1` } = payload
    const tell = (progress: FetchProgress): Effect.Effect<void> => {
      const fetched = { url, ...progress }
      return Effect.andThen(self.partial(fetched), self.progress(fetched))
    }
    yield* tell({ bytes: 0 })
    return yield* fetchPage(url, { onProgress: tell })
  })
)
