/** The page of an example at `/`: one file of plain HTML, read once at the start. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { fileURLToPath } from "node:url"

// What the page may load and reach: itself; and nobody may show it in a frame and have its buttons clicked.
const policy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

export const layer = (file: URL): Layer.Layer<never, never, FileSystem.FileSystem | HttpRouter.HttpRouter> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const html = yield* Effect.orDie((yield* FileSystem.FileSystem).readFileString(fileURLToPath(file)))
      const headers = { "content-security-policy": policy, "cache-control": "no-cache" }
      return HttpRouter.add(
        "GET",
        "/",
        Effect.succeed(HttpServerResponse.text(html, { contentType: "text/html", headers }))
      )
    })
  )
