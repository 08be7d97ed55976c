/** Whether a request says `Prefer: respond-async` (RFC 7240), and how its answer says that it was heeded. */
import type * as HttpServerRequest from "effect/http/HttpServerRequest"

export const prefersAsync = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  /(?:^|,)\s*respond-async\s*(?:[,;]|$)/i.test(headers["prefer"] ?? "")

export const preferenceApplied = { "preference-applied": "respond-async" }
