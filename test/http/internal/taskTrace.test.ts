import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import type * as Scope from "effect/Scope"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import * as CancelSpans from "../../../src/fibers/CancelSpans.ts"
import { count, stubborn, Wait, wait } from "../probes.ts"
import { type Options, serving, type Site } from "../serving.ts"

/** Keeps every span that was made. */
class Spans {
  readonly made: Array<Tracer.NativeSpan> = []

  readonly tracer: Tracer.Tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      this.made.push(span)
      return span
    }
  })

  named(name: string): Tracer.NativeSpan {
    const found = this.made.filter((span) => span.name === name)
    expect([name, found.length]).toEqual([name, 1])
    return found[0]!
  }
}

const traced = <A, E>(options: Options, test: (site: Site, spans: Spans) => Effect.Effect<A, E, Scope.Scope>) => {
  const spans = new Spans()
  const layer = CancelSpans.layer.pipe(Layer.provide(Layer.succeed(Tracer.Tracer, spans.tracer)))
  return Effect.provide(
    serving(options, (site) => test(site, spans)),
    layer
  )
}

const parentOf = (span: Tracer.Span) => Option.getOrUndefined(span.parent)?.spanId
const linksOf = (span: Tracer.Span) =>
  span.links.map(({ attributes, span }) => [attributes["rescind.link"], span.spanId])
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

describe("taskTrace", () => {
  it.live("a task has a span, below that of the request that started it, in the trace of whoever sent that", () =>
    traced({ tasks: [count] }, (site, spans) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/count?id=c", { to: 1 }, { traceparent })
        yield* site.tasks.await("c")
        const task = spans.named("task count")
        const request = spans.named("POST")
        expect(request.traceId).toBe("0af7651916cd43dd8448eb211c80319c")
        expect(parentOf(request)).toBe("b7ad6b7169203331")
        expect([task.traceId, parentOf(task)]).toEqual([request.traceId, request.spanId])
        expect(Object.fromEntries(task.attributes)).toEqual({ "rescind.task.id": "c", "rescind.task.name": "count" })
        expect(task.status).toMatchObject({ _tag: "Ended", exit: Exit.succeed({ sum: 1 }) })
      })
    )
  )

  it.live("a client that leaves its stream is a 499 in the span of its request, and no failure of the server", () =>
    traced({ tasks: [wait] }, (site, spans) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w")
        const client = yield* site.follow("w")
        yield* client.until((events) => events.length === 2)
        yield* client.leave
        const ended = Effect.sync(() => spans.named("GET").status._tag === "Ended")
        yield* Effect.repeat(Effect.andThen(Effect.sleep(1), ended), { until: Boolean })
        expect(spans.named("GET").attributes.get("http.response.status_code")).toBe(499)
      })
    )
  )

  it.live("what a task does stands below its span, and its logs are of its trace", () => {
    const works = Wait.of(() => Effect.as(Effect.withSpan(Effect.logInfo("working"), "step"), "done"))
    return traced({ tasks: [works] }, (site, spans) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        yield* site.tasks.await("w")
        expect(parentOf(spans.named("step"))).toBe(spans.named("task wait").spanId)
      })
    )
  })

  it.live("a cancelled task's span ends with the reason, and is linked to the span of the cancel both ways", () =>
    traced({ tasks: [wait] }, (site, spans) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        yield* (yield* site.follow("w")).until((events) => events.length === 2)
        yield* site.post("/tasks/w/cancel", { reason: { by: "ann", message: "not needed" } }, { traceparent })
        const task = spans.named("task wait")
        const cancel = spans.named("cancel wait")
        const reason = {
          "rescind.cancel.source": "request",
          "rescind.cancel.message": "not needed",
          "rescind.cancel.scope": "w",
          "rescind.cancel.by": "ann"
        }
        expect(Object.fromEntries(task.attributes)).toMatchObject(reason)
        expect(task.events.map(([name, , attributes]) => [name, attributes])).toEqual([["cancel", reason]])
        expect(task.status._tag).toBe("Ended")
        expect(linksOf(task)).toEqual([["cancel", cancel.spanId]])
        expect(linksOf(cancel)).toEqual([["task", task.spanId]])
        expect(Object.fromEntries(cancel.attributes)).toEqual({
          "rescind.task.id": "w",
          "rescind.task.name": "wait",
          "rescind.cancel.result": "Cancelled"
        })
        expect(cancel.traceId).toBe("0af7651916cd43dd8448eb211c80319c")
        expect(task.traceId).not.toBe(cancel.traceId)
      })
    )
  )

  it.live("a cancel from elsewhere than HTTP is an event of the task's span too", () =>
    traced({ tasks: [wait] }, (site, spans) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        yield* (yield* site.follow("w")).until((events) => events.length === 2)
        yield* site.tasks.cancel("w", { reason: CancelReason.timeout() })
        const task = spans.named("task wait")
        expect(task.events[0]![2]).toMatchObject({ "rescind.cancel.source": "timeout" })
        expect(linksOf(task)).toEqual([])
      })
    )
  )

  it.live("the span of a task that a cancel gave up on ends when its work really ends", () => {
    const mule = stubborn()
    return traced({ tasks: [mule] }, (site, spans) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/stubborn?id=m")
        yield* (yield* site.follow("m")).until((events) => events.length === 2)
        yield* site.post("/tasks/m/cancel", { giveUp: "0 millis" })
        const task = spans.named("task stubborn")
        expect([task.status._tag, task.events.map(([name]) => name)]).toEqual(["Started", ["cancel"]])
        yield* mule.letGo
        for (let waited = 0; task.status._tag === "Started" && waited < 20_000; waited++) yield* Effect.sleep(1)
        expect(task.status._tag).toBe("Ended")
      })
    )
  })

  it.live("a cancel whose clean-up takes its time is one event, at the time of the request", () => {
    const tidy = Wait.of((_, self) =>
      Effect.onInterrupt(Effect.andThen(self.progress("ready"), Effect.never), () => Effect.sleep(30))
    )
    return traced({ tasks: [tidy] }, (site, spans) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        yield* (yield* site.follow("w")).until((events) => events.length === 2)
        const { json } = yield* site.post("/tasks/w/cancel")
        const task = spans.named("task wait")
        expect(task.events.map(([name, at]) => [name, Number(at / 1_000_000n)])).toEqual([
          ["cancel", Date.parse(json.reason.at)]
        ])
      })
    )
  })

  it.live("without a tracer there is no span", () => {
    const seen: Array<unknown> = []
    const looks = Wait.of(() => Effect.map(Effect.option(Effect.currentSpan), (span) => String(seen.push(span._tag))))
    return serving({ tasks: [looks] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/wait?id=w", {})
        yield* site.tasks.await("w")
        expect(seen).toEqual(["None"])
      })
    )
  })
})
