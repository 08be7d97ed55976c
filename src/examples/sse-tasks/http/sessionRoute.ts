/**
 * `POST /session`: keeps the token of the request as a cookie, for a page whose EventSources can send no header. No
 * script reads it, and no other site has it sent.
 */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Handler } from "./route.ts"

export const tokenCookie = "task_token"

/** Who it stands for was asked before, as on every route. Without a token there is nothing to keep. */
export const sessionRoute: Handler = ({ request }) => {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.headers["authorization"] ?? "") ?? []
  const done = HttpServerResponse.empty({ status: 204 })
  return Effect.succeed(
    token === undefined
      ? done
      : HttpServerResponse.setCookieUnsafe(done, tokenCookie, token, { httpOnly: true, sameSite: "strict", path: "/" })
  )
}
