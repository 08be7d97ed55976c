import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as Race from "../../src/combinators/Race.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as CancelSpans from "../../src/fibers/CancelSpans.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const ann = { reason: CancelReason.request({ by: "ann", message: "not needed" }) }

/** Keeps what each span said when it ended. */
class Exporter {
  readonly ended = new Map<string, Record<string, unknown>>()

  get tracer(): Tracer.Tracer {
    const { ended } = this
    // Like the OTLP exporter it reads the attributes in `end`, and knows its spans by their class.
    class Exported extends Tracer.NativeSpan {
      override end(endTime: bigint, exit: never): void {
        super.end(endTime, exit)
        ended.set(this.name, Object.fromEntries(this.attributes))
      }
    }
    return Tracer.make({ span: (options) => new Exported(options) })
  }

  get layer(): Layer.Layer<never> {
    return CancelSpans.layer.pipe(Layer.provide(Layer.succeed(Tracer.Tracer, this.tracer)))
  }
}

const never = (name: string): Effect.Effect<never> => Effect.withSpan(Effect.never, name)

const byAnn = (scope: string) => ({
  "rescind.cancel.source": "request",
  "rescind.cancel.message": "not needed",
  "rescind.cancel.scope": scope,
  "rescind.cancel.by": "ann",
  "rescind.cancel.at": "1970-01-01T00:00:00.100Z"
})

describe("CancelSpans", () => {
  it.effect("every span that a cancel ends has its reason, also below Effect's own combinators (K44)", () => {
    const exporter = new Exporter()
    return leakChecked(
      Effect.gen(function* () {
        const top = yield* Nursery.make<unknown>("top")
        const task = yield* top.spawn(
          "task",
          Effect.gen(function* () {
            yield* Effect.withSpan(Effect.void, "done")
            yield* Effect.forkChild(never("forked"))
            yield* Effect.forkScoped(never("scoped"))
            yield* Effect.makeSpanScoped("of the scope")
            yield* Effect.all(
              [
                Effect.race(never("left"), never("right")),
                Effect.forEach([1, 2], (n) => never(`item ${n}`), { concurrency: 2 }),
                Effect.timeout(never("timed"), "1 hour"),
                Nursery.run("n", (n: Nursery.Nursery) => n.spawn("child", never("of the child"))),
                Race.firstSuccess({ a: never("member") })
              ],
              { concurrency: "unbounded" }
            ).pipe(Effect.withSpan("inner"), Effect.withSpan("outer"))
          })
        )
        yield* TestClock.adjust(100)
        yield* Task.cancel(task, ann)
        const { ended } = exporter
        expect(ended.get("done")).toEqual({})
        const names = ["forked", "scoped", "of the scope", "left", "right", "item 1", "item 2", "timed", "of the child"]
        for (const name of [...names, "member", "inner", "outer"])
          expect([name, ended.get(name)]).toEqual([name, byAnn("task")])
      })
    ).pipe(Effect.provide(exporter.layer))
  })

  it.effect("a reason without an asker has no `by`; the losers of a race say who won (K44)", () => {
    const exporter = new Exporter()
    return leakChecked(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(
          Race.firstSuccess({ a: Effect.sleep(10), b: Effect.withSpan(Effect.never, "b") })
        )
        const top = yield* Nursery.make("top")
        const task = yield* top.spawn("task", Effect.withSpan(Effect.never, "asked by nobody"))
        yield* TestClock.adjust(10)
        yield* Fiber.join(fiber)
        yield* Task.cancel(task, { reason: CancelReason.timeout() })
        expect(exporter.ended.get("b")).toMatchObject({
          "rescind.cancel.source": "lost-race",
          "rescind.cancel.by": "a",
          "rescind.cancel.scope": "race"
        })
        expect(exporter.ended.get("asked by nobody")).not.toHaveProperty("rescind.cancel.by")
      })
    ).pipe(Effect.provide(exporter.layer))
  })

  it.effect("a span that ends otherwise has none: by a native race, a failure, or a value in clean-up (K44)", () => {
    const exporter = new Exporter()
    return leakChecked(
      Effect.gen(function* () {
        const top = yield* Nursery.make<unknown>("top")
        yield* Effect.race(Effect.withSpan(Effect.never, "native loser"), Effect.yieldNow)
        const other = yield* top.spawn("other", Effect.never)
        yield* Effect.forkChild(Effect.exit(Effect.withSpan(Task.join(other), "joiner")))
        const task = yield* top.spawn(
          "task",
          Effect.onInterrupt(Effect.never, () =>
            Effect.andThen(
              Effect.withSpan(Effect.void, "saved"),
              Effect.exit(Effect.withSpan(Effect.fail("no"), "failed"))
            )
          )
        )
        yield* settle
        yield* Task.cancel(other, ann)
        yield* Task.cancel(task, ann)
        yield* settle
        for (const name of ["native loser", "joiner", "saved", "failed"]) {
          expect([name, exporter.ended.get(name)]).toEqual([name, {}])
        }
      })
    ).pipe(Effect.provide(exporter.layer))
  })

  it.effect("the tracer below keeps its spans, and its hook if it has one (K44)", () =>
    Effect.gen(function* () {
      class Own extends Tracer.NativeSpan {}
      let steps = 0
      const hooked = CancelSpans.wrap(
        Tracer.make({
          span: (options) => new Own(options),
          context(primitive, fiber) {
            steps++
            return primitive["~effect/Effect/evaluate"](fiber)
          }
        })
      )
      const span = yield* Effect.withSpan(Effect.currentSpan, "s").pipe(Effect.provideService(Tracer.Tracer, hooked))
      expect(span).toBeInstanceOf(Own)
      expect(span.status._tag).toBe("Ended")
      expect(steps).toBeGreaterThan(0)
      expect(CancelSpans.wrap(Tracer.nativeTracer)).not.toHaveProperty("context")
    })
  )

  it.effect("natively, an ended span does not know why (K44)", () => {
    const exporter = new Exporter()
    return leakChecked(
      Effect.gen(function* () {
        const top = yield* Nursery.make("top")
        const task = yield* top.spawn("task", Effect.withSpan(Effect.never, "s"))
        yield* settle
        yield* Task.cancel(task, ann)
        expect(exporter.ended.get("s")).toEqual({})
      })
    ).pipe(Effect.provideService(Tracer.Tracer, exporter.tracer))
  })
})
