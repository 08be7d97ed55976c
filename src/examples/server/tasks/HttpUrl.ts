/**
 * The URLs that a payload may name: http and https, without a name or a password in them. What is wrong is said before
 * a task starts, so that a typing mistake is a 400 that names the field, not a failed task.
 */
import * as Context from "effect/Context"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { checkUrl } from "../fetchFailed.ts"

const message = (text: string): string | undefined =>
  Result.match(checkUrl(text), { onSuccess: () => undefined, onFailure: ({ message }) => message })

export const HttpUrl: Schema.String = Schema.String.check(
  Schema.isMaxLength(2048),
  Schema.makeFilter(message, {
    description: "An absolute http or https URL without credentials.",
    examples: ["http://localhost:3001/page"]
  })
)

/** From `minimum` to `maximum` of them, both included. The same address twice is fetched once. */
export const httpUrls = (minimum: number, maximum: number): Schema.$Array<Schema.String> =>
  Schema.Array(HttpUrl).check(Schema.isBetweenLength(minimum, maximum))

/** Where the bundled origin listens: the default targets lie there. Without a slash at the end. */
export class OriginUrl extends Context.Service<OriginUrl, string>()("rescind/examples/server/OriginUrl") {}
