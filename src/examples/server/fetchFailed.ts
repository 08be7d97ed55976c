/**
 * Why a fetch gave no page: one tagged error with a `kind` to branch on. It crosses the wire, so it is a schema. A
 * cancelled fetch is not among the kinds: that stays an interrupt with its reason, also when the time limit is near.
 */
import type * as HttpClientError from "effect/http/HttpClientError"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * `url` is the address that failed: after a redirect the one redirected to. Names and passwords are taken out of it.
 */
export class FetchFailed extends Schema.TaggedError<FetchFailed>()("FetchFailed", {
  url: Schema.String,
  kind: Schema.Literals([
    "invalid-url",
    "unsupported-protocol",
    "network",
    "status",
    "too-large",
    "too-many-redirects",
    "timeout"
  ]),
  message: Schema.String,
  /** The HTTP status, with kind "status" only. */
  status: Schema.optionalKey(Schema.Int)
}) {}

/**
 * The URL, if it may be fetched. Embedded credentials are refused: a task's URL is shown in events, logs and lists, and
 * a redirect could smuggle them in.
 */
export const checkUrl = (text: string, base?: URL): Result.Result<URL, FetchFailed> => {
  const url = URL.parse(text, base?.href)
  if (url === null) {
    const message = "Not a URL. Write an absolute one, such as http://localhost:3001/page."
    return Result.fail(new FetchFailed({ url: text, kind: "invalid-url", message }))
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    const message = `Cannot fetch ${url.protocol} URLs. Only http: and https: are allowed.`
    return Result.fail(new FetchFailed({ url: withoutSecrets(url), kind: "unsupported-protocol", message }))
  }
  if (url.username !== "" || url.password !== "") {
    const message = "The URL carries a user name or a password, which events and logs would show. Remove them."
    return Result.fail(new FetchFailed({ url: withoutSecrets(url), kind: "invalid-url", message }))
  }
  return Result.succeed(url)
}

const withoutSecrets = (url: URL): string => {
  const copy = new URL(url)
  copy.username = ""
  copy.password = ""
  return copy.href
}

/** What the socket said, without the request in it: no answer came, or the body broke off. */
export const networkFailure = (url: URL, error: HttpClientError.HttpClientError): FetchFailed => {
  const what = error.response === undefined ? "No answer" : "The connection broke before the body ended"
  const cause = "cause" in error.reason ? error.reason.cause : undefined
  return new FetchFailed({ url: url.href, kind: "network", message: `${what}: ${describe(cause)}.` })
}

// "localhost" is tried over IPv6 and IPv4, and both refusals arrive in one AggregateError without a message.
export const describe = (cause: unknown): string =>
  cause instanceof AggregateError
    ? cause.errors.map(describe).join(", ")
    : cause instanceof Error
      ? cause.message
      : "unknown network error"
