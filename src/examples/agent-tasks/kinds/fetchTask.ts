/**
 * `fetch`: one page, over a connection of its own. A cancel closes the socket at once, which the bundled origin sees; the
 * outcome keeps how much had arrived.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../../http/TaskDefinition.ts"
import { FetchFailed } from "../../server/fetchFailed.ts"
import { fetchPage, Page } from "../../server/fetchPage.ts"
import { HttpUrl } from "../../server/tasks/HttpUrl.ts"

const Arrived = Schema.Struct({ bytes: Schema.Int })

export const Fetch = TaskDefinition.make("fetch", {
  description: "Fetches a URL: at most 30 seconds, 10 MiB, 5 redirects.",
  payload: Schema.Struct({ url: HttpUrl }),
  success: Page,
  error: FetchFailed,
  partial: Arrived
})

export const implementation = Fetch.of(({ url }, self) =>
  Effect.andThen(self.partial({ bytes: 0 }), fetchPage(url, { onProgress: ({ bytes }) => self.partial({ bytes }) }))
)
