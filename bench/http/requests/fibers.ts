/** What the two contestants of Effect keep: a `FiberMap` of tasks that wait. */
import { randomUUID } from "node:crypto"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CancelReason, type CancelResult } from "../../../src/fibers/index.ts"
import type { CancelCall } from "../../../src/http/index.ts"
import type { RequestServer } from "../Contestant.ts"
import { effectServer } from "../effectServer.ts"
import { startedOf, type Started } from "./waiting.ts"

/** The body of a start. */
export const Payload = Schema.Struct({ label: Schema.optionalKey(Schema.String) })

export type Fibers = FiberMap.FiberMap<string, never>

export const start = (fibers: Fibers): Effect.Effect<Started> =>
  Effect.suspend(() => {
    const id = `wait-${randomUUID()}`
    return Effect.as(FiberMap.run(fibers, id, Effect.never), startedOf(id))
  })

/** None if there is no such task. */
export const cancel: (
  fibers: Fibers,
  id: string,
  call: CancelCall.CancelCall
) => Effect.Effect<Option.Option<CancelResult.CancelResult>> = Effect.fnUntraced(function* (fibers, id, { reason }) {
  const fiber = yield* FiberMap.get(fibers, id)
  if (Option.isNone(fiber)) return Option.none()
  const at = yield* DateTime.now
  const [took] = yield* Effect.timed(Fiber.interrupt(fiber.value))
  return Option.some({
    _tag: "Cancelled",
    id,
    reason: new CancelReason.CancelReason({
      source: "request",
      message: reason?.message ?? "Task was cancelled",
      ...(reason?.by === undefined ? {} : { by: reason.by }),
      scope: id,
      at
    }),
    how: "interrupted",
    took: Duration.millis(Math.round(Duration.toMillis(took)))
  })
})

/** The routes on a free port, with fibers of their own. */
export const serveFibers = async <A>(
  routes: (fibers: Fibers) => Layer.Layer<A, never, any>
): Promise<RequestServer> => {
  let fibers: Fibers
  const { port, runtime } = await effectServer(
    Layer.unwrap(
      Effect.map(FiberMap.make<string, never>(), (made) => {
        fibers = made
        return routes(made)
      })
    )
  )
  return { port, left: () => runtime.runPromise(FiberMap.size(fibers)) }
}
