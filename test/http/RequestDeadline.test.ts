import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Deadline from "../../src/combinators/Deadline.ts"
import { InvalidDuration } from "../../src/fibers/CancelPolicy.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as RequestDeadline from "../../src/http/RequestDeadline.ts"

const read = (headers: Record<string, string>) =>
  RequestDeadline.read(Headers.fromInput(headers)).pipe(
    Effect.match({
      onFailure: ({ code, extension }) => ({ code, ...extension?.errors?.[0] }),
      onSuccess: (budget) => Option.getOrElse(Option.map(budget, Duration.toMillis), () => "none")
    })
  )

/** A client that sends nothing, and what it was asked to send. */
const recording = (status = 200) => {
  const sent: Array<HttpClientRequest.HttpClientRequest> = []
  const client = HttpClient.make((request) =>
    Effect.sync(() => {
      sent.push(request)
      return HttpClientResponse.fromWeb(request, new Response(null, { status }))
    })
  )
  return { client, budgets: () => sent.map(({ headers }) => headers["deadline-ms"]) }
}

const url = "http://127.0.0.1/"

/** Runs the effect while the clock passes `millis`. */
const during = <A, E, R>(millis: number, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    yield* TestClock.adjust(millis)
    return yield* Fiber.join(fiber)
  })

describe("RequestDeadline.read", () => {
  it.effect("a whole number of milliseconds is a budget, and no header is none", () =>
    Effect.gen(function* () {
      expect(yield* read({})).toBe("none")
      for (const millis of [0, 1, 1500, 2_147_483_647]) {
        expect(yield* read({ "deadline-ms": String(millis) })).toBe(millis)
        expect(yield* read({ "Deadline-MS": String(millis) })).toBe(millis)
      }
    })
  )

  it.effect("anything else is 400 and names the header", () =>
    Effect.gen(function* () {
      const bad = [
        "",
        " ",
        "-1",
        "-0",
        "+5",
        "1.5",
        "1e9",
        "0x10",
        "NaN",
        "Infinity",
        "01",
        "5 ms",
        "5, 5",
        "5,6",
        "1_000"
      ]
      for (const said of [...bad, "٣", "2147483648", "9".repeat(400), "5\u0000", "5\n6"]) {
        expect([said, yield* read({ "deadline-ms": said })]).toMatchObject([
          said,
          { code: "invalid-request", in: "header", field: "deadline-ms" }
        ])
      }
    })
  )

  it.effect("a long value is not told back whole", () =>
    Effect.gen(function* () {
      const { message } = (yield* read({ "deadline-ms": "x".repeat(10_000) })) as { message: string }
      expect(message.length).toBeLessThan(200)
    })
  )
})

describe("RequestDeadline.forward", () => {
  it.effect("sends what is left of the nearest deadline at the moment of sending, in whole milliseconds", () =>
    Effect.gen(function* () {
      const { budgets, client } = recording()
      const get = RequestDeadline.forward()(client).get(url)
      yield* get
      yield* Deadline.run(get, "2 seconds")
      yield* Deadline.run(Deadline.run(get, "1 hour"), "3 seconds")
      yield* Deadline.run(get, Duration.nanos(1_900_000n))
      yield* during(400, Deadline.run(Effect.delay(get, 400), "1 second"))
      yield* Deadline.run(Effect.forkChild(get).pipe(Effect.flatMap(Fiber.join)), "5 seconds")
      expect(budgets()).toEqual([undefined, "2000", "3000", "1", "600", "5000"])
    })
  )

  it.effect("the margin is kept back, and a call for which nothing is left is not sent", () =>
    Effect.gen(function* () {
      const { budgets, client } = recording()
      const get = RequestDeadline.forward({ margin: 100 })(client).get(url)
      yield* Deadline.run(get, 101)
      const refused = yield* Effect.flip(Deadline.run(get, 100))
      expect(RequestDeadline.isNoTimeLeft(refused)).toBe(true)
      expect(refused.message).toContain("Not sent: the deadline leaves 100ms, of which 100ms are kept for the caller")
      const late = during(50, Deadline.run(Effect.delay(get, 50), 120))
      expect(RequestDeadline.isNoTimeLeft(yield* Effect.flip(late))).toBe(true)
      expect(budgets()).toEqual(["1"])
      expect(() => RequestDeadline.forward({ margin: -1 })).toThrow(InvalidDuration)
      expect(() => RequestDeadline.forward({ margin: NaN })).toThrow(InvalidDuration)
    })
  )

  it.effect("a deadline of zero sends nothing at all", () =>
    Effect.gen(function* () {
      const { budgets, client } = recording()
      const get = Effect.result(RequestDeadline.forward()(client).get(url))
      yield* Effect.exit(Deadline.run(get, 0))
      expect(budgets()).toEqual([])
    })
  )

  it.effect("a header that is there already only ever gets shorter", () =>
    Effect.gen(function* () {
      const { budgets, client } = recording()
      const get = (said: string) => RequestDeadline.forward()(client).get(url, { headers: { "deadline-ms": said } })
      yield* get("70")
      for (const said of ["70", "5000", "soon", "1e1"]) yield* Deadline.run(get(said), 900)
      expect(budgets()).toEqual(["70", "70", "900", "900", "900"])
    })
  )

  it.effect("more than the header may say is not sent along, and neither is what lies behind a shield", () =>
    Effect.gen(function* () {
      const { budgets, client } = recording()
      const get = RequestDeadline.forward()(client).get(url)
      yield* Deadline.run(get, RequestDeadline.maxMillis + 1)
      yield* Deadline.run(get, RequestDeadline.maxMillis)
      yield* Deadline.run(Shield.run("save", get), "1 second")
      expect(budgets()).toEqual([undefined, "2147483647", undefined])
    })
  )

  it.effect("each attempt of a retry that is wrapped around it counts anew", () =>
    Effect.gen(function* () {
      const { budgets, client } = recording(503)
      const retried = RequestDeadline.forward()(client).pipe(
        HttpClient.retryTransient({ schedule: Schedule.spaced(100), times: 2 })
      )
      yield* during(1000, Deadline.run(retried.get(url), "1 second"))
      expect(budgets()).toEqual(["1000", "900", "800"])
    })
  )

  it.effect("what was not sent for want of time is not tried again", () =>
    Effect.gen(function* () {
      const { client } = recording()
      let asked = 0
      const retried = RequestDeadline.forward({ margin: "1 minute" })(client).pipe(
        HttpClient.tapError(() => Effect.sync(() => asked++)),
        HttpClient.retryTransient({ times: 5 })
      )
      expect(RequestDeadline.isNoTimeLeft(yield* Effect.flip(Deadline.run(retried.get(url), "1 second")))).toBe(true)
      expect(asked).toBe(1)
    })
  )

  it.effect("clean-up after the deadline is not refused, and what bounds it is sent along", () =>
    Effect.gen(function* () {
      const { budgets, client } = recording()
      const get = Effect.ignore(RequestDeadline.forward()(client).get(url))
      const work = Effect.onInterrupt(Effect.never, () =>
        Effect.andThen(get, Effect.ignore(Deadline.run(get, "3 seconds")))
      )
      yield* during(500, Deadline.option(work, 500))
      expect(budgets()).toEqual([undefined, "3000"])
    })
  )
})
