/**
 * What the public modules can do, found at run time: every function, effect and layer that they export, the statics of
 * the services, and what hangs on their handles. Schemas, errors, references and plain values do nothing.
 */
import * as combinators from "rescind/combinators"
import * as fibers from "rescind/fibers"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** One of each kind of handle, by the name that subjects give it. */
const handles = Effect.gen(function* () {
  return {
    nursery: yield* fibers.Nursery.make(),
    control: yield* fibers.Control.make(),
    correlator: yield* fibers.Correlator.make(),
    watchdog: yield* fibers.Watchdog.make(),
    tasks: Context.get(yield* Layer.build(fibers.Tasks.layer()), fibers.Tasks),
    latest: yield* combinators.Latest.make()
  }
})

const isError = (value: unknown): boolean => typeof value === "function" && value.prototype instanceof Error

const acts = (value: unknown): boolean =>
  !Schema.isSchema(value) &&
  !isError(value) &&
  !Context.isKey(value) &&
  (typeof value === "function" || Effect.isEffect(value) || Layer.isLayer(value) || Stream.isStream(value))

const actingIn = (owner: string, members: object): ReadonlyArray<string> =>
  Object.entries(members).flatMap(([name, value]) => (acts(value) ? [`${owner}.${name}`] : []))

const ofModule = (exported: object): ReadonlyArray<string> =>
  Object.entries(exported).flatMap(([name, value]) => {
    if (Schema.isSchema(value) || isError(value)) return []
    return actingIn(name, value as object)
  })

export const publicFunctions: ReadonlyArray<string> = [
  ...ofModule(fibers),
  ...ofModule(combinators),
  ...Object.entries(Effect.runSync(Effect.scoped(handles))).flatMap(([name, handle]) => actingIn(name, handle))
]
