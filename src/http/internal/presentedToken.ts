/** The token that a request comes with (RFC 6750, section 2). */
import type * as HttpServerRequest from "effect/http/HttpServerRequest"

/** Where a token may stand beside the header. */
export interface Roads {
  readonly cookie: string | undefined
  readonly inQuery: boolean
}

export type Presented =
  | { readonly _tag: "None" }
  | { readonly _tag: "Malformed"; readonly message: string }
  | { readonly _tag: "Token"; readonly token: string }

export const presentedToken = (
  { cookies, headers, method, url }: HttpServerRequest.HttpServerRequest,
  { cookie, inQuery }: Roads
): Presented => {
  const { authorization } = headers
  const queried = inQuery ? inUrl(method, url) : []
  if (authorization !== undefined) {
    if (queried.length > 0) return malformed("Send the token in the header or in the query, not in both")
    const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)?.[1]
    return token === undefined
      ? malformed('The header must be "authorization: Bearer <token>"')
      : { _tag: "Token", token }
  }
  if (queried.length > 1) return malformed("Send one access_token")
  // A browser sends the cookie by itself, the query only if the page says so.
  const token = queried[0] ?? (cookie === undefined ? undefined : cookies[cookie])
  return token === undefined || token === "" ? none : { _tag: "Token", token }
}

const none: Presented = { _tag: "None" }

const malformed = (message: string): Presented => ({ _tag: "Malformed", message })

/** Of an event stream alone: whatever else there is can send headers. */
const inUrl = (method: string, url: string): ReadonlyArray<string> => {
  const [path, query = ""] = url.split("?", 2)
  if ((method !== "GET" && method !== "HEAD") || !/^\/tasks\/[^/]+\/events$/.test(path!)) return []
  return new URLSearchParams(query.split("#")[0]).getAll("access_token")
}
