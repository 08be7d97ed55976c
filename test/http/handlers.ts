/** Routes with the middleware, and clients of them, for the tests of this folder. */
import { connect } from "node:net"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as CancelMiddleware from "../../src/http/CancelMiddleware.ts"
import type { Options } from "../../src/http/RunningHandlers.ts"
import type { Site } from "./serving.ts"

export const ok = HttpServerResponse.text("ok")

/** One route, `GET /it`, behind the middleware. */
export const route = <E, R extends HttpRouter.Provided>(
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  options?: Options
) =>
  HttpRouter.add("GET", "/it", handler).pipe(Layer.provide(CancelMiddleware.layer(options))) as unknown as Layer.Layer<
    never,
    never,
    HttpRouter.HttpRouter
  >

/** "disconnect of GET /it by 127.0.0.1". */
export const textOf = (reason: CancelReason.CancelReason): string =>
  `${reason.source} of ${reason.scope}${reason.by === undefined ? "" : ` by ${reason.by}`}`

/** Waits until this is so. */
export const until = (done: () => boolean) =>
  Effect.gen(function* () {
    for (let waited = 0; !done(); waited++) {
      if (waited > 10_000) return yield* Effect.die(new Error("what was waited for never came"))
      yield* Effect.sleep(1)
    }
  })

/** A request whose client can leave. */
export const asking = (site: Site, headers?: Record<string, string>) =>
  Effect.forkChild(site.get("/it", headers), { startImmediately: true })

/** Sends the bytes and reads until the server has closed. */
export const raw = (site: Site, bytes: string) =>
  Effect.callback<string>((resume) => {
    const socket = connect(Number(new URL(site.url).port), "127.0.0.1", () => socket.write(bytes))
    let text = ""
    socket.on("data", (data) => (text += data.toString()))
    socket.on("close", () => resume(Effect.succeed(text)))
    return Effect.sync(() => socket.destroy())
  })
