import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as HttpServer from "effect/http/HttpServer"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as CancelMiddleware from "../../src/http/CancelMiddleware.ts"
import * as RequestCancelled from "../../src/http/RequestCancelled.ts"
import * as RequestDeadline from "../../src/http/RequestDeadline.ts"
import { textOf, until } from "./handlers.ts"
import { serving } from "./serving.ts"

class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", { left: Schema.Int }, { httpApiStatus: 410 }) {}

const How = Schema.Literals(["wait", "joins", "sold-out", "well"])

const Shop = HttpApi.make("shop").add(
  HttpApiGroup.make("orders")
    .add(
      HttpApiEndpoint.post("place", "/orders", {
        payload: Schema.Struct({ how: How }),
        success: Schema.String,
        error: SoldOut
      })
    )
    .middleware(CancelMiddleware.ForApi)
)

const shop = () => {
  const read: Array<string> = []
  const entered = Latch.makeUnsafe()
  const joins = Nursery.run("below", (nursery) =>
    Effect.gen(function* () {
      const task = yield* nursery.spawn("pack", Effect.never)
      yield* Task.cancel(task, { reason: CancelReason.request({ by: "ann", message: "not needed" }) })
      return yield* Task.join(task)
    })
  )
  const place = (how: typeof How.Type): Effect.Effect<string, SoldOut | RequestCancelled.Inner> => {
    if (how === "sold-out") return Effect.fail(new SoldOut({ left: 0 }))
    if (how === "well") return Effect.succeed("placed")
    if (how === "joins") return joins
    return Effect.gen(function* () {
      yield* Task.onCancel((reason) => Effect.sync(() => read.push(textOf(reason))))
      yield* entered.open
      return yield* Effect.never
    })
  }
  const routes = HttpApiBuilder.layer(Shop).pipe(
    Layer.provide(
      HttpApiBuilder.group(Shop, "orders", (handlers) =>
        handlers.handle("place", ({ payload }) => RequestCancelled.catchInner(place(payload.how)))
      )
    ),
    Layer.provide(CancelMiddleware.ForApi.layer()),
    Layer.provide(HttpServer.layerServices)
  )
  return { read, entered, routes }
}

const client = (baseUrl: string) =>
  HttpApiClient.make(Shop, { baseUrl, transformClient: RequestDeadline.forward() }).pipe(
    Effect.provide(FetchHttpClient.layer)
  )

describe("CancelMiddleware.ForApi", () => {
  it.live("a typed client fails with the reason, and its own errors and successes stay what they are", () => {
    const { read, routes } = shop()
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const { orders } = yield* client(site.url)
        expect(yield* orders.place({ payload: { how: "well" } })).toBe("placed")
        const soldOut = yield* Effect.flip(orders.place({ payload: { how: "sold-out" } }))
        expect(soldOut).toBeInstanceOf(SoldOut)
        const joined = yield* Effect.flip(orders.place({ payload: { how: "joins" } }))
        expect(joined).toBeInstanceOf(RequestCancelled.RequestCancelled)
        expect(joined).toMatchObject({ status: 409, reason: { source: "request", by: "ann", message: "not needed" } })
        // The header is shorter than the deadline of the client: its answer comes in time.
        const spent = yield* site.post("/orders", { how: "wait" }, { "deadline-ms": "300" })
        expect([spent.status, spent.json.reason.source]).toEqual([504, "timeout"])
        expect(read).toEqual(["timeout of POST /orders by deadline-ms"])
      })
    )
  })

  it.live("the deadline of a typed client travels with its call, and its interrupt arrives as disconnect", () => {
    const { entered, read, routes } = shop()
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const { orders } = yield* client(site.url)
        yield* Effect.ignore(Deadline.run(orders.place({ payload: { how: "wait" } }), 500))
        yield* until(() => read.length === 1)
        expect(read[0]).toMatch(
          /^(?:timeout of POST \/orders by deadline-ms|disconnect of POST \/orders by 127.0.0.1)$/
        )
        yield* entered.close
        const calling = yield* Effect.forkChild(orders.place({ payload: { how: "wait" } }))
        yield* entered.await
        yield* Fiber.interrupt(calling)
        yield* until(() => read.length === 2)
        expect(read[1]).toBe("disconnect of POST /orders by 127.0.0.1")
      })
    )
  })

  it.live("a drain is a typed 503 to the client, and refuses the next call the same way", () => {
    const { entered, routes } = shop()
    return serving({ tasks: [], routes }, (site) =>
      Effect.gen(function* () {
        const { orders } = yield* client(site.url)
        const calling = yield* Effect.forkChild(Effect.flip(orders.place({ payload: { how: "wait" } })))
        yield* entered.await
        yield* site.drain()
        expect(yield* Fiber.join(calling)).toMatchObject({ status: 503, reason: { source: "shutdown" } })
        const refused = yield* Effect.flip(orders.place({ payload: { how: "well" } }))
        expect(refused).toMatchObject({ _tag: "RequestCancelled", status: 503, reason: { source: "shutdown" } })
      })
    )
  })

  it("the documentation has the statuses and the media type", () => {
    const { responses } = OpenApi.fromApi(Shop).paths["/orders"]!.post!
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(["409", "500", "503", "504"]))
    expect(Object.keys(responses["504"]!.content!)).toEqual(["application/problem+json"])
  })
})
