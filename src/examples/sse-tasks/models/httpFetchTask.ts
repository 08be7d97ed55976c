/**
 * `HttpFetchTask`: fetches one URL and says how far it is. A cancel closes the socket at once, and clients read of which
 * URL; whatever the network does wrong is a failure, never a cancel.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { FetchFailed } from "../../server/fetchFailed.ts"
import { fetchPage } from "../../server/fetchPage.ts"
import { HttpUrl } from "../../server/tasks/HttpUrl.ts"
import * as TaskModel from "../coordinator/TaskModel.ts"
import { app } from "./appName.ts"

/** Of the client: for the whole answer, body included. */
const clientTimeout = "30 seconds"

/** `url` is what it fetches if its record names nothing. */
export const httpFetchTask = (fallback: string): TaskModel.TaskModel =>
  TaskModel.make({
    app,
    model: "HttpFetchTask",
    description: `Fetches \`url\` (default ${fallback}), within 30 seconds`,
    params: Schema.Struct({ url: Schema.optionalKey(HttpUrl) }),
    value: Schema.Struct({ url: Schema.String, status: Schema.Int, size: Schema.Int }),
    error: FetchFailed,
    start: ({ url = fallback }) => ({ url }),
    process: ({ url = fallback }, task) =>
      Effect.gen(function* () {
        yield* task.send("progress", { stage: "fetching", url })
        const { bytes, status } = yield* fetchPage(url, { limits: { time: clientTimeout } })
        yield* task.send("progress", { stage: "fetched", url, status, size: bytes })
        return { url, status, size: bytes }
      }).pipe(Effect.onInterrupt(() => task.send("cancelled", { message: "Fetch cancelled", url })))
  })
