/** A deadline over real sockets, from A to B to C: three routes of one server, each of which calls the next. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as CancelMiddleware from "../../src/http/CancelMiddleware.ts"
import * as RequestDeadline from "../../src/http/RequestDeadline.ts"
import { textOf, until } from "./handlers.ts"
import { serving } from "./serving.ts"

/** A calls B, B calls C, each after `millis`; C does `last`. */
const chain = (millis: number, last: Effect.Effect<string>, options?: RequestDeadline.ForwardOptions) => {
  const budgets: Record<string, number> = {}
  const read: Array<string> = []
  const hop = (name: string, next: string | undefined) =>
    HttpRouter.add("GET", `/${name}`, (request) =>
      Effect.gen(function* () {
        yield* Task.onCancel((reason) => Effect.sync(() => read.push(textOf(reason))))
        const said = Option.getOrThrow(yield* RequestDeadline.read(request))
        const left = Option.getOrThrow(yield* Deadline.remaining)
        expect(Duration.isLessThanOrEqualTo(left, said)).toBe(true)
        budgets[name] = Duration.toMillis(said)
        if (next === undefined) return HttpServerResponse.text(yield* last)
        yield* Effect.sleep(millis)
        const client = RequestDeadline.forward(options)(yield* HttpClient.HttpClient)
        return yield* client.get(`http://${request.headers["host"]}/${next}`).pipe(
          Effect.flatMap((answer) =>
            Effect.map(answer.text, (text) => HttpServerResponse.text(`${name}<${answer.status} ${text}`))
          ),
          Effect.catchIf(RequestDeadline.isNoTimeLeft, () =>
            Effect.succeed(HttpServerResponse.text(`${name} had no time left`))
          ),
          Effect.orDie
        )
      })
    )
  const routes = Layer.mergeAll(hop("a", "b"), hop("b", "c"), hop("c", undefined)).pipe(
    Layer.provide(CancelMiddleware.layer()),
    HttpRouter.provideRequest(FetchHttpClient.layer)
  )
  return { budgets, read, routes }
}

describe("RequestDeadline, over real sockets", () => {
  it.live("it shrinks at each hop by what was spent and by the margin", () => {
    const { budgets, read, routes } = chain(30, Effect.succeed("done"), { margin: 10 })
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.get("/a", { "deadline-ms": "20000" })
        expect(answer.text).toBe("a<200 b<200 done")
        expect(budgets["a"]).toBe(20_000)
        // A sleep may end a millisecond early by the clock.
        expect(budgets["b"]).toBeLessThanOrEqual(19_961)
        expect(budgets["c"]).toBeLessThanOrEqual(budgets["b"]! - 39)
        expect(read).toEqual([])
      })
    )
  })

  it.live("when it passes, all three stop at about the same moment, and whoever asked first is told", () => {
    const { read, routes } = chain(0, Effect.never)
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.get("/a", { "deadline-ms": "1500" })
        // Without a margin the answer of the next hop may come just before one's own time is up.
        expect(answer.text).toMatch(answer.status === 200 ? /^a<504 / : /"source":"timeout"/)
        expect([200, 504]).toContain(answer.status)
        yield* until(() => read.some((text) => text.includes("GET /c")))
        for (const text of read)
          expect(text).toMatch(/^(?:timeout of GET \/[abc] by deadline-ms|disconnect of GET \/[bc] by 127.0.0.1)$/)
        while ((yield* site.handlers.count) > 0) yield* Effect.sleep(1)
      })
    )
  })

  it.live("with a margin the answer of the last hop comes back while the first can still use it", () => {
    const { read, routes } = chain(0, Effect.never, { margin: "2 seconds" })
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.get("/a", { "deadline-ms": "4200" })
        expect(answer.text).toMatch(/^a<200 b<504 .*"source":"timeout"/)
        expect(read).toEqual(["timeout of GET /c by deadline-ms"])
      })
    )
  })

  it.live("a hop that has no time left calls nobody", () => {
    const { budgets, routes } = chain(0, Effect.succeed("done"), { margin: "1 minute" })
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        expect((yield* site.get("/a", { "deadline-ms": "90000" })).text).toBe("a<200 b had no time left")
        expect(Object.keys(budgets)).toEqual(["a", "b"])
      })
    )
  })
})
